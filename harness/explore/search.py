"""Explore: play a journey on every routing, in order of size, until one differs from one instance.

specification on one instance --learn--> what varies      routing --play--> answers --compare--> difference
      ^                                                                                             |
      `---- played again, lest it varies by nature <--- confirm <-----------------------------------'
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from harness.explore import routing as routings
from harness.explore.routing import Routing
from harness.explore.site import Place
from harness.explore.specification import PLAYS, Deviation, Specification
from harness.journey import Journey, Performance

AGAIN = 2
"""How often one instance, and the routing, are played again before a difference counts."""
SECONDS = 60.0
"""What a sample may take by default."""
FRESH_SECONDS = 20.0
"""What routings on instances that have just started may take; one that has begun is played to its end."""
JUST_STARTED = "on instances that have just started"


@dataclass(frozen=True)
class Found:
    """A routing of a journey that differs from one instance, in ``differed`` of ``plays`` plays.

    Attributes:
        fresh: on instances that had just started, in each of these plays.
    """

    journey: Journey
    routing: Routing
    deviation: Deviation
    differed: int
    plays: int
    fresh: bool = False


@dataclass(frozen=True)
class Plan:
    """What is asked of an exploration.

    Attributes:
        events: kinds of ``harness.explore.routing.EVENTS`` that happen between two requests.
        seconds: the time that a sample may take, where there are too many routings for all.
        repeat: plays of each routing, for chance such as workers that cannot be told apart.
        parallel: plays at a time. What differs then counts if it does when it is played alone, too.
    """

    events: tuple[str, ...] = ()
    seed: int = 0
    seconds: float = SECONDS
    repeat: int = 1
    parallel: int = 1


@dataclass(frozen=True)
class Stage:
    """One part of an exploration: what it tried, of how many (None: there is no end), and what that says."""

    name: str
    tried: int
    of: int | None
    bound: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What an exploration came to.

    Attributes:
        requests: of the journey.
        possible: routings that there are, without events.
        found: the first difference, as it was found; None where all that was tried agrees.
        specified: plays on one instance that all was compared with.
        seconds: that the routings took.
    """

    targets: tuple[str, ...]
    requests: int
    possible: int
    stages: tuple[Stage, ...]
    found: Found | None
    specified: int
    seconds: float

    @property
    def tried(self) -> int:
        return sum(stage.tried for stage in self.stages)

    def then(self, more: Outcome) -> Outcome:
        """This one, in which all agreed, and what was tried after it."""
        return replace(
            self,
            stages=self.stages + more.stages,
            found=more.found,
            specified=self.specified + more.specified,
            seconds=self.seconds + more.seconds,
        )


Notify = Callable[[str, int, int | None], None]


def specify(journey: Journey, single: Place) -> Specification:
    """What one instance with one worker does.

    Each play stays on one of the single instances that there are.

    Raises:
        HarnessError: it does not do what the journey says, or does not agree with itself.
    """
    turns = iter(range(1_000_000))

    def perform(asked: Journey) -> Performance:
        return single.play(asked, Routing((single.targets[next(turns) % len(single.targets)],)))

    specification = Specification(journey, perform)
    specification.learn(max(PLAYS, 2 * len(single.targets)))
    return specification


def explore(
    specification: Specification,
    site: Place,
    plan: Plan,
    notify: Notify = lambda stage, tried, of: None,
) -> Outcome:
    """Try routings until one differs, or all are tried, or a sample's time is over."""
    requests, targets = len(specification.answers), site.targets
    start = time.monotonic()
    done: list[Stage] = []
    found = None
    for stage, of, some in _stages(requests, site, plan):
        tried = 0
        for window in _windows(some, plan.parallel):
            for one, performance in _played(specification.journey, site, window, plan):
                found = differs(specification, site, one, performance)
                if found is not None:
                    break
            tried += len(window) if found is None else window.index(found.routing) + 1
            notify(stage, tried, of)
            if found is not None:
                break
        bound = routings.differing_share(tried) if of is None and tried and found is None else None
        done.append(Stage(stage, tried, of, bound))
        if found is not None:
            break
    return Outcome(
        targets, requests, len(targets) ** requests, tuple(done), found, len(specification.plays),
        time.monotonic() - start,
    )  # fmt: skip


def _windows(some: Iterable[Routing], parallel: int) -> Iterator[list[Routing]]:
    """Routings one by one; where several users may play at a time, few at a time, and none with an event."""
    some = iter(some)
    for first in some:
        room = 0 if parallel == 1 or first.event else 8 * parallel - 1
        yield [first, *itertools.islice(some, room)]


def _played(
    journey: Journey, site: Place, window: Sequence[Routing], plan: Plan
) -> Iterator[tuple[Routing, Performance | None]]:
    """Each routing as often as asked for, with what came of it where it was played beside others."""
    every = [one for one in window for _ in range(plan.repeat)]
    if len(window) == 1:
        yield from ((one, None) for one in every)
        return
    with ThreadPoolExecutor(plan.parallel) as pool:
        performances = list(pool.map(lambda one: site.play(journey, one), every))
    yield from zip(every, performances, strict=True)


def differs(
    specification: Specification, site: Place, routing: Routing, beside: Performance | None = None
) -> Found | None:
    """Play one routing; a difference counts when one instance, played again, does not vary there.

    Args:
        beside: a play of it while others played: what differs there must differ alone, too.

    Raises:
        HarnessError: an instance did not come back, or one instance does not agree with itself.
    """
    journey = specification.journey
    first = beside or site.play(journey, routing)
    if specification.deviation(first) is None:
        return None
    specification.learn(AGAIN)
    deviation = specification.deviation(first)
    if deviation is None:
        return None
    again = [specification.deviation(site.play(journey, routing)) for _ in range(AGAIN)]
    differed = 1 + sum(one is not None for one in again)
    if beside is not None and differed == 1:
        return None
    return Found(journey, routing, deviation, differed, 1 + AGAIN, site.fresh)


def _stages(
    requests: int, site: Place, plan: Plan
) -> Iterator[tuple[str, int | None, Sequence[Routing] | Iterator[Routing]]]:
    targets, rng = site.targets, random.Random(plan.seed)  # noqa: S311 (a sample, not a secret)
    if site.fresh:
        some = routings.one_way(targets, requests)
        yield JUST_STARTED, len(some), _in_time(iter(some), plan.seconds)
        return
    if len(targets) ** requests <= routings.ALL:
        every = routings.every(targets, requests)
        yield "all routings", len(every), every
    else:
        pairs = routings.covering_pairs(targets, requests, rng)
        yield "all pairs", len(pairs), pairs
        yield "a sample", None, _in_time(routings.sample(targets, requests, rng), plan.seconds)
    if plan.events:
        names = tuple(dict.fromkeys(target.partition("/")[0] for target in targets))
        events = routings.with_events(names, requests, plan.events)
        some = [routings.on_workers(one, targets) for one in events]
        yield f"routings with a {' or '.join(plan.events)}", len(some), some


def _in_time(some: Iterator[Routing], seconds: float) -> Iterator[Routing]:
    end = time.monotonic() + seconds
    for one in some:
        if time.monotonic() > end:
            return
        yield one
