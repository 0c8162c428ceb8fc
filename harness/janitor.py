"""Cleans up after a harness process, however it ended: ``python -m harness.janitor MARK ROOT``.

Reads from standard input the paths of files to remove, one a line; the end of the input means that
the harness is gone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

MARK = "HARNESS_RUN"
"""Environment variable that every process of a run is started with."""


def main(mark: str, root: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    strays = [Path(line.rstrip("\n")) for line in sys.stdin]
    sessions: set[int] = set()
    # Mounts first: a process that waits for a dead file system cannot be killed.
    for _ in range(100):
        unmount_beneath(root)
        if not kill_all(mark, root, sessions):
            break
        time.sleep(0.02)
    unmount_beneath(root)
    for stray in strays:
        stray.unlink(missing_ok=True)
    shutil.rmtree(root, ignore_errors=True)


def kill_all(mark: str, root: Path, sessions: set[int]) -> int:
    """Kill the processes of a run; how many there were (zombies do not count).

    Args:
        sessions: those found to be the run's so far, added to: what a leader forked while it was being
            killed is known by nothing else.

    They carry the mark. nginx, Redis and sshd write their title over their environment; they are known
    by a command line that names the folder, and a working directory or a log in it. Whoever only looks
    at the folder from a shell leads a session that is not ours, and is left alone.
    """
    sessions |= {leader.pid for leader in psutil.process_iter() if _leads_ours(leader, mark, root)}
    killed = 0
    for process in psutil.process_iter():
        # A process that ended meanwhile, or is another user's, is not ours to kill.
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if os.getsid(process.pid) in sessions or process.environ().get(MARK) == mark:
                process.kill()
                killed += 1
    return killed


def _leads_ours(process: psutil.Process, mark: str, root: Path) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        if os.getsid(process.pid) != process.pid or process.pid == os.getpid():
            return False
        if process.environ().get(MARK) == mark:
            return True
        if str(root) not in " ".join(process.cmdline()):
            return False
        log = Path(f"/proc/{process.pid}/fd/2").readlink()  # sshd works in /
        return Path(process.cwd()).is_relative_to(root) or log.is_relative_to(root)
    return False


def mounts_beneath(root: Path) -> list[str]:
    """Mount points at or beneath a folder, deepest first (proc_mounts(5)); none without a /proc."""
    try:
        lines = Path("/proc/self/mounts").read_text().splitlines()
    except OSError:
        return []
    points = [line.split()[1] for line in lines]
    return sorted((point for point in points if Path(point).is_relative_to(root)), key=len, reverse=True)


def unmount_beneath(root: Path) -> None:
    """Detach every mount at or beneath a folder, busy or not; with fusermount where there is no root."""
    for point in mounts_beneath(root):
        if os.geteuid() == 0:
            command = ["umount", "-l", point]
        else:
            command = [shutil.which("fusermount3") or "fusermount", "-u", "-z", point]
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(command, timeout=10, capture_output=True, check=False)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
