"""report.html: one self-contained page, the matrix and for each cell the sequence of its requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from harness.matrix import Cell
from harness.plays import Play
from harness.report.advice import advice
from harness.report.steps import BALANCER, BROWSER, Step, brief, shortened, steps
from harness.topology import Topology

LANE, ROW, MARGIN = 165, 34, 100
"""Pixels between two lifelines, between two arrows, and left of the first lifeline."""


@dataclass(frozen=True)
class Arrow:
    """A step with its place in the drawing."""

    step: Step
    x1: int
    x2: int
    y: int
    text: str


@dataclass(frozen=True)
class Diagram:
    """A play as a sequence diagram: lifelines and arrows with their places."""

    play: Play
    lanes: tuple[tuple[str, int], ...]
    arrows: tuple[Arrow, ...]
    width: int
    height: int


def diagram(play: Play) -> Diagram:
    """Lay a play out: browser, nginx and instances on the left, the stores on the right."""
    taken = [step for seen in play.observations for step in steps(seen)]
    actors = {actor for step in taken for actor in (step.source, step.target)} - {BROWSER, BALANCER}
    instances = sorted(actor for actor in actors if len(actor) == 1)
    names = [BROWSER, BALANCER, *instances, *sorted(actors.difference(instances))]
    place = {name: MARGIN + LANE * number for number, name in enumerate(names)}
    width = MARGIN + LANE * (len(names) - 1) + 2 * LANE
    arrows = [_arrow(step, place, 70 + ROW * number, width) for number, step in enumerate(taken)]
    return Diagram(play, tuple(place.items()), tuple(arrows), width, 90 + ROW * len(taken))


def _arrow(step: Step, place: dict[str, int], y: int, width: int) -> Arrow:
    """The text stands above its arrow and never runs out of the drawing."""
    x1, x2 = place[step.source], place[step.target]
    left = min(x1, x2) + 8
    room = (width - left) // 7  # about 7 pixels a character
    return Arrow(step, x1, x2, y, shortened(brief(step.text), max(room, 20)))


def render(cells: Sequence[Cell], topologies: Sequence[Topology]) -> str:
    """The page. Everything that came from the app is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    by_place = {(cell.topology, cell.scenario): cell for cell in cells}
    return environment.get_template("report.html.j2").render(
        cells=cells,
        topologies=[topology for topology in topologies if any(c.topology == topology.name for c in cells)],
        scenarios=list(dict.fromkeys(cell.scenario for cell in cells)),
        by_place=by_place,
        diagram=diagram,
        brief=brief,
        advice=advice(cells, topologies),
        different=[cell for cell in cells if not cell.as_expected],
    )
