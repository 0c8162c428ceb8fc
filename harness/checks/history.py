"""A history: what users wrote and read, in which order, as far as that can be known from outside.

Two things are all that is known of the order (Herlihy and Wing 1990, for real time):

    one operation ended before another began     session order within a user, real time between users
    a read saw a write                           so the write has happened when that read ends

An operation whose outcome is unknown (no answer, a 502) may have happened at any time after it began, or
never: it asks nothing of others, and others may see it. Of a read without an answer nothing is known.
"""

from __future__ import annotations

import contextlib
import gc
import heapq
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

WRITE, READ = "write", "read"
KINDS = (WRITE, READ)
OK, UNKNOWN, FAILED = "ok", "unknown", "failed"
OUTCOMES = (OK, UNKNOWN, FAILED)


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One user's write or read of one thing; two that look the same are still two.

    Attributes:
        thing: what is written and read, e.g. ``the data of user 1``.
        started, finished: seconds, on one clock for all operations.
        outcome: of ``OUTCOMES``; ``failed`` is known not to have happened.
        version: what was written, which no other operation of the history writes; or what was seen,
            None where the answer was as if nothing had ever been written.
        instance: who answered; None if nobody said.
        runs: how often it was carried out, as far as that was seen.
        verb: what a user did, for people: ``uploaded``.
    """

    user: str
    kind: str
    thing: str
    started: float
    finished: float
    outcome: str = OK
    version: str | None = None
    instance: str | None = None
    runs: int = 1
    verb: str = "wrote"


@dataclass(frozen=True)
class Loss:
    """An instance was lost at that time, with its disk."""

    instance: str
    at: float


Event = tuple[int, Operation, Operation | None, float]
"""Beginning or end of an operation, or both: a sum of ``READS``, ``BEGINS``, ``ENDS``; the operation; the
write that a read saw, None for nothing; and the time by which that write had happened: minus infinity for
nothing, which is older than everything, infinity where it may still be to come.

