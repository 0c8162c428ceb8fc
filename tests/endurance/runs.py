"""A run of the harness in a scratch folder of its own: start, wait, read, remove."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.endurance.watch import Watch

HARNESS = (sys.executable, "-m", "harness")
POLL_SECONDS = 0.03
RUN_SECONDS = 900.0
"""When a run counts as hanging; four at once on a busy machine take minutes."""
END_SECONDS = 90.0
"""How long a run may take from a signal to its end: it finishes the cells it is in."""
GONE_SECONDS = 20.0
"""How long after its end something of it may still be there: the janitor works then."""


@dataclass(frozen=True)
class Run:
    """A harness process and all that is known of it."""

    process: subprocess.Popen[bytes]
    watch: Watch
    folder: Path
    start: float

    @property
    def ended(self) -> bool:
        return self.process.poll() is not None

    @property
    def age(self) -> float:
        return time.monotonic() - self.start

    @property
    def stdout(self) -> str:
        return (self.folder / "stdout").read_text(errors="replace")

    @property
    def stderr(self) -> str:
        """Where a command with --json shows its progress."""
        return (self.folder / "stderr").read_text(errors="replace")

    def complaint(self) -> str:
        """Its exit code, and the end of what it said."""
        return f"exit code {self.process.poll()}: {self.stderr[-2000:].strip()}"

    def wait(self, seconds: float = RUN_SECONDS, until: Callable[[], object] = lambda: False) -> None:
        """Watch it until it has ended, something holds, or the time is over."""
        deadline = time.monotonic() + seconds
        while not self.ended and not until() and (left := deadline - time.monotonic()) > 0:
            self.watch.look()
            time.sleep(min(POLL_SECONDS, left))

    def left_behind(self) -> list[str]:
        """What is still there of a run that has ended, after a fair time for the janitor."""
        deadline = time.monotonic() + GONE_SECONDS
        while (left := self.watch.left()) and time.monotonic() < deadline:
            time.sleep(2 * POLL_SECONDS)
        return left


@contextlib.contextmanager
def started(*arguments: str) -> Iterator[Run]:
    """``harness ARGUMENTS``, its TMPDIR a folder of its own; whatever happens, all is removed at the end.

    It leads a session, and so a process group, as a command that is typed into a terminal does.
    """
    folder = Path(tempfile.mkdtemp(prefix="endurance-", dir="/tmp")).resolve()  # short, for Unix sockets
    scratch = folder / "tmp"
    scratch.mkdir()
    if arguments[0] in ("reproduce", "matrix"):
        arguments = (*arguments, "--results", str(folder / "results"))
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as err:
        process = subprocess.Popen(
            [*HARNESS, *arguments],
            env={**os.environ, "TMPDIR": str(scratch)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
    run = Run(process, Watch(scratch), folder, time.monotonic())
    run.watch.add(psutil.Process(process.pid))
    try:
        yield run
    finally:
        if not run.ended:
            process.send_signal(signal.SIGTERM)
            run.wait(END_SECONDS)
            process.kill()
            process.wait()
            run.left_behind()
        run.watch.clear()
        shutil.rmtree(folder, ignore_errors=True)


def matrix(topologies: Sequence[str], scenarios: Sequence[str]) -> list[str]:
    """The arguments for these topologies and scenarios; for none, the report's: ``reproduce``."""
    if not topologies and not scenarios:
        return ["reproduce", "--json"]
    chosen = [part for name in topologies for part in ("-t", name)]
    return ["matrix", *chosen, *[part for name in scenarios for part in ("-s", name)], "--json"]


Verdicts = dict[tuple[str, str], str]
"""Topology and scenario, to the verdict and the id of its cause, as expectations.toml writes them."""


def cells(run: Run) -> list[dict[str, Any]]:
    """From the JSON that a finished run printed; empty when there is none."""
    try:
        found: list[dict[str, Any]] = json.loads(run.stdout)["cells"]
    except (ValueError, KeyError):
        return []
    return found


def verdicts(run: Run) -> Verdicts:
    found = {}
    for cell in cells(run):
        cause = re.match(r"[A-Z]\d\d\b", cell["cause"])
        found[cell["topology"], cell["scenario"]] = cell["verdict"] + (f": {cause[0]}" if cause else "")
    return found
