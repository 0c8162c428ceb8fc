"""Scenarios x topologies, in parallel, against the expectations.

One topology is brought up once and its cells are judged one after another on it; a scenario that
kills an instance ends that deployment, and the next cell gets a new one. Topologies run side by side.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness import scenario as scenarios
from harness.diagnose import Diagnosis, diagnose
from harness.errors import HarnessError, PartMissing
from harness.expectations import Expectation, Expectations
from harness.runtimes import Deployment, Runtime
from harness.scenario import Play, Scenario
from harness.topology import Topology


@dataclass(frozen=True)
class Cell:
    """One scenario on one topology, judged.

    Attributes:
        verdict: one of ``harness.scenario.VERDICTS``.
        expected: what ``expectations.toml`` says; None where it says nothing.
        diagnosis: why it does not simply work.
        reason: why it was skipped, or could not be judged.
        plays: every performance, observations and evidence included.
        witness: the performance that shows what breaks.
        notes: what stood in for a real part.
        seconds: how long judging took, bringing up not counted.
    """

    scenario: str
    topology: str
    runtime: str
    verdict: str
    expected: Expectation | None = None
    diagnosis: Diagnosis | None = None
    reason: str | None = None
    plays: Sequence[Play] = ()
    witness: Play | None = None
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def cause_id(self) -> str | None:
        return self.diagnosis.cause.id if self.diagnosis else None

    @property
    def cause(self) -> str:
        """The cause in a few words; the reason where there is no cause; else empty."""
        if self.diagnosis:
            return f"{self.diagnosis.cause.id} {self.diagnosis.cause.title}"
        return self.reason or ""

    @property
    def came_out(self) -> Expectation:
        return Expectation(self.verdict, self.cause_id)

    @property
    def as_expected(self) -> bool:
        """A part that is missing on this machine is no difference; everything else unforeseen is."""
        if self.verdict == scenarios.SKIPPED and self.expected != Expectation(scenarios.SKIPPED):
            return self.reason is not None and self.reason.startswith(MISSING)
        return self.came_out == self.expected


MISSING = "missing part: "

Notify = Callable[[Cell], None]


def run(
    runtime: Runtime,
    pairs: Iterable[tuple[Topology, Sequence[Scenario]]],
    expectations: Expectations,
    *,
    parallel: int = 1,
    scripted_llm: bool = True,
    notify: Notify = lambda cell: None,
) -> list[Cell]:
    """Judge every scenario on its topology, ``parallel`` topologies at a time; cells in given order.

    Raises:
        HarnessError: a topology did not come up. Cells of the others are lost.
    """
    todo = list(pairs)
    stop = threading.Event()

    def column(topology: Topology, wanted: Sequence[Scenario]) -> list[Cell]:
        cells = []
        for cell in _column(runtime, topology, wanted, scripted_llm, stop):
            expected = expectations.get((cell.scenario, cell.topology))
            cells.append(replace(cell, expected=expected))
            notify(cells[-1])
        order = [scenario.name for scenario in wanted]
        return sorted(cells, key=lambda cell: order.index(cell.scenario))

    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        futures = [pool.submit(column, topology, wanted) for topology, wanted in todo]
        try:
            return [cell for future in futures for cell in future.result()]
        except BaseException:  # Ctrl-C too: no new cell begins, running ones end, nothing is left up
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _column(
    runtime: Runtime,
    topology: Topology,
    wanted: Sequence[Scenario],
    scripted_llm: bool,
    stop: threading.Event,
) -> Iterator[Cell]:
    """The cells of one topology; those that leave the deployment whole first, on one deployment."""
    whole: list[Scenario] = []
    for scenario in wanted:
        reason = scenarios.unmet(scenario, topology)
        if reason is None and scenario.scripted_llm and not scripted_llm:
            reason = f"{MISSING}the scripted LLM, which --llm has replaced"
        if reason:
            yield Cell(scenario.name, topology.name, runtime.name, scenarios.SKIPPED, reason=reason)
        else:
            whole.append(scenario)
    batches = _batches(whole)
    for batch in batches:
        if stop.is_set():
            return
        try:
            with contextlib.ExitStack() as stack:
                deployment = stack.enter_context(runtime.up(topology))
                for scenario in batch:
                    if stop.is_set():
                        return
                    yield _cell(runtime, scenario, deployment)
        except PartMissing as error:
            for scenario in batch:
                yield Cell(
                    scenario.name,
                    topology.name,
                    runtime.name,
                    scenarios.SKIPPED,
                    reason=f"{MISSING}{error}",
                )


def _batches(wanted: Sequence[Scenario]) -> list[list[Scenario]]:
    """Scenarios that can share a deployment: a spending one ends its batch."""
    batches: list[list[Scenario]] = [[]]
    for scenario in sorted(wanted, key=lambda one: one.spends):
        batches[-1].append(scenario)
        if scenario.spends:
            batches.append([])
    return [batch for batch in batches if batch]


def _cell(runtime: Runtime, scenario: Scenario, deployment: Deployment) -> Cell:
    start = time.perf_counter()
    name, topology = scenario.name, deployment.topology.name
    try:
        judged = scenarios.judge(scenario, deployment)
    except HarnessError:
        raise
    except Exception as error:  # a bug in a story must not look like a verdict on the app
        reason = f"the scenario raised {type(error).__name__}: {error}"
        return Cell(name, topology, runtime.name, scenarios.UNKNOWN, reason=reason)
    found = None
    if judged.witness is not None and judged.witness.error is None:
        found = diagnose(judged.witness)
    return Cell(
        scenario=name,
        topology=topology,
        runtime=runtime.name,
        verdict=judged.verdict,
        diagnosis=found,
        reason=judged.witness.error if judged.witness else None,
        plays=tuple(judged.plays),
        witness=judged.witness,
        notes=deployment.notes,
        seconds=time.perf_counter() - start,
    )
