"""A deployment as exploring plays on it: each request straight to its target, or through the balancer."""

from __future__ import annotations

from dataclasses import replace

import urllib3

from harness.explore.routing import RESTART, Routing
from harness.journey import Journey, Performance, play
from harness.runtimes.command import CommandDeployment

PROXY_HEADERS = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Proto": "http"}
"""What nginx adds, so that a request that goes round it looks the same to the app."""

HOST = "127.0.0.1"
"""What every request says it is for, whoever serves it: else an answer would name who did."""


DISKS = "/disks"

MOST = 32
"""Plays at a time, at most: so many connections to each target are kept."""


class Site:
    """One deployment, connections to each of its targets that are kept, and any number of fresh users."""

    def __init__(self, deployment: CommandDeployment) -> None:
        self.deployment = deployment
        self._http = urllib3.PoolManager(num_pools=200, maxsize=MOST)

    @property
    def targets(self) -> tuple[str, ...]:
        """Instances, or their workers where they are told apart."""
        topology = self.deployment.topology
        if topology.workers == 1 or not self.deployment.app.gunicorn:
            return topology.instance_names
        numbers = range(1, topology.workers + 1)
        return tuple(f"{name}/{number}" for name in topology.instance_names for number in numbers)

    def play(self, journey: Journey, routing: Routing) -> Performance:
        """Play a journey by fresh users; a request beyond the routing goes to its last target.

        Raises:
            HarnessError: an instance does not come back.
        """

        def route(number: int) -> str:
            if routing.event is not None and routing.event.before == number:
                self._happens(routing.event.kind, routing.event.instance)
            return self.deployment.address(routing.targets[min(number, len(routing.targets) - 1)])

        return self._placeless(play(journey, route, http=self._http, host=HOST, headers=PROXY_HEADERS))

    def play_balanced(self, journey: Journey, kind: str = "", before: int = 0) -> Performance:
        """Play a journey by fresh users through nginx; before one request an event may come to each instance.

        Raises:
            HarnessError: an instance does not come back.
        """

        def route(number: int) -> str:
            if kind and number == before:
                for instance in self.deployment.topology.instance_names:
                    self._happens(kind, instance)
            return self.deployment.url

        return self._placeless(play(journey, route, http=self._http, host=HOST))

    def next_instance(self) -> None:
        """Let the balancer begin the next journey elsewhere."""
        self._http.request("GET", f"{self.deployment.url}{self.deployment.app.health or '/'}", retries=False)

    def on_workers(self, one: Routing) -> Routing:
        """The routing with each instance's first target in the instance's place."""
        first = {target.partition("/")[0]: target for target in reversed(self.targets)}
        return replace(one, targets=tuple(first[name] for name in one.targets))

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
