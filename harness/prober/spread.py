"""How many backends answer, and how requests without a cookie are spread over them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from harness.prober.backends import Backends
from harness.prober.confidence import Statement, percent, without_a_miss
from harness.prober.wire import Sample


def count(samples: Sequence[Sample], backends: Backends) -> Statement:
    """How many there are. ``samples``: each without a cookie, on a connection of its own."""
    number, trials = len(backends.names), len(samples)
    unseen = without_a_miss(trials, "a further one answers")
    if not backends.feature:
        return Statement(
            "backends",
            "one backend, or several that cannot be told apart: no header, cookie or text of the answers "
            "tells them apart; a balancer that goes by your address would look the same",
            unseen,
            data={"number": 1, "told_apart_by": None},
        )
    names = ", ".join(f"{name} = {value}" for value, name in backends.names.items())
    return Statement(
        "backends",
        f"{number} backends or workers, told apart by {backends.feature}: {names}",
        unseen,
        data={"number": number, "told_apart_by": backends.feature, "names": dict(backends.names)},
    )


def spread(samples: Sequence[Sample], backends: Backends) -> Statement | None:
    """How requests are spread; None where backends cannot be told apart."""
    served = [backends.of(sample.features) or "?" for sample in samples]
    if not backends.feature:
        return None
    counts, number = Counter(served), len(backends.names)
    shares = ", ".join(f"{name} {counts[name]}" for name in backends.names.values())
    turns = [served[start : start + number] for start in range(len(served) - number + 1)]
    in_turn = all(len(set(turn)) == number for turn in turns)
    order = "strictly in turn" if in_turn else "in no fixed order"
    return Statement(
        "spread",
        f"requests without a cookie, each on a new connection, go {order}: {shares}",
        f"{len(samples)} requests: {''.join(served)[:80]}",
        data={"in_turn": in_turn, "counts": dict(counts)},
    )


def failing(samples: Sequence[Sample], backends: Backends) -> Statement:
    """Which answers were errors of the server, and whose."""
    bad = [sample for sample in samples if sample.status >= 500 or not sample.status]
    if not bad:
        said = without_a_miss(len(samples), "an answer is a 5xx")
        return Statement("errors", "no answer was an error of the server", said, data={"errors": 0})
    whose = Counter(
        f"{backends.of(sample.features) or '?'}: {sample.status}" if sample.status else "no answer"
        for sample in bad
    )
    rate = percent(len(bad) / len(samples))
    return Statement(
        "errors",
        f"{len(bad)} of {len(samples)} requests met an error of the server ({', '.join(whose)})",
        f"{rate} of {len(samples)} requests",
        good=False,
        data={"errors": len(bad), "by": dict(whose)},
    )
