"""The score of the diagnosis as a table, on a terminal or as Markdown for the docs."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from harness.diagnose.causes import LAYERS
from harness.diagnose.score import OUTCOMES, RIGHT_AT_LEAST, Score, Scored
from harness.scenario import SKIPPED

HEADINGS = ("layer", "planted", *OUTCOMES, "named first")
EACH = ("fault", "layer", "cause", "came out", "named first", "smallest cures", "s")


def show(out: Console, score: Score, *, markdown: bool = False) -> None:
    """The confusion table, each fault that was not proved, false alarms, and what the thresholds say."""
    _table(out, HEADINGS, list(_rows(score)), markdown=markdown)
    if markdown:
        _table(out, EACH, [_each(one) for one in score.faults], markdown=True)
    else:
        for one in score.faults:
            if not one.first:
                out.print(_line(one), markup=False)
    for line in summary(score):
        out.print(f"{'- ' if markdown else ''}{line}", markup=False)


def summary(score: Score) -> Iterator[str]:
    """What it comes to."""
    judged, healthy = score.judged, score.healthy
    right, first = score.count("proved"), sum(one.first for one in judged)
    yield f"{len(judged)} faults planted, {score.count('missed')} missed; the very cause proved: {right}"
    if judged:
        times = [one.seconds for one in judged]
        yield (
            f"named before every other cause: {first}; "
            f"seconds a diagnosis: median {statistics.median(times):.1f}, longest {max(times):.1f}"
        )
    cells = sum(len(one.scenarios) - len(one.skipped) for one in healthy)
    yield f"{len(healthy)} healthy topologies, {cells} scenarios on them: {len(score.alarms)} false alarms"
    yield from (f"false alarm: {alarm}" for alarm in score.alarms)
    wanted = f"every fault noticed, {RIGHT_AT_LEAST:.0%} of the causes proved, no false alarm"
    yield f"{'reached' if score.good else 'NOT reached'}: {wanted}"


def as_json(score: Score) -> dict[str, Any]:
    """The same for machines."""
    return {
        "good": score.good,
        "counts": {outcome: score.count(outcome) for outcome in OUTCOMES},
        "faults": [
            {
                "name": one.fault.name,
                "layer": one.fault.layer,
                "cause": one.fault.cause,
                "outcome": one.outcome,
                "named": one.named,
                "proposals": list(one.proposals),
                "proved": list(one.proved),
                "cures": list(one.cures),
                "seconds": round(one.seconds, 3),
                "reason": one.reason,
            }
            for one in score.faults
        ],
        "healthy": [
            {
                "topology": one.topology.name,
                "scenarios": list(one.scenarios),
                "alarms": list(one.alarms),
                "skipped": list(one.skipped),
            }
            for one in score.healthy
        ],
    }


def _rows(score: Score) -> Iterator[tuple[str, ...]]:
    for layer in (*LAYERS, None):
        ours = [one for one in score.faults if layer in (None, one.fault.layer)]
        counts = [str(score.count(outcome, layer) or "") for outcome in OUTCOMES]
        first = sum(one.first for one in ours)
        yield (layer or "all", str(len(ours)), *counts, str(first))


def _each(one: Scored) -> tuple[str, ...]:
    cures = ", ".join(one.cures[:3]) + (", ..." if len(one.cures) > 3 else "")
    seconds = f"{one.seconds:.1f}"
    return one.fault.name, one.fault.layer, one.fault.cause, one.outcome, one.named, cures, seconds


def _line(one: Scored) -> str:
    if one.outcome == SKIPPED:
        return f"skipped: {one.fault.name}: {one.reason}"
    came = f"{one.outcome}; named {one.named or 'nothing'}, proposed {', '.join(one.proposals) or 'nothing'}"
    return f"{one.fault.name}: {one.fault.cause} planted: {came} {one.reason[:300]}".rstrip()


def _table(out: Console, headings: Sequence[str], rows: Sequence[Sequence[str]], *, markdown: bool) -> None:
    if markdown:
        for row in (headings, ["---"] * len(headings), *rows):
            out.print(f"| {' | '.join(row)} |", markup=False)
        out.print()
        return
    view = Table(*headings, box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for row in rows:
        view.add_row(*row)
    out.print(view, soft_wrap=False)
    out.print()
