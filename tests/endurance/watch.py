"""What one run started and made, seen from outside; and what of it is still there.

Nothing here asks the harness, or shares code with its own clean-up to find things: a mistake there
must not hide itself here.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil

from harness.janitor import MARK, unmount_beneath

Answer = TypeVar("Answer")

CENSUS_SECONDS = 1.0
YOUNG_SECONDS = 1.0
"""How long the command line of a new process is read again: it may not have its own yet."""
SHOWN = 20
"""How many files are named, at most: a folder that is left behind has many."""


class Watch:
    """Everything of the run whose TMPDIR is ``scratch``.

    A process is the run's when a process of the run started it or leads its session, when it came in
    through the run's sshd, when its environment, command line or working directory names the scratch
    folder (nginx and Redis write over their environment), or when it carries the run's mark. Files and
    mounts are the run's when they are in the scratch folder; sockets elsewhere when a process of the
    run listened there.
    """

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.processes: set[psutil.Process] = set()
        self._there: set[int] = set()
        self._young: dict[psutil.Process, float] = {}
        self._looked_at: set[int] = set()
        self._marks: set[str] = set()
        self._ports: set[int] = set()
        self._sockets: set[Path] = set()
        self._next_census = 0.0

    def add(self, process: psutil.Process) -> None:
        """It is the run's."""
        self.processes.add(process)
        self._there.add(process.pid)
        self._young[process] = time.monotonic() + YOUNG_SECONDS

    def look(self) -> None:
        """Take note of what is there now; cheap enough for many times a second."""
        now, pids = time.monotonic(), set(psutil.pids())
        self._there &= pids
        for pid in sorted(pids - self._looked_at - self._there):
            with contextlib.suppress(psutil.Error):
                self._note(psutil.Process(pid))
        self._looked_at = pids
        for process in list(self._young):
            self._sockets.update(_sockets_of_weed(_asked(process.cmdline, [])))
            if now > self._young[process]:
                del self._young[process]
        if now > self._next_census:
            self.take_census()

    def take_census(self) -> None:
        """Note where the run listens; dear on a machine with many connections."""
        self._next_census = time.monotonic() + CENSUS_SECONDS
        for connection in psutil.net_connections("all"):
            if connection.pid not in self._there:
                continue
            if connection.status == psutil.CONN_LISTEN:
                self._ports.add(connection.laddr.port)
            elif isinstance(connection.laddr, str) and connection.laddr.startswith("/"):
                path = Path(connection.laddr)
                if not path.is_relative_to(self.scratch):
                    self._sockets.add(path)

    def running(self) -> list[psutil.Process]:
        """Its processes that have not ended."""
        return sorted((one for one in self.processes if not ended(one)), key=lambda one: one.pid)

    def left(self) -> list[str]:
        """What is still there, a line each; looks at every process afresh."""
        self._looked_at = set()
        self.look()
        return [
            *[_described(process) for process in self.running()],
            *[f"port {port} is listened on" for port in self._ports & self._listening()],
            *[f"mount {point}" for point in mounts_beneath(self.scratch)],
            *[f"file {path}" for path in _files(self.scratch)],
            *[f"socket {path}" for path in sorted(self._sockets) if path.exists()],
        ]

    def clear(self) -> None:
        """End and remove what is left, for the sake of the next run."""
        for process in self.processes:
            with contextlib.suppress(psutil.Error):
                process.kill()
        unmount_beneath(self.scratch)
        for path in self._sockets:
            path.unlink(missing_ok=True)

    def _note(self, process: psutil.Process) -> None:
        environment = _asked(process.environ, {})
        mark = environment.get(MARK)
        named = " ".join([*environment.values(), *_asked(process.cmdline, []), _asked(process.cwd, "")])
        session = _asked(lambda: os.getsid(process.pid), process.pid)
        if (
            str(self.scratch) in named
            or mark in self._marks
            or environment.get("SSH_CONNECTION", "").rpartition(" ")[2] in map(str, self._ports)
            or _asked(process.ppid, 0) in self._there
            or (session != process.pid and session in [one.pid for one in self.processes])
        ):
            self.add(process)
            # A run that is started from a test inherits the mark of the test's own workshop.
            if mark and mark != os.environ.get(MARK):
                self._marks.add(mark)

    def _listening(self) -> set[int]:
        """The ports on which the run, or nobody to be seen, listens: another's use of a port is fine."""
        ours = {None, *[process.pid for process in self.running()]}
        found = psutil.net_connections("inet")
        return {one.laddr.port for one in found if one.status == psutil.CONN_LISTEN and one.pid in ours}


def ended(process: psutil.Process) -> bool:
    """A zombie has ended, too: who reaps it is not the run's affair."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def mounts_beneath(folder: Path) -> list[str]:
    points = [partition.mountpoint for partition in psutil.disk_partitions(all=True)]
    return sorted(point for point in points if point.startswith(f"{folder}/"))


def _sockets_of_weed(command: list[str]) -> list[Path]:
    """SeaweedFS makes a socket in /tmp for each of its gRPC ports, whatever TMPDIR says."""
    found = [re.fullmatch(r"-(\w+)\.port\.grpc=(\d+)", word) for word in command]
    return [Path(f"/tmp/seaweedfs-{match[1]}-grpc-{match[2]}.sock") for match in found if match]


def _files(folder: Path) -> list[Path]:
    """Unreadable folders, such as a mount whose server is gone, count and are not entered."""
    found: list[Path] = []
    for parent, folders, files in os.walk(folder):
        found += [Path(parent, name) for name in (*folders, *files)]
        if len(found) >= SHOWN:
            break
    return found[:SHOWN]


def _described(process: psutil.Process) -> str:
    command = " ".join(_asked(process.cmdline, [])) or _asked(process.name, "?")
    return f"process {process.pid} ({_asked(process.status, 'ended')}): {command[:300]}"


def _asked(question: Callable[[], Answer], otherwise: Answer) -> Answer:
    """What a process says of itself; another user's does not, one that ended cannot."""
    try:
        return question()
    except (psutil.Error, OSError):
        return otherwise
