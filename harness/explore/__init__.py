"""Explore: does a journey come out on every routing as it does on one instance?

search         every routing, in order of size, against the specification: one instance with one worker
likeness       is this answer like those? what varies by nature was found by playing them
shrink         the shortest journey and routing that still differ
fixes          interventions that need no knowledge of the app, and the smallest sets that cure it
answer, replay, as_test     the difference as a sentence, JSON, curl commands, a test
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from harness import anyapp
from harness.anyapp import AnyApp
from harness.explore import search
from harness.explore.answer import sentence
from harness.explore.routing import Routing
from harness.explore.site import Fresh, Place, Site
from harness.journey import Journey
from harness.runtimes.command import CommandRuntime
from harness.topology import Topology
from harness.workshop import Workshop, open_workshop


def difference(
    app: AnyApp, journey: Journey, routing: Routing, workers: int = 1, fresh: bool = False
) -> str | None:
    """Play one routing of a journey, for tests: how it differs from one instance; None where it agrees.

    Args:
        fresh: each play on instances that have just started.

    Raises:
        HarnessError: the app does not start, or one instance does not do what the journey says.
    """
    names = {target.partition("/")[0] for target in routing.targets}
    if routing.event is not None:
        names.add(routing.event.instance)
    count = max(ord(name) - ord("A") for name in names) + 1
    app = replace(app, folder=app.folder.resolve())
    topology = anyapp.topology(app, count, workers)
    with contextlib.ExitStack() as stack:
        workshop = stack.enter_context(open_workshop())
        single: Place
        site: Place
        if fresh:
            single, site = fresh_sites(app, topology, workshop)
        else:
            single, site = stack.enter_context(sites(app, topology, workshop))
        found = search.differs(search.specify(journey, single), site, routing)
        return None if found is None else sentence(found)


@contextlib.contextmanager
def sites(app: AnyApp, topology: Topology, workshop: Workshop) -> Iterator[tuple[Site, Site]]:
    """One instance with one worker, and the topology; both up, gone at the end.

    The one is there twice, for what an app makes up when it starts, as a number of its own, differs between
    any two and is no fault; no play goes to both.
    """
    alone = anyapp.topology(app, 2)
    runtime = CommandRuntime(app, workshop)
    with runtime.up(alone) as single, runtime.up(topology) as deployment:
        yield Site(single), Site(deployment)


def fresh_sites(app: AnyApp, topology: Topology, workshop: Workshop) -> tuple[Fresh, Fresh]:
    """The same, but each play starts them anew."""
    return Fresh(app, anyapp.topology(app, 2), workshop), Fresh(app, topology, workshop)
