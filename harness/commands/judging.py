"""What the commands do that judge topologies, keep one up, or list what there is."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from harness import matrix as judging
from harness import parts, project
from harness.commands.options import Options, runtime_of
from harness.errors import HarnessError, PartMissing
from harness.observe import Observation
from harness.report import files, terminal
from harness.report.advice import advice
from harness.report.steps import brief
from harness.runtimes import Runtime
from harness.scenario import SKIPPED, Scenario, play
from harness.topology import Topology


def reproduce(options: Options) -> int:
    """First the failure, step by step; then every row of the report against each scenario."""
    known, out, start = options.project(), options.out, time.monotonic()
    topologies = [known.plan.topology(name) for name in known.report]
    with runtime_of(options, known) as runtime:
        failed = _show(out, runtime, [known.plan.topology(name) for name in known.failure], known.journey)
        out.print(
            f"   {'reproduced' if failed else 'NOT reproduced'} after {time.monotonic() - start:.1f} s\n"
        )
        out.print("[bold]Every fix that was tried or recommended[/]")
        cells = _judge(options, runtime, known, [(one, known.judged_by(one)) for one in topologies])
    return _report(options, topologies, cells, time.monotonic() - start)


def matrix(options: Options, only_topologies: Sequence[str], only_scenarios: Sequence[str]) -> int:
    """Every cell, or those asked for."""
    known, start = options.project(), time.monotonic()
    topologies = [known.plan.topology(name) for name in only_topologies or known.plan.topologies]
    wanted = [known.scenario(name) for name in only_scenarios]
    with runtime_of(options, known) as runtime:
        pairs = [(one, wanted or known.judged_by(one)) for one in topologies]
        cells = _judge(options, runtime, known, pairs)
    return _report(options, topologies, cells, time.monotonic() - start)


def run(options: Options, scenario_name: str, topology_name: str) -> int:
    """One cell, told request by request."""
    known, out = options.project(), options.out
    scenario, topology = known.scenario(scenario_name), known.plan.topology(topology_name)
    with out.status(f"{topology.name} / {scenario.name}"), runtime_of(options, known) as runtime:
        (cell,) = judging.run(
            runtime, [(topology, [scenario])], known.expected, scripted_llm=options.llm_url is None
        )
    for performance in cell.plays:
        out.print(f"[bold]{scenario.title}[/] ({topology.title}), {performance.routing}")
        for number, seen in enumerate(performance.observations, start=1):
            terminal.tell(out, number, seen)
        terminal.failure(out, performance)
    out.print(f"[bold]{cell.verdict}[/] {cell.cause}", style=terminal.STYLES[cell.verdict])
    if cell.diagnosis:
        out.print(f"   {brief(cell.diagnosis.shown_by)}; fix: {cell.diagnosis.cause.fix}")
    for broken in cell.violations:
        out.print(f"   breaks {broken.guarantee}: {broken.sentence}", markup=False)
    for line in terminal.differences([cell]):
        out.print(line)
    if options.as_json:
        print(json.dumps(files.as_json(cell), indent=1))
    return 0 if cell.as_expected else 1


def up(options: Options, topology_name: str, show_config: bool) -> int:
    """Keep a topology up until a signal comes."""
    known, out = options.project(), options.out
    topology = known.plan.topology(topology_name)
    with contextlib.ExitStack() as stack:
        with out.status(f"bringing up {topology.name}"):
            runtime = stack.enter_context(runtime_of(options, known))
            deployment = stack.enter_context(runtime.up(topology))
        if show_config:
            out.print(deployment.config.read_text(), markup=False)
        out.print(f"{topology.title}: {deployment.affinity.meaning}")
        out.print(f"  balancer    {deployment.url}")
        for name in topology.instance_names:
            out.print(
                f"  instance {name}  the same with the header 'X-Harness-Pin: {name}' ({name}/1 for worker 1)"
            )
        out.print(f"  files       {deployment.folder}")
        for note in deployment.notes:
            out.print(f"  note        {note}")
        out.print("Ctrl-C stops it.")
        signal.pause()
    return 0


def list_all(options: Options) -> int:
    """Scenarios, topologies, parts."""
    known = options.project()
    found = parts.survey()
    if options.as_json:
        listing = {
            "scenarios": {name: one.title for name, one in known.scenarios.items()},
            "topologies": {name: dataclasses.asdict(one) for name, one in known.plan.topologies.items()},
            "parts": {part.name: dataclasses.asdict(part) for part in found},
        }
        print(json.dumps(listing, indent=1))
        return 0
    out = options.out
    out.print("[bold]scenarios[/]")
    for scenario in known.scenarios.values():
        out.print(f"  {scenario.name:<24} {scenario.title}")
    out.print("[bold]topologies[/]")
    for topology in known.plan.topologies.values():
        size = f"{topology.instances} x {topology.workers}"
        sync = "" if topology.sync == "none" else f" ({topology.sync})"
        out.print(
            f"  {topology.name:<24} {size}, {topology.affinity}, {topology.session}, {topology.storage}{sync}"
        )
    out.print("[bold]parts[/]")
    for part in found:
        out.print(f"  {part.name:<24} {part.found or f'missing: {part.missing}'}", markup=False)
    return 0


def _show(out: Console, runtime: Runtime, topologies: Sequence[Topology], journey: Scenario) -> bool:
    """Tell the journey as it happens, on the first topology whose parts are here; whether it failed."""
    numbers = itertools.count(1)

    def tell(seen: Observation) -> None:
        terminal.tell(out, next(numbers), seen)

    for topology in topologies:
        try:
            with contextlib.ExitStack() as stack:
                with out.status(f"bringing up {topology.name}"):
                    deployment = stack.enter_context(runtime.up(topology))
                out.print(f"[bold]The failure[/], on topology {topology.name}: {topology.title}")
                performance = play(journey, deployment, tell=tell)
        except PartMissing as error:
            if topology is topologies[-1]:
                raise
            out.print(f"not told on topology {topology.name}: {error}", markup=False)
        else:
            terminal.failure(out, performance)
            return not performance.holds
    return False


def _judge(
    options: Options,
    runtime: Runtime,
    known: project.Project,
    pairs: Sequence[tuple[Topology, Sequence[Scenario]]],
) -> list[judging.Cell]:
    """All cells, with progress: a bar on a terminal, lines in a pipe."""
    with _progress(options.out, sum(len(wanted) for _, wanted in pairs)) as notify:
        return judging.run(
            runtime,
            pairs,
            known.expected,
            parallel=options.deployments,
            scripted_llm=options.llm_url is None,
            notify=notify,
        )


@contextlib.contextmanager
def _progress(out: Console, total: int) -> Iterator[Callable[[judging.Cell], None]]:
    if not out.is_terminal:
        left: dict[str, int] = {}

        def line(cell: judging.Cell) -> None:
            left[cell.topology] = left.get(cell.topology, 0) + 1
            if sum(left.values()) % 10 == 0:
                out.print(f"   {sum(left.values())} of {total} cells")

        yield line
        return
    columns = (TextColumn("   {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out, transient=True) as bar:
        task = bar.add_task("cells", total=total)
        yield lambda cell: bar.update(task, advance=1, description=f"{cell.topology} / {cell.scenario}")


def _report(
    options: Options, topologies: Sequence[Topology], cells: Sequence[judging.Cell], seconds: float
) -> int:
    """Print table, causes, differences and advice; write the files; 0 when all is as expected."""
    out = options.out
    try:
        folder = files.new_folder(options.results)
        files.write(folder, cells, topologies)
    except OSError as error:
        raise HarnessError(f"--results {options.results}: {error}") from error
    terminal.show_table(out, cells, topologies)
    for line in terminal.causes(cells, topologies):
        out.print(line)
    for note in sorted({note for cell in cells for note in cell.notes}):
        out.print(f"note: {note}", markup=False)
    different = terminal.differences(cells)
    for line in different:
        out.print(line)
    counts = f"{len(cells) - len(different)} of {len(cells)} cells as expected"
    if skipped := sum(cell.verdict == SKIPPED for cell in cells):
        counts += f", {skipped} skipped"
    out.print(f"{counts}, {seconds:.1f} s; {folder}/: report.html, results.json, matrix.csv, junit.xml")
    out.print(advice(cells, topologies), style="bold", markup=False)
    if options.as_json:
        rows = [files.row(cell) | {"as_expected": cell.as_expected} for cell in cells]
        print(json.dumps({"as_expected": not different, "folder": str(folder), "cells": rows}, indent=1))
    return 1 if different else 0
