"""Which guarantee a history of operations breaks, and the shortest part of it that shows so.

    history of operations -> each guarantee's function -> the broken ones, each with a witness

A guarantee is a function ``History -> witness or None``; adding one is the function and a line in
``GUARANTEES``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.checks import session, state, words
from harness.checks.history import History, Loss, Operation, uncollected

__all__ = ["GUARANTEES", "History", "Loss", "Operation", "Violation", "check"]

GUARANTEES: dict[str, Callable[[History], tuple[Operation, ...] | None]] = {
    "isolation": state.isolation,
    "at-most-once": state.at_most_once,
    "read-your-writes": session.read_your_writes,
    "monotonic reads": session.monotonic_reads,
    "monotonic writes": session.monotonic_writes,
    "writes follow reads": session.writes_follow_reads,
    "durability": state.durability,
}


@dataclass(frozen=True)
class Violation:
    """A guarantee that does not hold.

    Attributes:
        guarantee: its name in ``GUARANTEES``.
        witness: the fewest operations that break it on their own, in order of their beginnings.
        sentence: the same in plain English.
    """

    guarantee: str
    witness: tuple[Operation, ...]
    sentence: str


def check(history: History) -> list[Violation]:
    """Every guarantee that the history breaks, in the order of ``GUARANTEES``."""
    beginning = min((operation.started for operation in history.operations), default=0.0)
    found = []
    with uncollected():
        broken = {name: holds(history) for name, holds in GUARANTEES.items()}
    for name, witness in broken.items():
        if witness is not None:
            places = {one.instance for one in witness} if name == "durability" else set()
            losses = [loss for loss in history.losses if loss.instance in places]
            found.append(Violation(name, witness, words.sentence(witness, losses, beginning)))
    return found
