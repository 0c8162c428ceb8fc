"""What ``harness explore`` does."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from harness import anyapp
from harness import journey as journeys
from harness.anyapp import AnyApp
from harness.errors import HarnessError
from harness.explore import answer, as_test, fixes, fresh_sites, replay, search, sites
from harness.explore.fixes import Tried, Witness
from harness.explore.routing import LOSE, RESTART, one_way
from harness.explore.search import Found, Outcome
from harness.explore.shrink import shrink
from harness.explore.site import Place, Site
from harness.explore.specification import Specification
from harness.report import files, terminal
from harness.runtimes import disk
from harness.topology import Topology
from harness.workshop import Workshop, open_workshop


@dataclass(frozen=True)
class Options:
    """The options of ``harness explore``; None and empty are what harness.toml says, or the default."""

    journey: Path
    command: str | None = None
    config: Path | None = None
    health: str | None = None
    env: tuple[str, ...] = ()
    instances: int | None = None
    workers: int | None = None
    restart: bool = False
    lose: bool = False
    repeat: int = 1
    parallel: int = 2
    seed: int = 0
    seconds: float = search.SECONDS
    fresh: bool = True
    fix: bool = True
    same: tuple[str, ...] = ()
    redis: tuple[str, ...] = ()
    results: Path = Path("results")
    as_json: bool = False

    @property
    def plan(self) -> search.Plan:
        asked = ((RESTART, self.restart), (LOSE, self.lose))
        events = tuple(kind for kind, yes in asked if yes)
        return search.Plan(events, self.seed, self.seconds, self.repeat, self.parallel)


def explore(options: Options) -> int:
    """Explore, shrink, look for cures, write the files; 0 when all agree, 1 when not."""
    out = terminal.console(stderr=options.as_json)
    app, topology = deployed(options)
    journey = journeys.load(options.journey)
    with contextlib.ExitStack() as stack:
        workshop = stack.enter_context(open_workshop())
        with out.status(f"starting {topology.title}, and one instance of it"):
            single, site = stack.enter_context(sites(app, topology, workshop))
        out.print(f"[bold]{journey.name}[/] on {topology.title}", markup=True)
        places: tuple[Place, Place] = (single, site)
        specification = search.specify(journey, single)
        with _progress(out) as notify:
            outcome = search.explore(specification, site, options.plan, notify)
        if outcome.found is None and options.fresh and one_way(outcome.targets, outcome.requests):
            places = fresh_sites(app, topology, workshop)
            with _progress(out) as notify:
                notify(search.JUST_STARTED, 0, None)
                specification = search.specify(journey, places[0])
                plan = search.Plan(seconds=search.FRESH_SECONDS)
                outcome = outcome.then(search.explore(specification, places[1], plan, notify))
        smallest = None
        if outcome.found is not None:
            with out.status("looking for the smallest difference"):
                smallest = shrink(outcome.found, *places)
        _tell(out, outcome, specification, smallest, site)
        tried: list[Tried] = []
        if smallest is not None and options.fix:
            with out.status("looking for cures"):
                witness = Witness(
                    search.specify(smallest.journey, places[0]), smallest.routing, smallest.fresh
                )
            tried = _fixes(out, options, (app, topology), witness, specification, site, workshop)
    report = answer.as_json(outcome, smallest)
    if smallest is not None:
        report["fixes"] = [fixes.row(one) for one in tried]
        report["files"] = _write(out, options.results, report, smallest, app, topology)
    if options.as_json:
        print(json.dumps(report, indent=1))
    return 0 if smallest is None else 1


def deployed(options: Options) -> tuple[AnyApp, Topology]:
    """The app and its topology: of harness.toml or --app, changed by the other options.

    Raises:
        HarnessError: neither is there, both are, or one is not valid.
    """
    config = options.config
    if options.command is not None and config is not None:
        raise HarnessError("--app and --config: one of them says how to run the app, not both")
    if options.command is None:
        config = config or Path(anyapp.FILE)
        if not config.exists():
            raise HarnessError(f"no --app, and no {anyapp.FILE} in this folder: say how to run the app")
        app, topology = anyapp.load(config)
    else:
        app = anyapp.given(options.command)
        topology = anyapp.topology(app)
    env = dict(_variable(text) for text in options.env)
    app = anyapp.checked(replace(app, health=options.health or app.health, env={**app.env, **env}))
    return app, anyapp.topology(
        app,
        options.instances or topology.instances,
        options.workers or topology.workers,
        topology.affinity,
        topology.env,
    )


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise HarnessError(f"--env {text}: is not of the form NAME=VALUE")
    return name, value


def _tell(
    out: Console, outcome: Outcome, specification: Specification, smallest: Found | None, site: Site
) -> None:
    plays = f"compared with {outcome.specified} plays on one instance with one worker"
    for line in answer.summary(outcome):
        out.print(f"  {line}", markup=False)
    out.print(f"  {plays}; {outcome.seconds:.1f} s")
    for note in site.deployment.notes:
        out.print(f"  note: {note}", markup=False)
    for line in answer.warnings(specification):
        out.print(f"  note: {line}", markup=False)
    if smallest is None:
        out.print("all routings that were tried agree with one instance", style="bold green")
        return
    out.print(answer.sentence(smallest), style="bold red", markup=False)
    for line in answer.details(smallest):
        out.print(f"  {line}", markup=False)


def _fixes(
    out: Console,
    options: Options,
    deployed: tuple[AnyApp, Topology],
    witness: Witness,
    specification: Specification,
    site: Site,
    workshop: Workshop,
) -> list[Tried]:
    app = deployed[0]
    same = options.same or disk.naming(app, "SECRET_KEY")
    redis = options.redis or disk.naming(app, "REDIS_URL")
    possible = fixes.candidates(*deployed, site.deployment.written(), same, redis)
    with out.status("looking for cures") as status:

        def notify(name: str) -> None:
            status.update(f"trying {name}")
            if not out.is_terminal:
                out.print(f"  trying {name}", markup=False)

        tried = fixes.find(possible, deployed, specification, witness, workshop, notify)
    out.print("[bold]What cures it[/]")
    for line in fixes.told(tried):
        out.print(f"  {line}", markup=False)
    return tried


def _write(
    out: Console, results: Path, report: dict[str, Any], smallest: Found, app: AnyApp, topology: Topology
) -> list[str]:
    """Leave in ``results/<run>/``: JSON, a test, and curl commands where the requests are known."""
    texts = {
        "explore.json": json.dumps(report, indent=1),
        "test_difference.py": as_test.module(smallest, app, topology.workers),
    }
    if smallest.journey.story is None:
        texts["replay.sh"] = replay.script(smallest, app.command)
    try:
        folder = files.new_folder(results)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise HarnessError(f"--results {results}: {error}") from error
    out.print(f"{folder}/: {', '.join(texts)}", markup=False)
    return [str(folder / name) for name in texts]


@contextlib.contextmanager
def _progress(out: Console) -> Iterator[search.Notify]:
    """A bar on a terminal, a line now and then in a pipe."""
    if not out.is_terminal:
        told: dict[str, int] = {}

        def line(stage: str, tried: int, of: int | None) -> None:
            if tried // 500 > told.get(stage, 0):
                told[stage] = tried // 500
                out.print(f"  {stage}: {tried:,}" + (f" of {of:,}" if of else ""), markup=False)

        yield line
        return
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=out, transient=True) as bar:
        task = bar.add_task("routings")
        yield lambda stage, tried, of: bar.update(task, description=stage, completed=tried, total=of)
