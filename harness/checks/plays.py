"""From a play of a scenario to a history, where the scenario's words say what a request wrote or read."""

from __future__ import annotations

from harness.checks import History, Loss, Operation, Violation, check
from harness.checks.history import FAILED, OK, READ, UNKNOWN
from harness.observe import Observation
from harness.plays import Play

REFUSED = range(400, 500)
"""Answers that promise that nothing was done (RFC 9110, section 15.5)."""


def violations(play: Play) -> list[Violation]:
    """The guarantees that a play broke."""
    return check(history(play))


def history(play: Play) -> History:
    """What users wrote and read in a play, and which instances were lost."""
    losses = [Loss(name, at) for name, at in zip(play.lost, play.lost_at, strict=True)]
    return History([done for seen in play.observations if (done := _operation(seen))], losses)


def _operation(seen: Observation) -> Operation | None:
    """What a request did; None where nobody said that it wrote or read anything."""
    if (access := seen.access) is None:
        return None
    outcome = OK if seen.status == 200 else UNKNOWN
    if seen.status in REFUSED and access.kind != READ:
        outcome = FAILED
    return Operation(
        user=access.user,
        kind=access.kind,
        thing=access.thing,
        started=seen.started,
        finished=seen.started + seen.seconds,
        outcome=outcome,
        version=access.version,
        instance=seen.instance,
        runs=max(1, seen.evidence.get("runs", 1)),
        verb=access.verb,
    )
