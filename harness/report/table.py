"""The measures of ``harness bench``: a table for people, on a terminal or as Markdown for the docs."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from rich import box
from rich.console import Console
from rich.table import Table

from harness.bench import Measure

HEADINGS = ("measure", "unit", "median", "min", "max")

RATIOS = (
    ("cold start", "warm start"),
    ("docker compose: cell", "containers: cell"),
    ("docker compose: cell", "cell"),
    ("requests straight", "requests through"),
    ("memory of an instance, cold", "memory of an instance, warm"),
)
"""Pairs worth dividing, by the start of their names; the second on the same topology as the first."""

COMPARED_WITH = "single"
"""Steps of a timed journey (``first chat, 10 MB, s3-redis``) are divided by those on this topology."""

DIGITS = {"s": 2, "ms": 1}


def show(out: Console, measures: Sequence[Measure], *, markdown: bool = False) -> None:
    """Print the measures, the machine they were taken on, and the ratios."""
    if markdown:
        out.print(f"{_machine()}\n")
        for row in (HEADINGS, ("---", "---", "--:", "--:", "--:"), *map(_row, measures)):
            out.print(f"| {' | '.join(row)} |", markup=False)
        out.print()
    else:
        view = Table(*HEADINGS, box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for measure in measures:
            view.add_row(*_row(measure))
        out.print(view, soft_wrap=False)
    for line in ratios(measures):
        out.print(f"{'- ' if markdown else ''}{line}", markup=False)


def ratios(measures: Sequence[Measure]) -> Iterator[str]:
    """What is how many times what: medians of one run, side by side."""
    for much, little in RATIOS:
        for one in measures:
            if not one.name.startswith(much):
                continue
            place = one.name.rpartition(", ")[2]
            for other in measures:
                if other.name.startswith(little) and (", " not in one.name or other.name.endswith(place)):
                    yield f"{one.name} / {other.name}: {one.median / other.median:.2f}"
    for one in measures:
        step, _, place = one.name.rpartition(", ")
        for other in measures:
            if ", " in step and place != COMPARED_WITH and other.name == f"{step}, {COMPARED_WITH}":
                yield f"{one.name} / {other.name}: {one.median / other.median:.2f}"


def _row(measure: Measure) -> tuple[str, ...]:
    digits = DIGITS.get(measure.unit, 0)
    numbers = (measure.median, min(measure.values), max(measure.values))
    return (measure.name, measure.unit, *(f"{number:.{digits}f}" for number in numbers))


def _machine() -> str:
    date = datetime.now(UTC).date().isoformat()
    python = platform.python_version()
    return f"{date}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {python}"
