"""How fast the harness is, measured side by side: ``harness bench``.

Every repetition takes each measure once, one after the other (A B C A B C ...), so that a machine that is
busy for a while spoils a little of all of them and not all of one.
"""

from __future__ import annotations

import contextlib
import http.client
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

from harness import matrix
from harness.checks import pace
from harness.errors import HarnessError, PartMissing
from harness.project import Project
from harness.runtimes.process import ProcessDeployment, ProcessRuntime
from harness.runtimes.shared import SharedServices
from harness.timed import Stopwatch, Timed
from harness.workshop import Workshop

REQUESTS_SECONDS = 1.0
EVERY_CELL = "docker compose: every cell, one after another"
ON_DEMAND = (EVERY_CELL,)

Notify = Callable[[str], None]

CLIENTS = 4
"""Connections at a time, for requests per second: one for each worker of two instances."""


@dataclass(frozen=True)
class Measure:
    """What was measured, each time that it was.

    Attributes:
        name: what it is, e.g. ``warm start, baseline``.
        unit: ``s``, ``ms``, ``requests/s``, ``MiB``.
    """

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def row(self) -> dict[str, object]:
        """For machines: with the spread, and every value."""
        spread = {"median": self.median, "min": min(self.values), "max": max(self.values)}
        return {"measure": self.name, "unit": self.unit, **spread, "values": list(self.values)}


@dataclass(frozen=True)
class Bench:
    """What the measures are taken on: the same topologies from a warm parent and from nothing.

    Attributes:
        more: measures that containers add, as in ``measures``; or why there are none (``missing``).
    """

    known: Project
    warm: ProcessRuntime
    cold: ProcessRuntime
    stopwatch: Stopwatch
    parallel: int
    more: Mapping[str, tuple[str, Callable[[], float]]] = field(default_factory=dict)
    missing: str = ""

    def start(self, runtime: ProcessRuntime, topology: str) -> float:
        """Seconds until a topology serves."""
        start = time.perf_counter()
        with runtime.up(self.known.plan.topology(topology)):
            return time.perf_counter() - start

    def cell(self, topology: str, scenario: str) -> float:
        """Seconds of one cell, its topology's start and end included."""
        pair = (self.known.plan.topology(topology), [self.known.scenario(scenario)])
        start = time.perf_counter()
        matrix.run(self.warm, [pair], self.known.expected)
        return time.perf_counter() - start

    def matrix(self, topologies: Sequence[str]) -> float:
        """Seconds of all cells of these topologies."""
        chosen = [self.known.plan.topology(name) for name in topologies]
        pairs = [(topology, self.known.judged_by(topology)) for topology in chosen]
        start = time.perf_counter()
        matrix.run(self.warm, pairs, self.known.expected, parallel=self.parallel)
        return time.perf_counter() - start

    def requests(self, topology: str, address: Callable[[ProcessDeployment], str]) -> float:
        """Requests per second that a few clients get answered."""
        with self.warm.up(self.known.plan.topology(topology)) as deployment:
            return _requests_per_second(address(deployment), self.known.plan.app.health)

    def milliseconds(self, timed: Timed, topology: str, step: str) -> float:
        """Milliseconds of one step of a journey, as the user sees it."""
        return 1000 * self.stopwatch.seconds(timed, topology, step)

    def memory(self, runtime: ProcessRuntime, topology: str) -> float:
        """MiB of one instance with its workers; what processes share counts in proportion."""
        with runtime.up(self.known.plan.topology(topology)) as deployment:
            return deployment.memory("A") / 2**20


@contextlib.contextmanager
def prepared(
    known: Project, workshop: Workshop, parallel: int, notify: Notify = lambda _: None
) -> Iterator[Bench]:
    """A bench whose shared services run already: they are no part of a topology's start.

    Raises:
        PartMissing: a real component is not on this machine; nothing less than all is measured.
    """
    preload = known.plan.app.preload
    with SharedServices(workshop, preload=preload) as warm, SharedServices(workshop, cold=True) as cold:
        for start in (warm.llm, cold.llm, warm.redis, warm.seaweedfs, warm.keys):
            start()
        runtime = ProcessRuntime(known.plan, warm)
        with contextlib.ExitStack() as stack:
            stopwatch = Stopwatch(known.plan, runtime, stack)
            more, missing = _containers(known, workshop, stack, notify)
            yield Bench(known, runtime, ProcessRuntime(known.plan, cold), stopwatch, parallel, more, missing)


