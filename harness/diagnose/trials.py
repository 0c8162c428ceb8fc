"""Trials: a scenario on a topology with some parts swapped, side by side, each done once."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from harness import scenario as scenarios
from harness.diagnose.probes import Pair, Table, probe
from harness.diagnose.swaps import Swap, applied
from harness.errors import HarnessError, PartMissing
from harness.plays import Play
from harness.runtimes import Deployment, Runtime
from harness.scenario import Scenario
from harness.topology import Plan, Topology


@dataclass(frozen=True)
class Lab:
    """What a diagnosis works with: what brings topologies up, and what can be swapped in them.

    Attributes:
        parallel: how many trials are under way at a time; many only wait.
        pair: how a user writes and reads, for the probes; no probes without.
        outside: as if the app reported nothing of itself: requests, answers, cookies and time alone.
    """

    runtime: Runtime
    plan: Plan
    swaps: Mapping[str, Swap]
    parallel: int = 8
    pair: Pair | None = None
    outside: bool = False
    _starting: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(os.cpu_count() or 1))

    @contextlib.contextmanager
    def up(self, topology: Topology) -> Iterator[Deployment]:
        """The topology, in its turn: starts take processor time, and the first one plays beside the next."""
        with contextlib.ExitStack() as stack:
            with self._starting:
                deployment = stack.enter_context(self.runtime.up(topology))
            yield deployment

    def seen(self, play: Play) -> Play:
        """The play as it is looked at."""
        if self.outside:
            play.logs = {}
            for one in play.observations:
                one.evidence = {}
        return play


@dataclass(frozen=True)
class Trial:
    """A set of swaps, and what a scenario came out as with it.

    Attributes:
        verdict: one of ``harness.scenario.VERDICTS``; skipped where a part is missing here, unknown where
            the topology did not come up.
        witness: the play that shows what breaks.
        reason: why it was skipped or unknown.
    """

    swaps: tuple[Swap, ...]
    verdict: str
    witness: Play | None = None
    reason: str = ""

    @property
    def green(self) -> bool:
        return self.verdict == scenarios.WORKS


class Trials:
    """The trials of one topology; a context manager that waits for those under way."""

    def __init__(self, lab: Lab, topology: Topology) -> None:
        self._lab, self._topology = lab, topology
        self._pool = ThreadPoolExecutor(lab.parallel)
        self._lock = threading.Lock()
        self._begun: dict[tuple[frozenset[str], str], Future[Trial]] = {}

    def __enter__(self) -> Trials:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def possible(self, swaps: Sequence[Swap], scenario: Scenario) -> bool:
        """Whether each of them changes something, and the scenario still means something."""
        topology = applied(self._lab.plan, self._topology, swaps)
        return topology is not None and scenarios.unmet(scenario, topology) is None

    def begin(self, swaps: Sequence[Swap], scenario: Scenario) -> Future[Trial]:
        """Start a trial, or join the one that was started before; without swaps: the topology itself."""
        key = frozenset(swap.name for swap in swaps), scenario.name
        with self._lock:
            if key not in self._begun:
                self._begun[key] = self._pool.submit(self._try, tuple(swaps), scenario)
            return self._begun[key]

    def probe(self) -> Future[Table | None]:
        """Start the probes, on a deployment of their own."""
        return self._pool.submit(self._probe)

    def _probe(self) -> Table | None:
        if self._lab.pair is None:
            return None
        with self._lab.up(self._topology) as deployment:
            return probe(deployment, self._lab.pair)

    def _try(self, swaps: tuple[Swap, ...], scenario: Scenario) -> Trial:
        topology = applied(self._lab.plan, self._topology, swaps)
        assert topology is not None  # ``possible`` was asked
        try:
            with self._lab.up(topology) as deployment:
                judged = scenarios.judge(scenario, deployment)
        except PartMissing as error:
            return Trial(swaps, scenarios.SKIPPED, reason=str(error))
        except HarnessError as error:
            return Trial(swaps, scenarios.UNKNOWN, reason=str(error))
        except Exception as error:  # a bug in a story is no verdict on the app
            return Trial(swaps, scenarios.UNKNOWN, reason=raised(error))
        return Trial(swaps, judged.verdict, self._lab.seen(judged.witness) if judged.witness else None)


def raised(error: Exception) -> str:
    """What a story's own error is called, where a reason is given."""
    return f"the scenario raised {type(error).__name__}: {error}"
