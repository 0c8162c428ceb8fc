"""Runs Locust, as a process of its own, and brings back every request it made."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import ports, processes
from harness.errors import HarnessError
from harness.load.visit import Terms

if TYPE_CHECKING:
    import pandas as pd  # it takes longer to import than the rest together

LOCUSTFILE = Path(__file__).with_name("locustfile.py")
LATE_SECONDS = 30
"""How long requests that began in time may take to be answered."""
REPORT_SECONDS = 5
"""How long workers' last rows may be under way: they report every 3 s (Locust's WORKER_REPORT_INTERVAL)."""
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Load:
    """How much load.

    Attributes:
        package: the package of scenarios whose ``LOAD`` is the journey.
        users: who visit at the same time.
        seconds: for how long requests begin; 0 until somebody stops it.
        processes: Locust processes on this machine.
    """

    package: str = "scenarios"
    users: int = 10
    seconds: float = 10.0
    processes: int = 1


@dataclass(frozen=True)
class Master:
    """Where workers of other machines find the master, and how many it waits for."""

    host: str
    port: int
    workers: int


@dataclass(frozen=True)
class Outcome:
    """What a run of Locust brought: one row a request, and Locust's own totals to compare them with."""

    rows: pd.DataFrame
    requests: int
    failures: int


def run(
    load: Load,
    terms: Terms,
    url: str,
    folder: Path,
    *,
    html: Path | None = None,
    master: Master | None = None,
    half_way: Callable[[], None] | None = None,
) -> Outcome:
    """Put a URL under load, without Locust's page.

    Args:
        folder: for files that nobody keeps.
        html: where Locust's own report goes.
        half_way: called when half of the time is over.

    Raises:
        HarnessError: Locust failed, or the journey raised what no visit should.
    """
    outcome = folder / "outcome.json"
    with contextlib.ExitStack() as stack:
        where = stack.enter_context(_workers(load, master))
        late = REPORT_SECONDS if where else 0
        argv = [*_command(load, terms, url), "--headless", "-t", f"{round(load.seconds + late + 0.5)}s"]
        argv += ["-s", str(LATE_SECONDS), "--outcome", str(outcome), "--exit-code-on-error", "0", *where]
        argv += ["--html", str(html)] if html else []
        child = stack.enter_context(_locust(argv, folder))
        processes.wait_ready(child, outcome.with_suffix(".started").exists, _patience(master))
        if half_way is not None:
            time.sleep(load.seconds / 2)
            half_way()
        wait(child, load.seconds + late + LATE_SECONDS + processes.READY_SECONDS)
    return _read(outcome, child)


@contextlib.contextmanager
def page(load: Load, terms: Terms, url: str, folder: Path, port: int) -> Iterator[processes.Child]:
    """Locust's own web page for a URL, on a port of 127.0.0.1; gone at the end."""
    argv = [*_command(load, terms, url), "--web-host", "127.0.0.1", "--web-port", str(port)]
    with ports.reserved() as own, _locust([*argv, *_on_this_machine(load, own)], folder) as child:
        processes.wait_ready(child, lambda: ports.answers(port))
        yield child


def work(host: str, port: int, load: Load, folder: Path) -> None:
    """Be the worker of a master, or several of them, until it says that it is over.

    Raises:
        HarnessError: no master answers there, or Locust failed.
    """
    argv = ["--worker", "--master-host", host, "--master-port", str(port), "--package", load.package]
    argv += ["--processes", str(load.processes)] if load.processes > 1 else []
    with _locust(argv, folder) as child:
        wait(child)
    if child.exit_code != 0:
        raise HarnessError(f"the worker of {host}:{port} ended with {child.exit_code}:\n{child.tail()}")


def _command(load: Load, terms: Terms, url: str) -> list[str]:
    argv = ["--host", url, "-u", str(load.users), "-r", str(load.users), "--package", load.package]
    argv += ["--seconds", str(load.seconds), "--megabytes", str(terms.megabytes), "--think", str(terms.think)]
    return [
        *argv,
        *("--dropping", str(terms.dropping)),
        *("--balancer-cookies", ",".join(terms.balancer_cookies)),
    ]


@contextlib.contextmanager
def _workers(load: Load, master: Master | None) -> Iterator[list[str]]:
    """Options for workers, elsewhere or here; none where one process does all."""
    if master is not None:
        bind = ["--master-bind-host", master.host, "--master-bind-port", str(master.port)]
        yield ["--master", "--expect-workers", str(master.workers), *bind]
        return
    with ports.reserved() as port:
        yield _on_this_machine(load, port)


def _on_this_machine(load: Load, port: int) -> list[str]:
    if load.processes == 1:
        return []
    bind = ["--master-bind-host", "127.0.0.1", "--master-bind-port", str(port), "--master-port", str(port)]
    return ["--processes", str(load.processes), *bind]


@contextlib.contextmanager
def _locust(argv: list[str], folder: Path) -> Iterator[processes.Child]:
    env = {key: value for key, value in os.environ.items() if not key.startswith("LOCUST_")}
    command: list[str | Path] = [sys.executable, "-m", "locust", "-f", LOCUSTFILE, "--only-summary", *argv]
    child = processes.program("Locust", command, cwd=Path.cwd(), log=folder / "locust.log", env=env)
    with processes.running(child):
        yield child


def _patience(master: Master | None) -> float:
    """Seconds until the load must have begun; workers are started by hand."""
    return 3600.0 if master else processes.READY_SECONDS


def wait(child: processes.Child, seconds: float = float("inf")) -> None:
    """Wait until Locust has ended. Raises HarnessError after so many seconds."""
    end = time.monotonic() + seconds
    while child.exit_code is None:
        if time.monotonic() > end:
            raise HarnessError(f"Locust did not end within {seconds:.0f} s; its log:\n{child.tail()}")
        time.sleep(POLL_SECONDS)


def _read(outcome: Path, child: processes.Child) -> Outcome:
    import pandas as pd

    if child.exit_code != 0 or not outcome.exists():
        raise HarnessError(f"Locust ended with exit code {child.exit_code}; its log:\n{child.tail()}")
    found: dict[str, Any] = json.loads(outcome.read_text(encoding="utf-8"))
    if found["raised"]:
        raise HarnessError(f"the journey under load raised {found['raised'][0]}")
    rows = pd.DataFrame(found["rows"], columns=found["columns"])
    if rows.empty:
        raise HarnessError(f"no request was answered; Locust's log:\n{child.tail()}")
    return Outcome(rows, found["requests"], found["failures"])
