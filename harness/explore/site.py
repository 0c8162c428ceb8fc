"""Where exploring plays: each request straight to its target, or through the balancer.

Site     one deployment for all plays; what one user left there, the next may find
Fresh    a deployment for each play
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import urllib3

from harness.anyapp import AnyApp
from harness.explore.routing import RESTART, Routing
from harness.journey import Journey, Performance, play
from harness.runtimes.command import CommandDeployment, CommandRuntime
from harness.topology import Topology
from harness.workshop import Workshop

PROXY_HEADERS = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http"}
"""What nginx adds, so that a request that goes round it looks the same to the app."""

HOST = "127.0.0.1"
"""What every request says it is for, whoever serves it: else an answer would name who did."""


DISKS = "/disks"

MOST = 32
"""Plays at a time, at most: so many connections to each target are kept."""


class Place(Protocol):
    """Where journeys are played.

    Attributes:
        fresh: whether its instances have just started, for each play.
    """

    @property
    def fresh(self) -> bool: ...

    @property
    def targets(self) -> tuple[str, ...]:
        """Instances, or their workers where they are told apart."""

    def play(self, journey: Journey, routing: Routing) -> Performance:
        """Play a journey by fresh users; a request beyond the routing goes to its last target.

        Raises:
            HarnessError: an instance does not come up, or not back.
        """

    def play_balanced(self, journey: Journey, kind: str = "", before: int = 0, begin: int = 0) -> Performance:
        """Play a journey by fresh users through nginx; before one request an event may come to each instance.

        Args:
            begin: how many instances further the balancer begins than it would.

        Raises:
            HarnessError: an instance does not come up, or not back.
        """


class Site:
    """One deployment, and connections to each of its targets that are kept. See ``Place``."""

    fresh = False

    def __init__(self, deployment: CommandDeployment) -> None:
        self.deployment = deployment
        self._http = urllib3.PoolManager(num_pools=200, maxsize=MOST)

    @property
    def targets(self) -> tuple[str, ...]:
        return _targets(self.deployment.app, self.deployment.topology)

    def play(self, journey: Journey, routing: Routing) -> Performance:
        def route(number: int) -> str:
            if routing.event is not None and routing.event.before == number:
                self._happens(routing.event.kind, routing.event.instance)
            return self.deployment.address(routing.targets[min(number, len(routing.targets) - 1)])

        return self._placeless(play(journey, route, http=self._http, host=HOST, headers=PROXY_HEADERS))

    def play_balanced(self, journey: Journey, kind: str = "", before: int = 0, begin: int = 0) -> Performance:
        health = f"{self.deployment.url}{self.deployment.app.health or '/'}"
        for _ in range(begin):
            self._http.request("GET", health, retries=False)

        def route(number: int) -> str:
            if kind and number == before:
                for instance in self.deployment.topology.instance_names:
                    self._happens(kind, instance)
            return self.deployment.url

        return self._placeless(play(journey, route, http=self._http, host=HOST))

    def _placeless(self, performance: Performance) -> Performance:
        """The same, as if every deployment had its disks in the same place: some apps answer with paths."""
        place = str(self.deployment.folder)
        for index, answer in enumerate(performance.answers):
            headers = tuple((name, value.replace(place, DISKS)) for name, value in answer.headers)
            body = answer.body.replace(place.encode(), DISKS.encode())
            performance.answers[index] = replace(answer, headers=headers, body=body)
        for name, value in performance.values.items():
            if isinstance(value, str):
                performance.values[name] = value.replace(place, DISKS)
        return performance

    def _happens(self, kind: str, instance: str) -> None:
        if kind == RESTART:
            self.deployment.stop(instance)
        else:
            self.deployment.kill(instance)
        self._http.clear()
        self.deployment.start(instance)


@dataclass(frozen=True)
class Fresh:
    """A deployment for each play: no user was there before, and no play leaves anything. See ``Place``."""

    app: AnyApp
    topology: Topology
    workshop: Workshop
    fresh = True

    @property
    def targets(self) -> tuple[str, ...]:
        return _targets(self.app, self.topology)

    def play(self, journey: Journey, routing: Routing) -> Performance:
        with self._up() as site:
            return site.play(journey, routing)

    def play_balanced(self, journey: Journey, kind: str = "", before: int = 0, begin: int = 0) -> Performance:
        with self._up() as site:
            return site.play_balanced(journey, kind, before, begin)

    @contextlib.contextmanager
    def _up(self) -> Iterator[Site]:
        with CommandRuntime(self.app, self.workshop).up(self.topology) as deployment:
            yield Site(deployment)
        shutil.rmtree(deployment.folder, ignore_errors=True)  # each has copies of the app


def _targets(app: AnyApp, topology: Topology) -> tuple[str, ...]:
    if topology.workers == 1 or not app.gunicorn:
        return topology.instance_names
    numbers = range(1, topology.workers + 1)
    return tuple(f"{name}/{number}" for name in topology.instance_names for number in numbers)
