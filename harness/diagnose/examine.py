"""From a topology to proved causes and the smallest sets of changes that cure it.

    judge the scenarios -> those that break: what does each instance do alone? -> rules propose causes
      -> swap what would cure each, run again: green? and with it put back: red again?  -> proved
      -> no single swap cures all? what fails now, with the swap in? -> pairs, then sets of three

Nothing here knows what was planted: it reads what the plays showed, and what a swap changed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from harness import scenario as scenarios
from harness.diagnose import Diagnosis, propose
from harness.diagnose.probes import Table
from harness.diagnose.swaps import Swap
from harness.diagnose.trials import Lab, Trial, Trials, raised
from harness.errors import HarnessError, PartMissing
from harness.plays import Play
from harness.runtimes import Deployment
from harness.scenario import Scenario
from harness.topology import Topology

BEST, WIDEST_BEST = 3, 8
"""How many of the proposed causes are tested by intervention; of an app that reports nothing of itself."""

LARGEST = 3
"""How many swaps a set may have."""

WIDEST = 12
"""How many sets of a size are tried."""

WAITS_SECONDS = 0.5
"""A play that takes longer waits for something: the first trials begin beside the plays on one instance."""


@dataclass(frozen=True)
class Finding:
    """A scenario on the topology as it is, and why it came out so.

    Attributes:
        verdict: one of ``harness.scenario.VERDICTS``.
        reason: why it was skipped or could not be judged.
        witness: the play that shows what breaks; None where it works.
        alone: whether the play holds with every request sent to one instance, by its name.
        proposals: the causes that evidence proposes, those proved first.
        proved: by cause, the trials that proved it: green with the swap in, red again without.
        again: whether it broke again when run again as it is; without that, nothing is proved.
    """

    scenario: Scenario
    verdict: str
    reason: str = ""
    witness: Play | None = None
    alone: Mapping[str, bool] = field(default_factory=dict)
    proposals: Sequence[Diagnosis] = ()
    proved: Mapping[str, Sequence[Trial]] = field(default_factory=dict)
    again: bool = True

    @property
    def broken(self) -> bool:
        return self.witness is not None

    @property
    def likely(self) -> Sequence[Diagnosis]:
        """The causes that are tested by intervention."""
        known = self.witness is not None and any(seen.evidence for seen in self.witness.observations)
        return self.proposals[: BEST if known else WIDEST_BEST]

    @property
    def cause(self) -> Diagnosis | None:
        """The first of the causes."""
        return self.proposals[0] if self.proposals else None


@dataclass(frozen=True)
class Examination:
    """What came out of a topology.

    Attributes:
        findings: one a scenario, in order.
        cures: the smallest sets of swaps that turn every broken scenario green; none were found if empty.
        probes: who wrote where and who could read it; None where nothing is broken, or nobody said how.
    """

    topology: Topology
    findings: Sequence[Finding]
    cures: Sequence[tuple[Swap, ...]] = ()
    probes: Table | None = None
    seconds: float = 0.0

    @property
    def broken(self) -> list[Finding]:
        return [finding for finding in self.findings if finding.broken]

    @property
    def judged(self) -> bool:
        """Whether any scenario could be judged."""
        return any(finding.verdict not in (scenarios.SKIPPED, scenarios.UNKNOWN) for finding in self.findings)


def examine(
    lab: Lab,
    topology: Topology,
    wanted: Sequence[Scenario],
    tell: Callable[[str], None] = lambda doing: None,
) -> Examination:
    """Judge the scenarios on the topology, and explain those that do not simply work.

    Raises:
        HarnessError: the topology itself does not come up.
    """
    start = time.monotonic()
    tell(f"{topology.name}: judging")
    cures: list[tuple[Swap, ...]] = []
    table = None
    with Trials(lab, topology) as trials:
        findings = list(_judged(lab, trials, topology, wanted))
        if broken := [finding for finding in findings if finding.broken]:
            tell(f"{topology.name}: changing one part at a time")
            probing = trials.probe()
            proofs = _proofs(lab, trials, broken)
            findings = [_with(finding, proofs) for finding in findings]
            tell(f"{topology.name}: looking for the smallest cure")
            if lasting := [finding for finding in findings if finding.broken and finding.again]:
                cures = _smallest(lab, trials, lasting)
            table = probing.result()
    return Examination(topology, findings, cures, table, time.monotonic() - start)


def _judged(lab: Lab, trials: Trials, topology: Topology, wanted: Sequence[Scenario]) -> Iterator[Finding]:
    """Those that leave the deployment whole share one; each other has its own."""
    reasons = {one.name: scenarios.unmet(one, topology) or "" for one in wanted}
    found: dict[str, Finding] = {}
    begun: set[str] = set()
    sharing = [one for one in wanted if not reasons[one.name] and not one.spends]
    spending = [[one] for one in wanted if not reasons[one.name] and one.spends]
    for batch in [sharing, *spending] if sharing else spending:
        try:
            with lab.up(topology) as deployment:
                found |= {one.name: _finding(lab, trials, one, deployment, begun) for one in batch}
        except PartMissing as error:
            found |= {one.name: Finding(one, scenarios.SKIPPED, str(error)) for one in batch}
    for one in wanted:
        yield found.get(one.name) or Finding(one, scenarios.SKIPPED, reasons[one.name])


def _finding(
    lab: Lab, trials: Trials, scenario: Scenario, deployment: Deployment, begun: set[str]
) -> Finding:
    """Judge one; ``begun`` has the first causes whose trials have begun, one scenario standing for all."""
    start = time.monotonic()
    try:
        judged = scenarios.judge(scenario, deployment)
    except HarnessError:
        raise
    except Exception as error:  # a bug in a story is no verdict on the app
        return Finding(scenario, scenarios.UNKNOWN, raised(error))
    if judged.witness is None:
        return Finding(scenario, judged.verdict)
    witness = lab.seen(judged.witness)
    likely = propose(witness)[:BEST]
    if time.monotonic() - start > WAITS_SECONDS and likely and likely[0].cause.id not in begun:
        begun.add(likely[0].cause.id)
        _begin(lab, trials, scenario, likely)
    alone = {} if scenario.scripted_llm or _eventful(witness) else _alone(lab, scenario, deployment)
    return Finding(
        scenario,
        judged.verdict,
        witness.error or "",
        witness,
        {name: play.holds for name, play in alone.items()},
        propose(witness, alone),
    )


def _alone(lab: Lab, scenario: Scenario, deployment: Deployment) -> dict[str, Play]:
    """The play with every request sent to one instance, for each of several, side by side."""
    names = deployment.topology.instance_names if deployment.topology.instances > 1 else ()

    def only(name: str) -> Play:
        return lab.seen(scenarios.play(scenario, deployment, only=name))

    with ThreadPoolExecutor(lab.parallel) as pool:
        return dict(zip(names, pool.map(only, names), strict=True))


def _eventful(play: Play) -> bool:
    """Whether instances were killed, stopped or cut off: such plays are in each other's way, side by side."""
    return bool(play.lost or play.stopped or play.stalled)


