"""The same cell twice more, for comparison: in containers by the harness, and by docker compose."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

from harness import matrix
from harness.bench import EVERY_CELL, Notify
from harness.project import Project
from harness.runtimes import Deployment
from harness.runtimes.docker import compose, engine, image
from harness.runtimes.docker.runtime import DockerRuntime
from harness.runtimes.docker.services import DockerServices
from harness.scenario import play
from harness.topology import Topology
from harness.workshop import Workshop

PROFILES = {  # of docker/compose.yaml, by what a topology needs
    ("llm",): "baseline",
    ("llm", "ssh"): "instance-sync",
    ("llm", "shared-files"): "efs",
    ("llm", "s3"): "s3",
    ("llm", "redis"): "redis",
    ("llm", "redis", "s3"): "redis",
}
TOPOLOGY = "baseline"

Measures = Mapping[str, tuple[str, Callable[[], float]]]


class Cycles:
    """One cell, from nothing of its topology up to nothing of it left; images and shared services are there.

    Args:
        stack: ends what is started for it, on first need.
    """

    def __init__(
        self, known: Project, workshop: Workshop, stack: contextlib.ExitStack, notify: Notify
    ) -> None:
        self._known, self._workshop, self._stack, self._notify = known, workshop, stack, notify
        self._topology = known.plan.topology(TOPOLOGY)
        self._services: DockerServices | None = None

    def measures(self) -> Measures:
        name = f"{self._known.journey.name}, {TOPOLOGY}"
        return {
            f"containers: cell {name}": ("s", self.cell),
            f"docker compose: cell {name}": ("s", partial(self.compose, self._topology)),
            EVERY_CELL: ("s", self.every_cell),
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

    def compose(self, topology: Topology) -> float:
        """Seconds, by ``up --wait``, the journey, ``down``."""
        profile = "single" if topology.instances == 1 else PROFILES[topology.needs]
        with contextlib.closing(engine.connect()) as client:
            compose.prepare(client)
            start = time.perf_counter()
            with compose.up(client, topology, profile, self._workshop.folder("compose")) as up:
                play(self._known.journey, cast(Deployment, up))
            return time.perf_counter() - start

    def every_cell(self) -> float:
        """Seconds of a cycle of its topology for each cell of the whole matrix.

        The journey stands in for the cell's scenario, which may need more hands than compose has; it is
        the shortest of them.
        """
        known, seconds = self._known, 0.0
        topologies = [known.plan.topology(name) for name in known.plan.topologies]
        cells = [
            topology
            for topology in topologies
            for scenario in known.judged_by(topology)
            if matrix.meaningless(scenario, topology, scripted_llm=True) is None
        ]
        for number, topology in enumerate(cells, 1):
            seconds += self.compose(topology)
            self._notify(f"docker compose: {number} of {len(cells)} cells, {seconds:.0f} s")
        return seconds


def measures(known: Project, workshop: Workshop, stack: contextlib.ExitStack, notify: Notify) -> Measures:
    """What containers add to the bench.

    Raises:
        PartMissing: no engine, no compose, or the base images are of other packages.
    """
    with contextlib.closing(engine.connect()) as client:
        image.bases(client)
    compose.command()
    return Cycles(known, workshop, stack, notify).measures()
