"""Scenarios x topologies, in parallel, against the expectations.

A topology is brought up once for each scenario that spends it by killing an instance, and at least once;
the other scenarios share these deployments, one after another. Deployments run side by side.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from harness import scenario as scenarios
from harness.checks import Violation, plays
from harness.diagnose import Diagnosis, diagnose
from harness.errors import HarnessError, PartMissing
from harness.expectations import Expectation, Expectations
from harness.plays import Play
from harness.runtimes import Deployment, Runtime
from harness.scenario import Scenario
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
        violations: the guarantees that the witness breaks.
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
    violations: Sequence[Violation] = ()
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
    """Judge every scenario on its topology, on ``parallel`` deployments at a time; cells in given order.

    Raises:
        HarnessError: a topology did not come up. Cells of the others are lost.
    """
    todo = list(pairs)
    stop = threading.Event()

    def judged(cells: Iterable[Cell]) -> list[Cell]:
        found = []
        for cell in cells:
            found.append(replace(cell, expected=expectations.get((cell.scenario, cell.topology))))
            notify(found[-1])
        return found

    cells: list[Cell] = []
    jobs: list[tuple[Topology, list[Scenario]]] = []
    for topology, wanted in todo:
        reasons = {one.name: meaningless(one, topology, scripted_llm) for one in wanted}
        skipped = [_skipped(runtime, topology, name, reason) for name, reason in reasons.items() if reason]
        cells += judged(skipped)
        jobs += [(topology, batch) for batch in _batches([one for one in wanted if not reasons[one.name]])]
    with concurrent.futures.ThreadPoolExecutor(parallel) as pool:
        futures = [pool.submit(judged, _batch(runtime, *job, stop)) for job in jobs]
        try:
            cells += [cell for future in futures for cell in future.result()]
        except BaseException:  # Ctrl-C too: no new cell begins, running ones end, nothing is left up
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    order = [(topology.name, scenario.name) for topology, wanted in todo for scenario in wanted]
    return sorted(cells, key=lambda cell: order.index((cell.topology, cell.scenario)))


def meaningless(scenario: Scenario, topology: Topology, scripted_llm: bool) -> str | None:
    """Why a cell is not judged at all; None where it is."""
    if (reason := scenarios.unmet(scenario, topology)) is not None:
        return reason
    if scenario.scripted_llm and not scripted_llm:
        return f"{MISSING}the scripted LLM, which --llm has replaced"
    return None


def _skipped(runtime: Runtime, topology: Topology, scenario: str, reason: str) -> Cell:
    return Cell(scenario, topology.name, runtime.name, scenarios.SKIPPED, reason=reason)


def _batch(
    runtime: Runtime, topology: Topology, batch: Sequence[Scenario], stop: threading.Event
) -> Iterator[Cell]:
    """Cells that share a deployment; none that begins after ``stop``."""
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
            yield _skipped(runtime, topology, scenario.name, f"{MISSING}{error}")


def _batches(wanted: Sequence[Scenario]) -> list[list[Scenario]]:
    """Scenarios that share a deployment: a batch for each that spends it, which comes last."""
    spending = [scenario for scenario in wanted if scenario.spends]
    others = [scenario for scenario in wanted if not scenario.spends]
    count = max(1, len(spending))
    batches = [[*others[number::count], *spending[number : number + 1]] for number in range(count)]
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
        violations=plays.violations(judged.witness) if judged.witness else (),
        notes=deployment.notes,
        seconds=time.perf_counter() - start,
    )