def _proofs(lab: Lab, trials: Trials, broken: Sequence[Finding]) -> dict[str, Finding]:
    """By first cause of a finding, it with its proofs. One finding stands for all with its cause."""
    leaders: dict[str, Finding] = {}
    for finding in broken:
        leaders.setdefault(_first(finding), finding)
    for finding in leaders.values():
        _begin(lab, trials, finding.scenario, finding.likely)
    return {cause: _proved(lab, trials, finding) for cause, finding in leaders.items()}


def _begin(lab: Lab, trials: Trials, scenario: Scenario, likely: Sequence[Diagnosis]) -> None:
    """Start the trials that prove: the topology as it is, which must fail again, and what would cure it."""
    trials.begin([], scenario)
    for swap in _candidates(lab, trials, likely, (), [scenario]):
        trials.begin([swap], scenario)


def _proved(lab: Lab, trials: Trials, finding: Finding) -> Finding:
    """A swap that cures only by chance is found out by the topology as it is, which must fail again."""
    if trials.begin([], finding.scenario).result().witness is None:
        return replace(finding, again=False)
    proved: dict[str, list[Trial]] = {}
    for proposal in finding.likely:
        swaps = _candidates(lab, trials, [proposal], (), [finding.scenario])
        tried = [trials.begin([swap], finding.scenario).result() for swap in swaps]
        if green := [trial for trial in tried if trial.green]:
            proved[proposal.cause.id] = green
    return replace(finding, proved=proved)


def _with(finding: Finding, proofs: Mapping[str, Finding]) -> Finding:
    """The finding with its causes proved, those first."""
    if not finding.broken:
        return finding
    leader = proofs[_first(finding)]
    ranked = sorted(finding.proposals, key=lambda one: one.cause.id not in leader.proved)
    return replace(finding, proposals=ranked, proved=leader.proved, again=leader.again)


def _smallest(lab: Lab, trials: Trials, broken: Sequence[Finding]) -> list[tuple[Swap, ...]]:
    """The sets of the smallest size that turn all of them green; sets grow by what fails with them in."""
    wanted = [finding.scenario for finding in broken]
    proposals = [one for finding in broken for one in finding.likely]
    sets: list[tuple[Swap, ...]] = [(swap,) for swap in _candidates(lab, trials, proposals, (), wanted)]
    for _ in range(LARGEST):
        first = [trials.begin(one, wanted[0]) for one in sets]  # side by side
        for one, begun in zip(sets, first, strict=True):
            for scenario in wanted if begun.result().green else ():
                trials.begin(one, scenario)
        outcomes = [(one, _first_red(trials, one, wanted)) for one in sets]
        if cures := [one for one, red in outcomes if red is None]:
            return cures
        larger: dict[frozenset[str], tuple[Swap, ...]] = {}
        for one, red in outcomes:
            if red is not None and red.witness is not None:
                for swap in _candidates(lab, trials, propose(red.witness)[:BEST], one, wanted):
                    larger.setdefault(frozenset(part.name for part in (*one, swap)), (*one, swap))
        sets = list(larger.values())[:WIDEST]
    return []


def _first_red(trials: Trials, swaps: tuple[Swap, ...], wanted: Sequence[Scenario]) -> Trial | None:
    """The first of the trials that is not green; None if all are."""
    tried = (trials.begin(swaps, scenario).result() for scenario in wanted)
    return next((trial for trial in tried if not trial.green), None)


def _candidates(
    lab: Lab,
    trials: Trials,
    proposals: Sequence[Diagnosis],
    with_these: tuple[Swap, ...],
    wanted: Sequence[Scenario],
) -> list[Swap]:
    """The swaps that address the likeliest causes and change something, those of the likeliest first."""
    found: dict[str, Swap] = {}
    for proposal in proposals:
        for name, swap in lab.swaps.items():
            if proposal.cause.id in swap.cures:
                found.setdefault(name, swap)
    return [
        swap
        for swap in found.values()
        if swap not in with_these and all(trials.possible([*with_these, swap], one) for one in wanted)
    ]


def _first(finding: Finding) -> str:
    return finding.cause.cause.id if finding.cause else ""
