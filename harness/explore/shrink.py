"""From a difference to the smallest: the shortest journey, then the shortest routing, that still differ."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator

from harness.errors import HarnessError
from harness.explore import routing as routings
from harness.explore.routing import Routing
from harness.explore.search import Found, differs, specify
from harness.explore.site import Place
from harness.journey import Journey

SECONDS = 60.0
"""What looking for something smaller may take."""
MOST = 256
"""How many routings of the shortest journey are tried for a shorter one."""


def shrink(found: Found, single: Place, site: Place) -> Found:
    """The smallest that still differs; a journey written as a function is left whole.

    Fewer requests first: without those after the difference, then as few of those before it as still
    lead to it, where one instance answers the last one with the same status as before.

    Raises:
        HarnessError: an instance did not come back.
    """
    if found.journey.story is not None:
        return found
    end = time.monotonic() + SECONDS
    for journey, routing in _smaller(found):
        if time.monotonic() > end:
            return found
        if (less := _differs(journey, routing, found, single, site)) is not None:
            return _shorter(less, single, site)
    return found


def _smaller(found: Found) -> Iterator[tuple[Journey, Routing]]:
    last = found.deviation.index
    for size in range(last + 1):
        for before in itertools.combinations(range(last), size):
            kept = (*before, last)
            journey = _kept(found.journey, kept)
            if journey is not None:
                yield journey, found.routing.kept(kept)


def _kept(journey: Journey, indexes: tuple[int, ...]) -> Journey | None:
    """The journey of these requests; None where one needs what another captures. The last goes first."""
    kept: Journey | None = journey
    for index in reversed(range(len(journey.requests))):
        if kept is not None and index not in indexes:
            kept = kept.without(index)
    return kept


def _differs(journey: Journey, routing: Routing, found: Found, single: Place, site: Place) -> Found | None:
    try:
        specification = specify(journey, single)
    except HarnessError:  # one instance does not do that, either
        return None
    if specification.answers[-1].status != found.deviation.expected.status:
        return None
    return differs(specification, site, routing)


def _shorter(found: Found, single: Place, site: Place) -> Found:
    """The same journey on the first routing, in order of size, that differs."""
    requests = len(found.journey.requests)
    if found.routing.event is not None or len(site.targets) ** requests > MOST:
        return found
    specification = specify(found.journey, single)
    for routing in routings.every(site.targets, requests):
        if routing == found.routing:
            break
        if (less := differs(specification, site, routing)) is not None:
            return less
    return found
