"""Tells backends apart by what their answers show.

A feature tells backends apart if it takes a few values that come back again and again, in turn with each
other: not one value (it says nothing), not a new value each time (an id, a time), not one after the
other (a clock, a counter, a deployment in between).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.prober.wire import Sample

MIN_TIMES = 3
"""How often each value must have been seen, on average, to be a backend's and not chance."""

NAMES = re.compile(
    r"header (x-upstream-addr|x-backend.*|x-served-by|x-instance.*|x-server.*|x-host.*|x-pod.*|x-node.*|via)"
)
"""Headers that are made to say who answered, looked at first."""
RANKS = (NAMES, re.compile("header .*"), re.compile("cookie .*"), re.compile("body .*"), re.compile(".*"))


@dataclass(frozen=True)
class Backends:
    """How backends are told apart.

    Attributes:
        feature: what names them; empty where nothing does, and all count as one.
        names: its values, a name for each: A, B, ... in the order of their first answer.
        others: further features that differ between backends, with their value of each; not within one.
    """

    feature: str
    names: Mapping[str, str]
    others: Mapping[str, Mapping[str, str]]

    def of(self, features: Mapping[str, str]) -> str | None:
        """The backend that an answer came from; None where it does not say."""
        if not self.feature:
            return None
        return self.names.get(features.get(self.feature, ""))


def tell_apart(samples: Sequence[Sample]) -> Backends:
    """The feature that tells most backends apart, of those made for it if there are any."""
    columns = {
        name: [sample.features.get(name, "") for sample in samples]
        for name in dict.fromkeys(name for sample in samples for name in sample.features)
    }
    telling = {name: column for name, column in columns.items() if _tells(column)}
    if not telling:
        return Backends("", {}, {})
    rank = {name: next(n for n, kind in enumerate(RANKS) if kind.fullmatch(name)) for name in telling}
    best = min(telling, key=lambda name: (rank[name], -len(set(telling[name]))))
    values = list(dict.fromkeys(telling[best]))
    names = {value: _letter(number) for number, value in enumerate(values)}
    others = {
        name: {names[value]: column[telling[best].index(value)] for value in values}
        for name, column in telling.items()
        if name != best and _follows(column, telling[best])
    }
    return Backends(best, names, others)


def _tells(column: Sequence[str]) -> bool:
    counts = Counter(column)
    if not 2 <= len(counts) <= len(column) / MIN_TIMES:
        return False
    changes = sum(before != after for before, after in pairwise(column))
    return changes >= len(counts)  # one after the other would be one change less


def _follows(column: Sequence[str], other: Sequence[str]) -> bool:
    """Whether a feature has one value for each value of another."""
    return len(set(zip(column, other, strict=True))) == len(set(other))


def _letter(number: int) -> str:
    return chr(ord("A") + number) if number < 26 else f"#{number + 1}"
