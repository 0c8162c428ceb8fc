"""The same cell twice more, for comparison: in containers by the harness, and by docker compose."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from typing import cast

from harness import matrix
from harness.project import Project
from harness.runtimes import Deployment
from harness.runtimes.docker import compose, engine
from harness.runtimes.docker.runtime import DockerRuntime
from harness.runtimes.docker.services import DockerServices
from harness.scenario import play
from harness.workshop import Workshop

PROFILE, BALANCER = "baseline", "balancer-baseline"
"""Of docker/compose.yaml; the topology has the profile's name."""

Measures = Mapping[str, tuple[str, Callable[[], float]]]


class Cycles:
    """One cell, from nothing of its topology up to nothing of it left; images and shared services are there.

    Args:
        stack: ends what is started for it, on first need.
    """

    def __init__(self, known: Project, workshop: Workshop, stack: contextlib.ExitStack) -> None:
        self._known, self._workshop, self._stack = known, workshop, stack
        self._topology = known.plan.topology(PROFILE)
        self._services: DockerServices | None = None

    def measures(self) -> Measures:
        name = f"{self._known.journey.name}, {PROFILE}"
        return {
            f"containers: cell {name}": ("s", self.cell),
            f"docker compose: cell {name}": ("s", self.compose),
        }

    def cell(self) -> float:
        """Seconds, in containers by the harness."""
        if self._services is None:
            services = DockerServices(self._workshop, preload=self._known.plan.app.preload)
            self._services = self._stack.enter_context(services)
            self._cell(self._services)  # its containers stay for the next one, as in a matrix
        return self._cell(self._services)

    def _cell(self, services: DockerServices) -> float:
        start = time.perf_counter()
        pair = (self._topology, [self._known.journey])
        matrix.run(DockerRuntime(self._known.plan, services), [pair], self._known.expected)
        return time.perf_counter() - start

    def compose(self) -> float:
        """Seconds, by ``up --wait``, the journey, ``down``."""
        with contextlib.closing(engine.connect()) as client:
            compose.prepare(client)
            start = time.perf_counter()
            with compose.up(
                client, self._topology, PROFILE, BALANCER, self._workshop.folder("compose")
            ) as up:
                play(self._known.journey, cast(Deployment, up))
            return time.perf_counter() - start


def measures(known: Project, workshop: Workshop, stack: contextlib.ExitStack) -> Measures:
    """What containers add to the bench.

    Raises:
        PartMissing: no engine, or no compose.
    """
    engine.connect().close()
    compose.command()
    return Cycles(known, workshop, stack).measures()
