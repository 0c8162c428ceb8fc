"""The shortest of the sub-histories that break a guarantee."""

from __future__ import annotations

import math

from harness.checks.history import History, Operation

Witness = tuple[Operation, ...]


class Shortest:
    """Keeps the shortest witness offered, of equally short ones that of the earliest last operation.

    A witness has the writes of all that its reads saw, so that it breaks the guarantee on its own.

    Args:
        least: the fewest operations that can break the guarantee.

    Attributes:
        end: reads that begin then or later cannot make a witness that would be kept.
    """

    def __init__(self, history: History, least: int) -> None:
        self._history, self._least = history, least
        self.end = math.inf
        self._key: tuple[int, float] | None = None
        self.witness: Witness | None = None

    def needs(self, length: int, last: Operation) -> bool:
        """Whether a witness of that length, with that last operation, would be kept."""
        return self._key is None or (length, last.started) < self._key

    def offer(self, last: Operation, seen: Operation | None, others: Witness) -> None:
        """A read that saw ``seen``, and should not have: it lacks the first of ``others``, which say why."""
        if not self.needs(1 + len(others) + (seen is not None), last):
            return
        operations = [*others, *self._history.order(seen, others[0])]
        if self.needs(1 + len(operations), last):
            self._key = (1 + len(operations), last.started)
            if len(operations) < self._least:
                self.end = last.started
            self.witness = (*sorted(operations, key=lambda one: one.started), last)
