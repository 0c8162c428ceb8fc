"""How good the diagnosis is: every fault planted, every healthy topology examined.

What a fault's file says of its cause is read here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from harness.diagnose.causes import CAUSES
from harness.diagnose.examine import Examination, Finding, examine
from harness.diagnose.faults import Fault
from harness.diagnose.trials import Lab
from harness.errors import HarnessError, PartMissing
from harness.expectations import Expectation, Expectations
from harness.scenario import SKIPPED, UNKNOWN, WORKS, Scenario
from harness.topology import Plan, Topology

PROVED, PROPOSED, FAMILY, WRONG, MISSED = "proved", "proposed", "family", "wrong", "missed"
OUTCOMES = (PROVED, PROPOSED, FAMILY, WRONG, MISSED, SKIPPED)
"""What can come of a planted fault, best first.

proved: an intervention proved its cause. proposed: its cause is among those proposed first. family: the
first cause is another of the same layer. wrong: it is of another layer. missed: the scenario works.
"""

RIGHT_AT_LEAST = 0.95
"""Share of the planted faults whose very cause must be proved."""


@dataclass(frozen=True)
class Scored:
    """A planted fault, and what came of it; ``named`` is the id of the first cause."""

    fault: Fault
    outcome: str
    named: str = ""
    proposals: tuple[str, ...] = ()
    proved: tuple[str, ...] = ()
    cures: tuple[str, ...] = ()
    seconds: float = 0.0
    reason: str = ""

    @property
    def first(self) -> bool:
        """Whether its cause is proved, and named before every other."""
        return self.outcome == PROVED and self.named == self.fault.cause


@dataclass(frozen=True)
class Healthy:
    """A topology on which these scenarios work, and what was found wrong with it all the same."""

    topology: Topology
    scenarios: tuple[str, ...]
    alarms: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()


@dataclass(frozen=True)
class Score:
    """All of it."""

    faults: Sequence[Scored]
    healthy: Sequence[Healthy]

    @property
    def judged(self) -> list[Scored]:
        return [one for one in self.faults if one.outcome != SKIPPED]

    def count(self, outcome: str, layer: str | None = None) -> int:
        return sum(one.outcome == outcome and layer in (None, one.fault.layer) for one in self.faults)

    @property
    def alarms(self) -> list[str]:
        return [alarm for one in self.healthy for alarm in one.alarms]

    @property
    def good(self) -> bool:
        """Every fault noticed, enough of the very causes proved, no false alarm."""
        right = self.count(PROVED) >= RIGHT_AT_LEAST * len(self.judged)
        return right and not self.count(MISSED) and not self.alarms


def healthy_ones(
    plan: Plan, expected: Expectations, faults: Iterable[Fault]
) -> list[tuple[Topology, tuple[str, ...]]]:
    """Topologies with the scenarios that must work on them: those that expectations say, and every one
    that a fault is planted on."""
    found: list[tuple[Topology, tuple[str, ...]]] = []
    for topology in plan.topologies.values():
        works = [
            one for (one, on), want in expected.items() if on == topology.name and want == Expectation(WORKS)
        ]
        if works:
            found.append((topology, tuple(works)))
    for fault in faults:
        if not any(fault.healthy == topology and fault.shown_by in works for topology, works in found):
            found.append((fault.healthy, (fault.shown_by,)))
    return found


def score(
    lab: Lab,
    faults: Sequence[Fault],
    healthy: Sequence[tuple[Topology, tuple[str, ...]]],
    scenarios: Mapping[str, Scenario],
    tell: Callable[[str], None] = lambda done: None,
    side_by_side: int = 1,
) -> Score:
    """Plant every fault, examine every healthy topology; ``tell`` hears of each when it is done."""

    def planted(fault: Fault) -> Scored:
        scored = _planted(lab, fault, scenarios[fault.shown_by])
        tell(f"{fault.name}: {scored.outcome} {scored.named}")
        return scored

    def sound(one: tuple[Topology, tuple[str, ...]]) -> Healthy:
        judged = _healthy(lab, one[0], [scenarios[name] for name in one[1]])
        tell(f"{one[0].name}: {', '.join(judged.alarms) or 'healthy'}")
        return judged

    with ThreadPoolExecutor(side_by_side) as pool:
        sounds = [pool.submit(sound, one) for one in healthy]
        plants = [pool.submit(planted, fault) for fault in faults]
        try:
            return Score([one.result() for one in plants], [one.result() for one in sounds])
        except BaseException:  # Ctrl-C too: what has not begun does not begin
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _planted(lab: Lab, fault: Fault, scenario: Scenario) -> Scored:
    try:
        examined = examine(lab, fault.planted, [scenario])
    except PartMissing as error:
        return Scored(fault, SKIPPED, reason=str(error))
    except HarnessError as error:  # it is noticed, for nothing comes up; why, nobody says
        return Scored(fault, WRONG, reason=str(error))
    (finding,) = examined.findings
    if finding.verdict == SKIPPED:
        return Scored(fault, SKIPPED, reason=finding.reason)
    if finding.cause is None:
        return Scored(fault, MISSED, seconds=examined.seconds)
    return Scored(
        fault,
        outcome(fault, finding),
        finding.cause.cause.id,
        tuple(one.cause.id for one in finding.proposals),
        tuple(finding.proved),
        tuple(" + ".join(swap.name for swap in cure) for cure in examined.cures),
        examined.seconds,
    )


def outcome(fault: Fault, finding: Finding) -> str:
    """What a finding on a planted topology is worth."""
    assert finding.cause is not None  # else it was missed
    if fault.cause in finding.proved:
        return PROVED
    if fault.cause in [one.cause.id for one in finding.likely]:
        return PROPOSED
    return FAMILY if finding.cause.cause.layer == CAUSES[fault.cause].layer else WRONG


def _healthy(lab: Lab, topology: Topology, wanted: Sequence[Scenario]) -> Healthy:
    names = tuple(one.name for one in wanted)
    try:
        examined = examine(lab, topology, wanted)
    except PartMissing as error:
        return Healthy(topology, names, skipped=(str(error),))
    except HarnessError as error:
        return Healthy(topology, names, (f"{topology.name}: {error}",))
    return Healthy(topology, names, tuple(_alarms(examined)), tuple(_skipped(examined)))


def _alarms(examined: Examination) -> Iterable[str]:
    for finding in examined.findings:
        if finding.verdict not in (WORKS, SKIPPED):
            cause = finding.cause.cause.id if finding.cause else finding.reason or UNKNOWN
            yield f"{examined.topology.name} / {finding.scenario.name}: {cause}"


def _skipped(examined: Examination) -> Iterable[str]:
    return (one.scenario.name for one in examined.findings if one.verdict == SKIPPED)
