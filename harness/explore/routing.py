"""Routings: who serves each request of a journey, and what happens to an instance in between.

With k requests and n targets there are n^k. Up to ``ALL`` of them are all tried, in order of size; of more,
first as few as cover every pair (request i on a, request j on b), then a sample.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

ALL = 4096
"""So many routings are all tried: half a minute at what a small app answers."""

RESTART, LOSE = "restart", "lose"
EVENTS = {
    RESTART: "restarts, its disk stays",
    LOSE: "is lost with its disk, and another takes its place",
}


@dataclass(frozen=True)
class Event:
    """What happens to an instance just before the request of that index."""

    kind: str
    instance: str
    before: int

    def __str__(self) -> str:
        return f"{self.instance} {EVENTS[self.kind]}"


@dataclass(frozen=True)
class Routing:
    """The target of each request: an instance, ``A``, or a worker of it, ``A/1``."""

    targets: tuple[str, ...]
    event: Event | None = None

    @property
    def size(self) -> tuple[int, int, int]:
        """What makes it large: an event, changes of target, how many targets."""
        changes = sum(one != other for one, other in itertools.pairwise(self.targets))
        return (self.event is not None, changes, len(set(self.targets)))

    def kept(self, indexes: Sequence[int]) -> Routing:
        """The same for a journey of which only these requests are left."""
        targets = tuple(self.targets[index] for index in indexes)
        if self.event is None:
            return Routing(targets)
        before = sum(index < self.event.before for index in indexes)
        event = replace(self.event, before=before) if before < len(indexes) else None
        return Routing(targets, event)

    def __str__(self) -> str:
        return " ".join(self.targets) + (f" ({self.event})" if self.event else "")


def every(targets: Sequence[str], requests: int) -> list[Routing]:
    """All n^k of them, in order of size."""
    found = [Routing(chosen) for chosen in itertools.product(targets, repeat=requests)]
    return sorted(found, key=lambda routing: routing.size)


def covering_pairs(targets: Sequence[str], requests: int, rng: random.Random) -> list[Routing]:
    """Few routings in which each two requests meet each two targets, in order of size.

    Greedy: each begins with a pair that is still open, and goes on with the target that closes most.
    """
    places = range(requests)
    left = {
        (i, one, j, other)
        for i, j in itertools.combinations(places, 2)
        for one, other in itertools.product(targets, repeat=2)
    }
    found = []
    while left:
        i, one, j, other = min(left)
        chosen = {i: one, j: other}
        for place in rng.sample(places, requests):
            if place not in chosen:
                shuffled = rng.sample(targets, len(targets))
                chosen[place] = max(shuffled, key=lambda target: _closes(chosen, place, target, left))
        row = tuple(chosen[place] for place in places)
        left -= {(a, row[a], b, row[b]) for a, b in itertools.combinations(places, 2)}
        found.append(Routing(row))
    return sorted(found, key=lambda routing: routing.size)


def sample(targets: Sequence[str], requests: int, rng: random.Random) -> Iterator[Routing]:
    """Routings drawn at random, each as likely as any other, without an end."""
    while True:
        yield Routing(tuple(rng.choice(targets) for _ in range(requests)))


def one_way(targets: Sequence[str], requests: int) -> list[Routing]:
    """Few routings in which each request meets what every earlier one did elsewhere.

    All begin on the first target, which any other would do as well as long as no user was there: on to
    another worker, and to another instance, before each request; and then to another with each request.
    """
    first: str = targets[0]
    others: dict[bool, str] = {}
    for target in targets[1:]:
        others.setdefault(target.partition("/")[0] == first.partition("/")[0], target)
    found = [
        Routing((first,) * before + (other,) * (requests - before))
        for other in others.values()
        for before in range(1, requests)
    ]
    if requests > 2 and others:
        found.append(Routing(tuple(targets[index % len(targets)] for index in range(requests))))
    return found


def on_workers(routing: Routing, targets: Sequence[str]) -> Routing:
    """The routing with each instance's first target in the instance's place."""
    first = {target.partition("/")[0]: target for target in reversed(targets)}
    return replace(routing, targets=tuple(first[name] for name in routing.targets))


def with_events(instances: Sequence[str], requests: int, kinds: Sequence[str]) -> list[Routing]:
    """Each event between each two requests: before it its own instance serves, after it any one."""
    return [
        Routing((instance,) * before + (after,) * (requests - before), Event(kind, instance, before))
        for kind in kinds
        for before in range(1, requests)
        for instance in instances
        for after in instances
    ]


def differing_share(tried: int) -> float:
    """The share of differing routings that a sample without one rules out, with 95 % confidence.

    Exact: (1 - share)^tried = 0.05; close to the rule of three, 3 / tried.
    """
    return float(1 - 0.05 ** (1 / tried))


def _closes(chosen: dict[int, str], place: int, target: str, left: set[tuple[int, str, int, str]]) -> int:
    return sum(
        ((other, there, place, target) if other < place else (place, target, other, there)) in left
        for other, there in chosen.items()
    )
