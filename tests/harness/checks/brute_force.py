"""The guarantees by their definitions alone: every tuple of operations is tried. Slow, and written apart.

Each function yields the operations of every violation; what orders two writes is looked up anew each time.
"""

from itertools import product


def before(one, other):
    return one.user == other.user and one.finished < other.started


def write_of(history, read):
    """The write that a telling read saw; False where the read says nothing."""
    if read.kind != "read" or read.outcome != "ok":
        return False
    if read.version is None:
        return None
    for one in history.operations:
        if one.kind == "write" and one.version == read.version:
            return one if one.thing == read.thing and one.outcome != "failed" else False
    return False


def saw(history, read, write):
    return write_of(history, read) is write


def order(history, older, newer):
    """The fewest operations that show one write to have happened before the other began; None if none do."""
    if older.outcome == "ok" and older.finished < newer.started:
        return {older}
    for read in history.operations:
        if saw(history, read, older) and read.finished < newer.started:
            return {older, read}
    return None


def lacks(history, read, write):
    """The operations that show a read of a thing to lack a write of it; None where it does not."""
    seen = write_of(history, read)
    if seen is False or read.thing != write.thing:
        return None
    return set() if seen is None else order(history, seen, write)


def of_kind(history, kind, outcome=None):
    return [one for one in history.operations if one.kind == kind and outcome in (None, one.outcome)]


def read_your_writes(history):
    for write, read in product(of_kind(history, "write", "ok"), of_kind(history, "read", "ok")):
        if before(write, read) and (how := lacks(history, read, write)) is not None:
            yield {write, read} | how


def monotonic_reads(history):
    for first, read in product(of_kind(history, "read", "ok"), repeat=2):
        write = write_of(history, first)
        if write and before(first, read) and (how := lacks(history, read, write)) is not None:
            yield {write, first, read} | how


def _observed(history, earlier):
    """``earlier``: pairs of a write and the operations by which it stands before a later write."""
    for later, first, read in product(
        of_kind(history, "write"), of_kind(history, "read"), of_kind(history, "read")
    ):
        if not saw(history, first, later) or not before(first, read):
            continue
        for write, why in earlier(later):
            if (how := lacks(history, read, write)) is not None:
                yield {write, later, first, read} | why | how
            if write.thing == later.thing and saw(history, read, write):
                yield {write, later, first, read} | why


def monotonic_writes(history):
    def earlier(later):
        return [(one, set()) for one in of_kind(history, "write", "ok") if before(one, later)]

    return _observed(history, earlier)


def writes_follow_reads(history):
    def earlier(later):
        reads = [one for one in of_kind(history, "read") if before(one, later) and write_of(history, one)]
        return [(write_of(history, one), {one}) for one in reads]

    return _observed(history, earlier)


def isolation(history):
    for write, read in product(of_kind(history, "write"), of_kind(history, "read", "ok")):
        elsewhere = write.thing != read.thing or write.outcome == "failed"
        if write.version == read.version and elsewhere:
            yield {write, read}


def at_most_once(history):
    return ({one} for one in history.operations if one.runs > 1)


def durability(history):
    for write, read in product(of_kind(history, "write", "ok"), of_kind(history, "read", "ok")):
        how = lacks(history, read, write)
        if how is None or not write.finished < read.started:
            continue
        same = [one for one in of_kind(history, "read", "ok") if one.thing == write.thing]
        later = [one for one in same if one.started >= read.started and write_of(history, one) is not False]
        lost = any(
            loss.instance == write.instance and write.started < loss.at < read.started
            for loss in history.losses
        )
        gone = lost or read.instance == write.instance
        if gone and all(lacks(history, one, write) is not None for one in later):
            yield {write, read} | how


BY_NAME = {
    "isolation": isolation,
    "at-most-once": at_most_once,
    "read-your-writes": read_your_writes,
    "monotonic reads": monotonic_reads,
    "monotonic writes": monotonic_writes,
    "writes follow reads": writes_follow_reads,
    "durability": durability,
}
