"""What ``harness load`` does: topologies under load, side by side; or Locust's page, or a worker."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from harness import ports, project
from harness.commands.options import Options, runtime_of
from harness.errors import HarnessError
from harness.load import driver, journey, rounds, thresholds
from harness.load.cases import Case, base, cases
from harness.load.visit import Terms
from harness.report import files
from harness.runtimes import Runtime
from harness.workshop import open_workshop


@dataclass(frozen=True)
class Wanted:
    """What a call asks for: the options of ``harness load`` that no other command has."""

    names: Sequence[str]
    urls: Sequence[str]
    users: int
    seconds: float
    rounds: int
    processes: int
    think: float
    dropping: float
    cookies: Sequence[str]
    instances: Sequence[int]
    megabytes: Sequence[int]
    kill: bool
    texts: Sequence[str]
    file: Path | None
    ui: bool
    master: bool
    bind: str
    workers: int
    worker: str | None
    markdown: bool


def load(options: Options, wanted: Wanted) -> int:
    """Be what is asked for: a worker, a page, or a comparison."""
    if wanted.worker is not None:
        return _work(options, wanted, *_address("--worker", wanted.worker))
    known = options.project()
    journey.of(options.package)
    every = _cases(wanted, known)
    if (wanted.ui or wanted.master) and len(every) > 1:
        raise HarnessError(
            "--ui and --master take one topology or --url, at one size and number of instances"
        )
    return _page(options, wanted, known, every[0]) if wanted.ui else _compare(options, wanted, known, every)


def _work(options: Options, wanted: Wanted, host: str, port: int) -> int:
    with open_workshop() as workshop, options.out.status(f"working for the master at {host}:{port}"):
        load = driver.Load(options.package, processes=wanted.processes)
        driver.work(host, port, load, workshop.folder("locust"))
    return 0


def _page(options: Options, wanted: Wanted, known: project.Project, case: Case) -> int:
    """Keep Locust's page up until a signal comes."""
    schedule = _schedule(options, wanted, seconds=0)
    with contextlib.ExitStack() as stack:
        with options.out.status(f"bringing up {case.name}"):
            folder = stack.enter_context(open_workshop()).folder("locust")
            runtime = stack.enter_context(_runtime(options, known, [case]))
            url, deployment = stack.enter_context(rounds.up(case, runtime))
            port = stack.enter_context(ports.reserved())
            terms = rounds.terms(schedule, case, deployment)
            page = stack.enter_context(driver.page(schedule.load, terms, url, folder, port))
        options.out.print(f"{case.name} is at {url}, Locust's page for it at http://127.0.0.1:{port}")
        options.out.print("Ctrl-C stops both.")
        driver.wait(page)
    return 0


def _compare(options: Options, wanted: Wanted, known: project.Project, every: Sequence[Case]) -> int:
    limits = _limits(wanted, every)
    master = driver.Master(*_address("--bind", wanted.bind), wanted.workers) if wanted.master else None
    number = 1 if master else wanted.rounds
    if wanted.seconds / number < 1:
        raise HarnessError(f"--time {wanted.seconds:g}: less than a second for each of {number} rounds")
    schedule = _schedule(options, wanted, wanted.seconds / number, number)
    out, start, skipped = options.out, time.monotonic(), dict[str, str]()
    with contextlib.ExitStack() as stack:
        workshop = stack.enter_context(open_workshop())
        notify = stack.enter_context(options.progress(document=wanted.markdown))
        runtime = stack.enter_context(_runtime(options, known, every))
        if master:
            out.print(f"waiting for {master.workers} x: harness load --worker {master.host}:{master.port}")
        html = workshop.folder("html")
        rooms: Callable[[], Path] = lambda: workshop.folder("locust")  # noqa: E731
        slices = list(rounds.run(schedule, every, runtime, rooms, html, skipped, notify, master))
        if not slices:
            raise HarnessError(f"nothing could be put under load: {'; '.join(skipped.values())}")
        folder = _folder(options.results)
        shutil.copytree(html, folder / "locust")
    return _report(options, wanted, slices, skipped, limits, folder, time.monotonic() - start)


def _report(
    options: Options,
    wanted: Wanted,
    slices: Sequence[rounds.Slice],
    skipped: dict[str, str],
    limits: Sequence[thresholds.Threshold],
    folder: Path,
    seconds: float,
) -> int:
    """Write the files, print the table and what is not met; 0 when every threshold holds."""
    from harness.load import figures  # with pandas, which takes a while to import
    from harness.report import load as report

    out, table = options.out, figures.figures(slices)
    names = report.write(folder, table, figures.requests(slices))
    report.show(out, table, markdown=wanted.markdown)
    for line in report.failures(figures.requests(slices)):
        out.print(line, markup=False)
    for name, reason in skipped.items():
        out.print(f"skipped: {name}: {reason}", markup=False)
    run = rounds.cases_of(slices)
    if len(run) > 1:
        bases = dict.fromkeys(base(case, run).place for case in run)
        out.print(f"x: as a multiple of {', '.join(bases)}", markup=False)
    out.print(f"{seconds:.0f} s; {folder}/: {', '.join(names)}", markup=False)
    verdicts = thresholds.judge(limits, figures.lines(table))
    for line in report.not_met(verdicts):
        out.print(line, style="red", markup=False)
    if options.as_json:
        print(report.as_json(table, verdicts, folder))
    return 0 if all(one.holds for one in verdicts) else 1


def _cases(wanted: Wanted, known: project.Project) -> list[Case]:
    for url in wanted.urls:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise HarnessError(f"--url {url}: not a URL such as https://staging.example.org")
    topologies = [known.plan.topology(name) for name in dict.fromkeys(wanted.names)]
    urls = [url.rstrip("/") for url in dict.fromkeys(wanted.urls)]
    if not topologies and not urls:
        names = ", ".join(known.plan.topologies)
        raise HarnessError(f"nothing to put under load: give a --url, or topologies; there are: {names}")
    if wanted.kill and not topologies:
        raise HarnessError("--kill: what runs at a --url is not ours to kill; name a topology")
    return cases(topologies, urls, wanted.instances, wanted.megabytes)


def _limits(wanted: Wanted, every: Sequence[Case]) -> list[thresholds.Threshold]:
    places = list(dict.fromkeys(case.place for case in every))
    limits = [thresholds.parse(text, places) for text in wanted.texts]
    limits += thresholds.load(wanted.file, places) if wanted.file else []
    for one in limits:
        if one.column == "lost" and not wanted.kill:
            raise HarnessError(f"{one.text!r}: no session can be lost without --kill")
    return limits


def _schedule(options: Options, wanted: Wanted, seconds: float, number: int = 1) -> rounds.Schedule:
    load = driver.Load(options.package, wanted.users, seconds, wanted.processes)
    terms = Terms(0, wanted.think, wanted.dropping, tuple(wanted.cookies))
    return rounds.Schedule(load, terms, number, wanted.kill)


def _runtime(
    options: Options, known: project.Project, every: Sequence[Case]
) -> AbstractContextManager[Runtime | None]:
    if all(case.topology is None for case in every):
        return contextlib.nullcontext()
    return runtime_of(options, known)


def _address(option: str, text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise HarnessError(f"{option} {text}: not of the form HOST:PORT, e.g. 127.0.0.1:5557")
    return host, int(port)


def _folder(results: Path) -> Path:
    try:
        return files.new_folder(results)
    except OSError as error:
        raise HarnessError(f"--results {results}: {error}") from error
