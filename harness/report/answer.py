"""The answer to "why does it break": what happened, why, what to change, what that does not cover."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from harness.checks.plays import violations
from harness.diagnose.examine import Examination, Finding
from harness.diagnose.shape import family
from harness.diagnose.swaps import Swap
from harness.observe import Observation
from harness.plays import Play
from harness.report import probes
from harness.report.steps import brief
from harness.scenario import AFFINITY, WORKS

LINES = 3
"""Requests that are told, the last ones up to the one that failed."""


def answer(examined: Examination) -> Iterator[str]:
    """Lines for a person; each broken scenario by cause, then the smallest sets of changes."""
    name = examined.topology.title
    if not examined.broken:
        works = ", ".join(one.scenario.name for one in examined.findings if one.verdict == WORKS)
        yield f"{name}: nothing to explain{f' ({works})' if works else ''}"
        for one in examined.findings:
            if one.reason:
                yield f"  {one.scenario.name}: {one.verdict}: {one.reason}"
        return
    told: set[str] = set()
    for finding in examined.broken:
        cause = finding.cause.cause.id if finding.cause else ""
        if cause in told:
            continue
        told.add(cause)
        same = [one for one in examined.broken if one.cause and one.cause.cause.id == cause]
        yield f"{name}: {', '.join(one.scenario.name for one in same)}: {finding.verdict}"
        yield "  What happened"
        yield from (f"    {line}" for line in happened(finding))
        yield "  Why"
        yield from (f"    {line}" for line in why(finding))
    yield "  What to change"
    yield from (f"    {line}" for line in change(examined.cures))


def happened(finding: Finding) -> Iterator[str]:
    """Three or four lines, with the instances named."""
    if finding.witness is None:
        return
    if finding.verdict == AFFINITY:
        yield "It works as long as the balancer sends every request of a user to one instance. Elsewhere:"
    for seen in _last(finding.witness):
        yield f"{seen.user}: {seen.label[:60]} -> {seen.served_by}: {seen.status or seen.error}"
    for killed in finding.witness.lost:
        yield f"({killed} was killed)"
    if (failure := finding.witness.failure) is not None:
        yield f"Must hold: {brief(failure.sentence)}"
        yield f"It does not: {brief(failure.found)}"
    for broken in violations(finding.witness)[:1]:
        yield f"This breaks {broken.guarantee}: {broken.sentence}"


def why(finding: Finding) -> Iterator[str]:
    """The cause in one sentence, its proof, and what else was thought of."""
    if (first := finding.cause) is None:
        yield finding.reason
        return
    yield f"{first.cause.id} {first.cause.title}: {brief(first.shown_by)}"
    if trials := finding.proved.get(first.cause.id):
        part = trials[0].swaps[0].title
        yield f"Proved: with {part}, and nothing else changed, it works; with that put back, it fails again."
    elif not finding.again:
        yield "Not proved: run again as it is, it worked. It fails now and then; run it again."
    else:
        yield "Not proved: no single change that would address it turned the scenario green."
    if finding.alone:
        held = "; ".join(f"{name} {'works' if holds else 'fails'}" for name, holds in finding.alone.items())
        yield f"Each instance alone: {held}."
    for other in finding.likely[1:]:
        state = "proved as well" if other.cause.id in finding.proved else "not proved"
        contra = f"; against it: {', '.join(other.against)}" if other.against else ""
        yield f"Also thought of: {other.cause.id} {other.cause.title} ({state}{contra})"


def change(cures: Sequence[tuple[Swap, ...]]) -> Iterator[str]:
    """The smallest sets, each with its lines and what it does not cover."""
    if not cures:
        yield "No set of changes that is known here turned everything green."
    for number, cure in enumerate(cures, start=1):
        yield f"{number}. {' and '.join(swap.title for swap in cure)}"
        for swap in cure:
            yield from (f"     {system}: {line}" for system, line in swap.lines.items())
            yield f"     costs {swap.costs}"
            yield f"     does not cover {swap.leaves}"


def as_json(examined: Examination) -> dict[str, Any]:
    """The same for machines."""
    return {
        "topology": examined.topology.name,
        "seconds": round(examined.seconds, 3),
        "broken": bool(examined.broken),
        "findings": [_finding(finding) for finding in examined.findings],
        "cures": [[_swap(swap) for swap in cure] for cure in examined.cures],
        "probes": probes.as_json(table, family(table)) if (table := examined.probes) else None,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "scenario": finding.scenario.name,
        "verdict": finding.verdict,
        "reason": finding.reason,
        "happened": list(happened(finding)),
        "again": finding.again,
        "alone": dict(finding.alone),
        "causes": [
            {
                "id": one.cause.id,
                "title": one.cause.title,
                "layer": one.cause.layer,
                "shown_by": one.shown_by,
                "against": list(one.against),
                "proved": one.cause.id in finding.proved,
                "proved_by": [trial.swaps[0].name for trial in finding.proved.get(one.cause.id, ())],
            }
            for one in finding.proposals
        ],
    }


def _swap(swap: Swap) -> dict[str, Any]:
    return {
        "name": swap.name,
        "title": swap.title,
        "costs": swap.costs,
        "leaves": swap.leaves,
        "lines": dict(swap.lines),
    }


def _last(play: Play) -> list[Observation]:
    """The requests of the user whose check failed, up to the failed one; all users' where nobody's did."""
    failed = play.observed(play.failure.request_id) if play.failure else None
    if failed is None:
        return play.observations[-LINES:]
    ours = [one for one in play.observations if one.user == failed.user and one.started <= failed.started]
    return sorted(ours, key=lambda one: one.started)[-LINES:]