Plain tuples, for there are hundreds of thousands of them.
"""

BEGINS, ENDS, READS = 1, 2, 4


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Without the garbage collector, which would look through all these tuples again and again for cycles."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@dataclass
class History:
    """Operations, indexed once for all guarantees.

    A read is *stale* when it saw nothing, or a write that had happened before another one of the same thing
    began, and that one began before the read. Only who reads something stale can break a guarantee of order.

    Attributes:
        losses: instances that were lost meanwhile.
        sessions: for each user the beginnings and ends that say something, in order of time; none where no
            read is stale.
        stale: the same of the users who read something stale.
        reads: for each thing that was read stale the reads that say something, in order of their beginnings,
            with what they saw.
        happened: for each write the time by which it is known to have happened; infinity where it is not.
        strays: reads that saw what was written elsewhere, or refused, with that write.

    Raises:
        ValueError: two writes of one version, a write of nothing, an end before its beginning, or an
            unknown kind or outcome.
    """

    operations: Sequence[Operation]
    losses: Sequence[Loss] = ()
    sessions: list[list[Event]] = field(init=False, default_factory=list)
    stale: list[list[Event]] = field(init=False, default_factory=list)
    reads: dict[str, list[tuple[Operation, Operation | None]]] = field(init=False, default_factory=dict)
    happened: dict[Operation, float] = field(init=False)
    strays: list[tuple[Operation, Operation]] = field(init=False, default_factory=list)
    _first_seen: dict[Operation, Operation] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        with uncollected():
            self._read()

    def _read(self) -> None:
        writes = _writes(self.operations)
        self.happened = {one: one.finished if one.outcome == OK else math.inf for one in writes.values()}
        newest: dict[str, float] = {}
        telling: list[tuple[Operation, Operation | None]] = []
        before: list[float] = []
        for one in sorted(self.operations, key=attrgetter("started")):
            if one.kind == WRITE:
                newest[one.thing] = one.started
                telling.append((one, None))
                before.append(-math.inf)
            elif one.outcome == OK:
                seen = None
                if one.version is not None:
                    seen = writes.get(one.version)
                    if seen is None or not self._sees(one, seen):
                        continue
                telling.append((one, seen))
                before.append(newest.get(one.thing, -math.inf))
        happened = self.happened
        stale = [
            one
            for (one, seen), newest_write in zip(telling, before, strict=True)
            if newest_write != -math.inf and (seen is None or happened[seen] < newest_write)
        ]
        if stale:
            self._index(telling, {one.user for one in stale}, {one.thing for one in stale})

    def _index(
        self, telling: list[tuple[Operation, Operation | None]], users: set[str], things: set[str]
    ) -> None:
        """Beginnings and ends by user, reads by thing; ``users`` and ``things`` are those of stale reads."""
        by_user: dict[str, list[tuple[Operation, Operation | None]]] = defaultdict(list)
        reads: dict[str, list[tuple[Operation, Operation | None]]] = defaultdict(list)
        for pair in telling:
            one, _ = pair
            by_user[one.user].append(pair)
            if one.kind == READ and one.thing in things:
                reads[one.thing].append(pair)
        self.reads = reads
        for user, operations in by_user.items():
            self.sessions.append(self._events(operations))
            if user in users:
                self.stale.append(self.sessions[-1])

    def order(self, seen: Operation | None, later: Operation) -> list[Operation]:
        """The operations that show a write to be older than a later one: itself, and who saw it."""
        if seen is None:
            return []
        if seen.outcome == OK and seen.finished < later.started:
            return [seen]
        return [seen, self._first_seen[seen]]

    def age(self, seen: Operation | None) -> float:
        """The time by which a write had happened; nothing is older than everything."""
        return -math.inf if seen is None else self.happened[seen]

    def _sees(self, read: Operation, seen: Operation) -> bool:
        """Whether a read may see that write; keeps who saw it first."""
        if seen.thing != read.thing or seen.outcome == FAILED:
            self.strays.append((read, seen))
            return False
        if seen not in self._first_seen or read.finished < self._first_seen[seen].finished:
            self._first_seen[seen] = read
            self.happened[seen] = min(self.happened[seen], read.finished)
        return True

    def _events(self, operations: list[tuple[Operation, Operation | None]]) -> list[Event]:
        """Beginnings and ends of one user's operations; at the same time, beginnings first."""
        following = [one.started for one, _ in operations[1:]] + [math.inf]
        if all(one.finished < then for (one, _), then in zip(operations, following, strict=True)):
            return [self._event(one, seen, BEGINS | ENDS) for one, seen in operations]
        found: list[Event] = []
        running: list[tuple[float, int, Event]] = []
        for number, (one, seen) in enumerate(operations):
            while running and running[0][0] < one.started:
                found.append(heapq.heappop(running)[2])
            found.append(self._event(one, seen, BEGINS))
            heapq.heappush(running, (one.finished, number, self._event(one, seen, ENDS)))
        return [*found, *(event for _, _, event in sorted(running))]

    def _event(self, one: Operation, seen: Operation | None, code: int) -> Event:
        """A write that may still be to come, or never came, does not end."""
        if one.kind == READ:
            return (code | READS, one, seen, self.age(seen))
        return (code if one.outcome == OK else code & BEGINS, one, None, 0.0)


def _writes(operations: Sequence[Operation]) -> dict[str, Operation]:
    """The writes by version, once every operation is found to be in order."""
    found: dict[str, Operation] = {}
    for one in operations:
        if one.kind == WRITE:
            if one.version is None or one.version in found:
                raise ValueError(f"a write needs a version of its own: {one}")
            found[one.version] = one
        elif one.kind != READ:
            raise ValueError(f"neither {WRITE} nor {READ}: {one}")
        if one.outcome not in OUTCOMES:
            raise ValueError(f"its outcome is none of {', '.join(OUTCOMES)}: {one}")
        if not one.started <= one.finished:
            raise ValueError(f"it ends before it begins: {one}")
    return found