def _containers(
    known: Project, workshop: Workshop, stack: contextlib.ExitStack, notify: Notify
) -> tuple[Mapping[str, tuple[str, Callable[[], float]]], str]:
    """The measures that containers add; without an engine none, and why."""
    try:
        from harness import bench_docker

        return bench_docker.measures(known, workshop, stack, notify), ""
    except PartMissing as error:
        return {}, str(error)


def measures(bench: Bench) -> Mapping[str, tuple[str, Callable[[], float]]]:
    """Every measure: its name, its unit, how it is taken."""
    report, every = bench.known.report, list(bench.known.plan.topologies)
    first = report[0]
    found: dict[str, tuple[str, Callable[[], float]]] = {}
    for name in report:
        found[f"warm start, {name}"] = ("s", partial(bench.start, bench.warm, name))
    found[f"cold start, {first}"] = ("s", lambda: bench.start(bench.cold, first))
    journey = bench.known.journey.name
    for name in (first, report[-1]):
        found[f"cell {journey}, {name}"] = ("s", partial(bench.cell, name, journey))
    found.update(bench.more)
    found["matrix, the report's topologies"] = ("s", lambda: bench.matrix(report))
    found["matrix, every topology"] = ("s", lambda: bench.matrix(every))
    found["requests through nginx"] = ("requests/s", lambda: bench.requests(first, lambda up: up.url))
    found["requests straight to A"] = (
        "requests/s",
        lambda: bench.requests(first, lambda up: up.address("A")),
    )
    found[f"memory of an instance, warm, {first}"] = ("MiB", lambda: bench.memory(bench.warm, first))
    found[f"memory of an instance, cold, {first}"] = ("MiB", lambda: bench.memory(bench.cold, first))
    for timed in bench.known.timed:
        for topology in timed.topologies:
            for step in timed.steps:
                name = f"{step}, {timed.name}, {topology}"
                found[name] = ("ms", partial(bench.milliseconds, timed, topology, step))
    for name, broken in (("kept", False), ("broken", True)):
        found[f"guarantees decided, {name}"] = ("operations/s", partial(pace.operations_per_second, broken))
    return found


def take(
    bench: Bench, repetitions: int, only: Sequence[str] = (), notify: Notify = lambda _: None
) -> list[Measure]:
    """Take the measures whose names contain one of ``only`` (all of them without), interleaved.

    One that takes long (``ON_DEMAND``) is taken where its whole name is given.

    Raises:
        HarnessError: no measure has such a name.
    """
    every = measures(bench)
    wanted = {name: how for name, how in every.items() if _wanted(name, only)}
    if not wanted:
        raise HarnessError(f"--only {', '.join(only)}: no such measure; there are: {'; '.join(every)}")
    values: dict[str, list[float]] = {name: [] for name in wanted}
    for number in range(repetitions):
        for name, (_, take_one) in wanted.items():
            notify(f"{number + 1} of {repetitions}: {name}")
            values[name].append(take_one())
    return [Measure(name, unit, tuple(values[name])) for name, (unit, _) in wanted.items()]


def _wanted(name: str, only: Sequence[str]) -> bool:
    if name in ON_DEMAND:
        return name in only
    return not only or any(part in name for part in only)


def _requests_per_second(url: str, path: str) -> float:
    split = urlsplit(url)
    assert split.hostname is not None
    counts = [0] * CLIENTS
    end = time.perf_counter() + REQUESTS_SECONDS

    def client(number: int) -> None:
        while time.perf_counter() < end:
            connection = http.client.HTTPConnection(split.hostname or "", split.port, timeout=30)
            connection.request("GET", path)
            connection.getresponse().read()
            connection.close()
            counts[number] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - start)
