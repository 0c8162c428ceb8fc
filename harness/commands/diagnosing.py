"""What the command does that says why, and how good it is at that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TypeVar

from harness.commands.options import Options, runtime_of
from harness.diagnose import materials
from harness.diagnose.examine import Examination, examine
from harness.diagnose.score import healthy_ones, score
from harness.diagnose.shape import family
from harness.diagnose.trials import Lab
from harness.errors import HarnessError
from harness.report import answer, probes, scoring
from harness.scenario import Scenario
from harness.topology import Topology

Thing = TypeVar("Thing")


def diagnose(
    options: Options, names: Sequence[str], only: Sequence[str], fault: str | None, outside: bool
) -> int:
    """Why topologies break, or a planted fault; 0 nothing does, 1 something does, 2 nothing was judged."""
    known = options.project()
    made = materials.load(options.package, known)
    wanted = [_one_of("scenario", name, made.scenarios) for name in only]
    jobs: list[tuple[Topology, list[Scenario]]] = []
    if fault is not None:
        planted = _one_of("fault", fault, made.faults)
        options.out.print(f"planted: {planted.title} (on {planted.healthy.title})", markup=False)
        jobs = [(planted.planted, wanted or [made.scenarios[planted.shown_by]])]
    else:
        topologies = [known.plan.topology(name) for name in names or known.plan.topologies]
        jobs = [(topology, wanted or known.judged_by(topology)) for topology in topologies]
    examined = []
    with options.progress() as tell, runtime_of(options, known) as runtime:
        lab = Lab(runtime, known.plan, made.swaps, options.deployments, made.pair, outside)
        for topology, scenarios in jobs:
            examined.append(examine(lab, topology, scenarios, tell))
            _show(options, examined[-1])
    if options.as_json:
        print(json.dumps([answer.as_json(one) for one in examined], indent=1))
    if not any(one.judged for one in examined):
        reasons = {finding.reason for one in examined for finding in one.findings if finding.reason}
        raise HarnessError(f"nothing could be judged: {'; '.join(sorted(reasons))}")
    return 1 if any(one.broken for one in examined) else 0


def scored(options: Options, only: Sequence[str], markdown: bool, outside: bool) -> int:
    """Plant every fault, or those asked for; 0 when the thresholds are reached, 1 when not."""
    known = options.project()
    made = materials.load(options.package, known)
    faults = [_one_of("fault", name, made.faults) for name in only] or list(made.faults.values())
    healthy = healthy_ones(known.plan, {} if only else known.expected, faults)
    total, done = len(faults) + len(healthy), iter(range(1, len(faults) + len(healthy) + 1))
    with options.progress(document=markdown) as tell, runtime_of(options, known) as runtime:
        lab = Lab(runtime, known.plan, made.swaps, outside=outside)
        found = score(
            lab,
            faults,
            healthy,
            made.scenarios,
            lambda what: tell(f"{next(done)} of {total}: {what}"),
            options.parallel or 1,
        )
    if not found.judged:
        raise HarnessError(
            f"nothing could be judged: {found.faults[0].reason if found.faults else 'no faults'}"
        )
    if options.as_json:
        print(json.dumps(scoring.as_json(found), indent=1))
    else:
        scoring.show(options.out, found, markdown=markdown)
    return 0 if found.good else 1


def _show(options: Options, examined: Examination) -> None:
    for line in answer.answer(examined):
        options.out.print(line, markup=False)
    if examined.probes is not None:
        probes.show(options.out, examined.probes, family(examined.probes))
    options.out.print(f"  ({examined.seconds:.1f} s)", style="dim")


def _one_of(kind: str, name: str, known: Mapping[str, Thing]) -> Thing:
    if name not in known:
        raise HarnessError(f"no {kind} {name!r}; there are: {', '.join(known)}")
    return known[name]
