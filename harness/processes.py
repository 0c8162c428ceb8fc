"""Child processes: start, prove ready, stop, with nothing left behind.

    cold:   harness --exec--> python -m MODULE ARGS
    warm:   harness --ask---> forkserver (pandas, openai, the app already imported)
                                  `--fork--> the same MODULE with the same ARGS

Every child leads a session of its own, so that Ctrl-C reaches the harness alone and so that a child's
whole family can be killed at once. All data under a topology is disposable: children are killed, not
asked.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.forkserver
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

import psutil

from harness.errors import HarnessError

READY_SECONDS = 60.0
"""How long a part may take to become ready: generous, because machines are shared."""


END_SECONDS = 10.0
"""How long a killed process may take to end: one that the kernel keeps in a system call takes a while."""


class Started(Protocol):
    """Something that was started, here or elsewhere."""

    @property
    def name(self) -> str: ...
    @property
    def exit_code(self) -> int | None: ...
    def tail(self) -> str: ...


@dataclass(frozen=True)
class Child:
    """A running child and where its output goes."""

    name: str
    process: subprocess.Popen[bytes] | BaseProcess
    log: Path

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative for a signal, as in ``subprocess``."""
        if isinstance(self.process, BaseProcess):
            return self.process.exitcode
        return self.process.poll()

    def kill(self) -> None:
        """Kill the child with its whole family, and reap it. Twice is harmless."""
        assert self.process.pid is not None
        family = _family(self.process.pid)  # before: orphans have no parent to be found by
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        self.process.kill()
        # A worker that has not quite ended holds the listening socket open: who connects would be cut off.
        # The child too is watched here, for Popen.wait with a timeout looks only every 50 ms.
        deadline = time.monotonic() + END_SECONDS
        while not all(map(_ended, family)) and time.monotonic() < deadline:
            time.sleep(0.001)
        if isinstance(self.process, BaseProcess):
            self.process.join(timeout=END_SECONDS)
        else:
            self.process.wait(timeout=END_SECONDS)

    def tail(self) -> str:
        return tail(self.log)


def tail(log: Path, lines: int = 12) -> str:
    """The last lines of a log, without the frames of tracebacks, for an error message."""
    try:
        found = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    frames = (" ", "\t", "Traceback", "During handling of")
    return "\n".join([line for line in found if line and not line.startswith(frames)][-lines:])


def _ended(process: psutil.Process) -> bool:
    """A zombie has ended, too: who reaps it is not our affair."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    return True


def _family(pid: int) -> list[psutil.Process]:
    """The process and its descendants, those too that lead a session of their own, as an ssh of the app."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def memory(pid: int) -> int:
    """Bytes of a process and its descendants: proportional set size (proc_pid_smaps(5), Pss)."""
    return sum(int(process.memory_full_info().pss) for process in _family(pid))


@contextlib.contextmanager
def running(child: Child) -> Iterator[Child]:
    """The child, killed at the end."""
    try:
        yield child
    finally:
        child.kill()


def wait_ready(child: Started, probe: Callable[[], bool], seconds: float = READY_SECONDS) -> None:
    """Ask ``probe`` until it says yes; a probe that raises OSError has said no.

    Raises:
        HarnessError: the child ended first, or the time is over; with the end of its log.
    """
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            if probe():
                return
        if (code := child.exit_code) is not None:
            raise HarnessError(
                f"{child.name} ended with exit code {code} before it was ready; its log:\n{child.tail()}"
            )
        if time.monotonic() > deadline:
            raise HarnessError(f"{child.name} was not ready within {seconds:.0f} s; its log:\n{child.tail()}")
        time.sleep(0.005)


def program(
    name: str, argv: Sequence[str | Path], *, cwd: Path, log: Path, env: Mapping[str, str] | None = None
) -> Child:
    """Start an executable with its output in ``log``, with this environment (default: the harness's)."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [str(part) for part in argv],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Child(name, process, log)


class PythonLauncher:
    """Runs ``python -m MODULE ARGS``, cold or forked from a warm parent that has imported ``preload``.

    Args:
        folder: where the warm parent keeps its socket.
    """

    def __init__(self, folder: Path, *, warm: bool, preload: Sequence[str] = ()) -> None:
        self._folder = folder
        self._context = multiprocessing.get_context("forkserver") if warm else None
        if self._context is not None:
            # "__main__" too, lest each child imports the harness's own command again.
            self._context.set_forkserver_preload(["__main__", "runpy", *preload])
            self._warm_up()

    def start(
        self, name: str, module: str, args: Sequence[str], *, cwd: Path, log: Path, env: Mapping[str, str]
    ) -> Child:
        """Start the module with exactly this environment (PATH, HOME and the like come from ours)."""
        full = {**_inherited_environment(), **env}
        if self._context is None:
            return program(name, [sys.executable, "-m", module, *args], cwd=cwd, log=log, env=full)
        self._warm_up()
        process = self._context.Process(
            target=run_module, args=(module, list(args), full, str(cwd), str(log)), name=name, daemon=True
        )
        process.start()
        return Child(name, process, log)

    def _warm_up(self) -> None:
        """Start the warm parent, unless it runs.

        It would make a folder of its own in /tmp, which a harness that is killed leaves behind; there
        is no public way to name another.
        """
        multiprocessing.current_process()._config["tempdir"] = str(self._folder)  # type: ignore[attr-defined]
        multiprocessing.forkserver.ensure_running()


def _inherited_environment() -> dict[str, str]:
    return {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("OPENAI_", "AWS_", "LLM_", "GUNICORN_"))  # the topology decides these
    }


def run_module(module: str, args: list[str], env: dict[str, str], cwd: str, log: str) -> None:
    """In the forked child: become what ``python -m module args`` would be."""
    os.setsid()
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(out)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = [module, *args]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
