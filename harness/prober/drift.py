"""What differs between backends that should be alike: versions, headers, clocks."""

from __future__ import annotations

from collections.abc import Sequence

from harness.prober.backends import NAMES, Backends
from harness.prober.confidence import Statement, without_a_miss
from harness.prober.wire import Sample

MISSING = "(none)"
SKEW = 2.0
"""Seconds between clocks that matter: sessions, signatures and cookies end by them."""


def differences(samples: Sequence[Sample], backends: Backends) -> list[Statement]:
    """A statement for each feature that differs between backends, but for those that are their names."""
    if not backends.feature:
        return []
    found = [
        Statement(
            "drift",
            f"{name} differs: {', '.join(f'{who} {value or MISSING}' for who, value in values.items())}",
            f"the same on each backend in each of {len(samples)} requests",
            good=None if name.startswith("body") else False,
            data={"feature": name, "values": dict(values)},
        )
        for name, values in backends.others.items()
        if not NAMES.fullmatch(name) and not name.startswith("cookie")
    ]
    if found:
        return found
    least = min(sum(backends.of(one.features) == name for one in samples) for name in backends.names.values())
    sure = without_a_miss(least, "a backend's answer differs")
    text = "backends answer alike: status, headers, attributes of cookies, body"
    return [Statement("drift", text, f"of each backend {sure}", data={"features": 0})]


def clocks(samples: Sequence[Sample], backends: Backends) -> Statement | None:
    """How far the backends' clocks are apart, by their Date headers; None where there is nothing to compare.

    A Date is a whole second and the answer took its way, so each gives an interval; they are intersected.
    """
    between: dict[str, tuple[float, float]] = {}
    for sample in samples:
        name = backends.of(sample.features)
        if name is None or sample.date is None:
            continue
        low, high = between.get(name, (float("-inf"), float("inf")))
        ahead = (sample.date - sample.received, sample.date + 1.0 - sample.sent)
        between[name] = (max(low, ahead[0]), min(high, ahead[1]))
    if len(between) < 2:
        return None
    slow, fast = (pick(between, key=lambda name: sum(between[name])) for pick in (min, max))
    least = between[fast][0] - between[slow][1]
    most = between[fast][1] - between[slow][0]
    data = {
        "seconds": [max(least, 0.0), most],
        "ahead_of_here": between,
    }
    if least > SKEW:
        text = f"the clock of {fast} is {least:.1f} to {most:.1f} s ahead of that of {slow}"
        return Statement("clocks", text, f"Date of {len(samples)} answers", good=False, data=data)
    return Statement(
        "clocks",
        f"no clock is more than {most:.1f} s ahead of another, by the Date headers (a balancer that "
        "writes its own hides the backends')",
        f"Date of {len(samples)} answers",
        data=data,
    )
