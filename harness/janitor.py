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
"""Environment variable that every process of a run carries."""


def main(mark: str, root: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    strays = [Path(line.rstrip("\n")) for line in sys.stdin]
    # Mounts first: a process that waits for a dead file system cannot be killed.
    for _ in range(100):
        unmount_beneath(root)
        if not kill_marked(mark):
            break
        time.sleep(0.02)
    unmount_beneath(root)
    for stray in strays:
        stray.unlink(missing_ok=True)
    shutil.rmtree(root, ignore_errors=True)


def kill_marked(mark: str) -> int:
    """Kill every process that carries the mark; how many there were (zombies do not count)."""
    killed = 0
    for process in psutil.process_iter():
        # A process that ended meanwhile, or is another user's, is not ours to kill.
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                process.kill()
                killed += 1
    return killed


def mounts_beneath(root: Path) -> list[str]:
    """Mount points beneath a folder, deepest first (proc_mounts(5)); none where there is no /proc."""
    try:
        lines = Path("/proc/self/mounts").read_text().splitlines()
    except OSError:
        return []
    points = [line.split()[1] for line in lines]
    return sorted((point for point in points if point.startswith(f"{root}/")), key=len, reverse=True)


def unmount_beneath(root: Path) -> None:
    """Detach every mount beneath a folder, busy or not; with fusermount where there is no root."""
    for point in mounts_beneath(root):
        if os.geteuid() == 0:
            command = ["umount", "-l", point]
        else:
            command = [shutil.which("fusermount3") or "fusermount", "-u", "-z", point]
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(command, timeout=10, capture_output=True, check=False)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
