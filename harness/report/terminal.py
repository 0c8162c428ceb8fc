"""What people read while it runs and when it is done: colour on a terminal, plain text in a pipe."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from harness.matrix import Cell
from harness.observe import Observation
from harness.plays import Play
from harness.report.steps import Step, brief, steps
from harness.scenario import AFFINITY, BROKEN, SKIPPED, UNKNOWN, WORKS
from harness.topology import Topology

STYLES = {WORKS: "green", AFFINITY: "yellow", BROKEN: "red", SKIPPED: "dim", UNKNOWN: "magenta"}
SHORT = {WORKS: "works", AFFINITY: "affinity", BROKEN: "broken", SKIPPED: "skipped", UNKNOWN: "unknown"}
MARKS = {WORKS: "+", AFFINITY: "~", BROKEN: "x", SKIPPED: "-", UNKNOWN: "?"}
PIPE_WIDTH = 140
COLUMN = 12
"""Characters that a scenario's column takes: the longest word of a heading or a verdict, and a gap."""
WIDE = 115
"""Columns from which the table has room for words; below it has marks, and says what they mean."""


def console(*, stderr: bool = False) -> Console:
    """Lines are left whole, for grep and for the terminal's own wrapping; in a pipe there is no colour."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=True)


def tell(out: Console, number: int, seen: Observation) -> None:
    """One request, as it happens."""
    out.print(f"[bold]{number}. {escape(seen.label)}[/] [dim]({seen.seconds * 1000:.0f} ms)[/]")
    for step in steps(seen):
        out.print(_arrow(step))


def failure(out: Console, play: Play) -> None:
    """The check that a play broke."""
    if play.failure is not None:
        out.print(Text.assemble(("   must hold: ", "bold"), play.failure.sentence))
        out.print(Text.assemble(("   it does not: ", "bold red"), play.failure.found))


def show_table(out: Console, cells: Sequence[Cell], topologies: Sequence[Topology]) -> None:
    """Topologies down, scenarios across; a cell that is not as expected carries an exclamation mark.

    Where the scenarios do not fit beside each other, the table goes on below with the rest of them.
    """
    names = list(dict.fromkeys(cell.scenario for cell in cells))
    by_place = {(cell.topology, cell.scenario): cell for cell in cells}
    words = SHORT if out.width >= WIDE else MARKS
    first = max(len(topology.title) for topology in topologies)
    room = max(1, (out.width - first) // COLUMN) if words is SHORT else len(names)
    for start in range(0, len(names), room):
        view = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False, show_edge=False)
        view.add_column("topology", no_wrap=True, min_width=first)
        shown = names[start : start + room]
        for number, name in enumerate(shown, start=1):
            heading = name.replace("-", "\n") if words is SHORT else str(number)
            view.add_column(heading, justify="center", vertical="bottom")
        for topology in topologies:
            row = [by_place.get((topology.name, name)) for name in shown]
            view.add_row(Text(topology.title), *(_short(cell, words) for cell in row))
        out.print(view, soft_wrap=False)
        out.print()
    if words is MARKS:
        out.print(", ".join(f"{number} {name}" for number, name in enumerate(names, start=1)))
    for verdict in STYLES:
        if words[verdict] != verdict and any(cell.verdict == verdict for cell in cells):
            out.print(f"{words[verdict]} = {verdict}", style=STYLES[verdict])
    if not all(cell.as_expected for cell in cells):
        out.print("! = not what expectations.toml says", style="bold red")
    out.print()


def causes(cells: Sequence[Cell], topologies: Sequence[Topology]) -> list[Text]:
    """For each topology its causes, most frequent first, each with one witness; then what was skipped."""
    lines = []
    for topology in topologies:
        found: dict[str, list[Cell]] = defaultdict(list)
        for cell in cells:
            if cell.topology == topology.name and cell.verdict not in (WORKS, SKIPPED):
                found[cell.cause].append(cell)
        if any(cell.topology == topology.name and cell.verdict == WORKS for cell in cells) and not found:
            lines.append(Text.assemble((topology.title, "bold"), ": ", ("holds in every scenario", "green")))
        for cause, where in sorted(found.items(), key=lambda item: -len(item[1])):
            names = ", ".join(cell.scenario for cell in where)
            lines.append(Text.assemble((topology.title, "bold"), f": {cause} ", (f"({names})", "dim")))
            if where[0].diagnosis is not None:
                lines.append(Text(f"    {brief(where[0].diagnosis.shown_by)}", style="dim"))
    return [*lines, *_skipped(cells)]


def differences(cells: Sequence[Cell]) -> list[Text]:
    """The cells that are not as expected, each with what came out and what should have."""
    lines = []
    for cell in cells:
        if not cell.as_expected:
            expected = str(cell.expected) if cell.expected else "nothing (no line in expectations.toml)"
            came = f"{cell.came_out}" + (f" ({cell.reason})" if cell.reason else "")
            place = f"{cell.topology} / {cell.scenario}"
            lines.append(
                Text.assemble(("not as expected: ", "bold red"), f"{place}: {came}; expected {expected}")
            )
            if cell.diagnosis is not None:
                lines.append(Text(f"    {brief(cell.diagnosis.shown_by)}", style="dim"))
    return lines


def _skipped(cells: Sequence[Cell]) -> list[Text]:
    """A line for each reason and the topologies that it keeps the same scenarios from."""
    kept: dict[tuple[str, str], list[str]] = defaultdict(list)
    for cell in cells:
        if cell.verdict == SKIPPED:
            kept[cell.cause, cell.topology].append(cell.scenario)
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (reason, topology), names in kept.items():
        places[reason, ", ".join(names)].append(topology)
    return [
        Text(f"skipped: {reason} ({names} on {', '.join(where)})", style="dim")
        for (reason, names), where in places.items()
    ]


def _arrow(step: Step) -> Text:
    mark, style = {True: ("+", "green"), False: ("x", "red"), None: (" ", "")}[step.good]
    return Text.assemble(
        (f"   {mark} ", style), (f"{step.source} -> {step.target}: ", "bold"), (brief(step.text), style)
    )


def _short(cell: Cell | None, words: Mapping[str, str]) -> Text:
    if cell is None:
        return Text("")
    mark = "" if cell.as_expected else " !"
    return Text(words[cell.verdict] + mark, style=STYLES[cell.verdict])
