"""The four session guarantees of Terry et al., "Session Guarantees for Weakly Consistent Replicated Data"
(1994), as a black box shows them, in the wording of Jepsen's consistency models.

In all of them, *before* means: of the same user, and ended before the other began. A read *lacks* a write
when it saw nothing, or a write that had happened before that one began. Each function answers with the
shortest operations that break its guarantee, of equally short ones those of the earliest read, or None.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Mapping

from harness.checks.history import BEGINS, ENDS, OK, READS, History, Operation
from harness.checks.shortest import Shortest, Witness

Known = dict[str, Witness]
"""For each thing the newest write that must have been visible, and after it how that is known."""


def read_your_writes(history: History) -> Witness | None:
    """If a user's write W of x, known to have happened, is before the same user's read R of x, then R does
    not lack W. (Terry et al., section 3.1.)
    """
    found = Shortest(history, 2)
    for session in history.stale:
        own: Known = {}
        for code, operation, seen, happened in session:
            if operation.started >= found.end:
                break
            if code & READS:
                if code & BEGINS and operation.thing in own:
                    wrote = own[operation.thing]
                    if happened < wrote[0].started:
                        found.offer(operation, seen, wrote)
            elif code & ENDS:
                _keep_newer(own, (operation,))
    return found.witness


def monotonic_reads(history: History) -> Witness | None:
    """If a user's read R1 of x saw W and is before the same user's read R2 of x, then R2 does not lack W.
    (Terry et al., section 3.2.)
    """
    found = Shortest(history, 3)
    for session in history.stale:
        known: Known = {}
        for code, operation, seen, happened in session:
            if operation.started >= found.end:
                break
            if code & READS:
                if code & BEGINS and operation.thing in known:
                    saw = known[operation.thing]
                    if happened < saw[0].started:
                        found.offer(operation, seen, saw)
                if code & ENDS and seen is not None:
                    kept = known.get(operation.thing)
                    if kept is None or kept[0].started < seen.started:
                        known[operation.thing] = (seen, operation)
    return found.witness


def monotonic_writes(history: History) -> Witness | None:
    """If a user's write W1 of x, known to have happened, is before the same user's write W2, and somebody's
    read that saw W2 is before the same person's read R of x, then R does not lack W1; nor does it see W1
    itself where W2 is of x too. (Terry et al., section 3.4: a server that has W2 has W1, and had it first.)
    """
    stands: dict[Operation, Known] = {}
    for session in history.sessions:
        own: Known = {}
        for code, operation, _, _ in session:
            if not code & READS:
                if code & BEGINS and own:
                    stands[operation] = own.copy()
                if code & ENDS:
                    _keep_newer(own, (operation,))

    def wrote_before(later: Operation, seen: Operation) -> Witness | None:
        before = seen.user == later.user and seen.outcome == OK and seen.finished < later.started
        return (seen,) if before else None

    return _observed(history, 4, stands, wrote_before)


def writes_follow_reads(history: History) -> Witness | None:
    """If a user's read that saw W1 of x is before the same user's write W2, and somebody's read that saw W2
    is before the same person's read R of x, then R does not lack W1; nor does it see W1 itself where W2 is
    of x too. (Terry et al., section 3.3.)
    """
    stands: dict[Operation, Known] = {}
    for session in history.sessions:
        if all(code & READS for code, *_ in session):
            continue
        known: Known = {}
        for code, operation, seen, _ in session:
            if not code & READS:
                if code & BEGINS and known:
                    stands[operation] = known.copy()
            elif code & ENDS and seen is not None:
                kept = known.get(operation.thing)
                if kept is None or kept[0].started < seen.started:
                    known[operation.thing] = (seen, operation)

    @functools.cache
    def first_reads() -> Mapping[tuple[str, Operation], Operation]:
        first: dict[tuple[str, Operation], Operation] = {}
        for code, operation, seen, _ in itertools.chain.from_iterable(history.sessions):
            if code & READS and code & ENDS and seen is not None:
                first.setdefault((operation.user, seen), operation)
        return first

    def read_before(later: Operation, seen: Operation) -> Witness | None:
        read = first_reads().get((later.user, seen))
        return (seen, read) if read is not None and read.finished < later.started else None

    return _observed(history, 5, stands, read_before)


def _observed(
    history: History,
    least: int,
    stands: Mapping[Operation, Known],
    before: Callable[[Operation, Operation], Witness | None],
) -> Witness | None:
    """Whoever saw a write must not lack what stood before it in its writer's session.

    Args:
        least: the fewest operations that can show the contrary.
        stands: for each write what stood before it.
        before: how a write is known to stand before a later one of the same thing; None where it does not.
    """
    found = Shortest(history, least)
    for session in history.stale if stands else ():
        known: Known = {}
        latest: dict[str, _Latest] = {}
        for code, operation, seen, happened in session:
            if operation.started >= found.end:
                break
            if not code & READS:
                continue
            thing = operation.thing
            if code & BEGINS and thing in known:
                must = known[thing]
                if happened < must[0].started:
                    found.offer(operation, seen, must)
            if seen is None:
                continue
            if code & BEGINS and thing in latest and happened < latest[thing].started:
                for later, read in latest[thing].of_user.values():
                    if (how := before(later, seen)) is not None:
                        found.offer(operation, None, (*how, later, read))
            if code & ENDS and seen in stands:
                of_thing = latest.setdefault(thing, _Latest())
                if of_thing.keep(seen, operation):
                    for stood in stands[seen].values():
                        _keep_newer(known, (*stood, seen, operation))
    return found.witness


class _Latest:
    """The latest write of one thing by each user, of those that a reader saw, with who saw it."""

    def __init__(self) -> None:
        self.started = -math.inf
        self.of_user: dict[str, tuple[Operation, Operation]] = {}

    def keep(self, seen: Operation, read: Operation) -> bool:
        """Whether it is later than that user's others, which stand before it, or beside it."""
        kept = self.of_user.get(seen.user)
        if kept is not None and seen.started <= kept[0].started:
            return False
        self.started = max(self.started, seen.started)
        self.of_user[seen.user] = (seen, read)
        return True


def _keep_newer(known: Known, write: Witness) -> None:
    """Keep the newest write of each thing."""
    thing = write[0].thing
    if thing not in known or known[thing][0].started < write[0].started:
        known[thing] = write
