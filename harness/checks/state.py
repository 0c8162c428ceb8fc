"""What must hold of the state itself: isolation, durability, at-most-once.

Each function answers with the shortest operations that break it, or None.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from itertools import accumulate

from harness.checks.history import OK, WRITE, History, Operation
from harness.checks.shortest import Shortest, Witness


def isolation(history: History) -> Witness | None:
    """A read of x sees no write of anything else, e.g. of another user's data; and none that was refused.
    (A refused one: G1a, "aborted read", of Adya, "Weak Consistency", 1999, section 4.)
    """
    if not history.strays:
        return None
    read, write = min(history.strays, key=lambda stray: stray[0].started)
    return (write, read)


def at_most_once(history: History) -> Witness | None:
    """No operation is carried out twice, whatever its outcome. (Birrell and Nelson, "Implementing Remote
    Procedure Calls", 1984; a balancer that repeats a request breaks it.)
    """
    twice = [operation for operation in history.operations if operation.runs > 1]
    return (min(twice, key=lambda one: one.started),) if twice else None


def durability(history: History) -> Witness | None:
    """A write W of x, known to have happened, is not lost. It is when a read of x that began after W ended
    lacks W, and so does every later one, and either who answered is the instance that took W, or that
    instance was lost after W began. (The D of ACID; Jepsen's ``set-full`` calls it lost, not stale.)

    Another instance that never had W is no loss: its reads break read-your-writes, and the instance that
    took W has it still.
    """
    found = Shortest(history, 2)
    reads = {thing: _Reads(history, of_thing) for thing, of_thing in history.reads.items()}
    for write in history.operations:
        if write.kind == WRITE and write.outcome == OK and write.thing in reads:
            gone = [one.at for one in history.losses if one.instance == write.instance]
            gone = [at for at in gone if at > write.started]
            reads[write.thing].offer(found, write, min(gone, default=None))
    return found.witness


class _Reads:
    """The reads of a thing, in order of their beginnings, to be asked for those that lack a write."""

    def __init__(self, history: History, reads: list[tuple[Operation, Operation | None]]) -> None:
        self._reads = reads
        self._started = [read.started for read, _ in reads]
        self._newest = list(accumulate((history.age(seen) for _, seen in reversed(reads)), max))
        """From the last read backwards: how recent the most recent state is that it or a later one saw."""
        self._of: dict[str | None, list[int]] = defaultdict(list)
        self._nothing: dict[str | None, list[int]] = defaultdict(list)
        for number, (read, seen) in enumerate(reads):
            self._of[read.instance].append(number)
            if seen is None:
                self._nothing[read.instance].append(number)

    def offer(self, found: Shortest, write: Operation, gone: float | None) -> None:
        """Offer the reads that show a write to be lost; ``gone`` is when its instance was, if it was."""
        lacking = len(self._reads) - bisect_left(self._newest, write.started)
        last_that_has_it = self._started[lacking - 1] if lacking else write.finished
        first = bisect_right(self._started, max(write.finished, last_that_has_it))
        if first < len(self._reads):
            self._offer(found, write, write.instance, first)
            if gone is not None:
                first = max(first, bisect_right(self._started, gone))
                for instance in self._of:
                    self._offer(found, write, instance, first)

    def _offer(self, found: Shortest, write: Operation, instance: str | None, first: int) -> None:
        """The earliest that saw nothing, then the others, until no later one is shorter."""
        nothing, every = self._nothing.get(instance, []), self._of.get(instance, [])
        for number in nothing[bisect_left(nothing, first) :][:1]:
            found.offer(self._reads[number][0], None, (write,))
        for place in range(bisect_left(every, first), len(every)):
            read, seen = self._reads[every[place]]
            if not found.needs(3, read):
                return
            found.offer(read, seen, (write,))
