"""Processes that burn CPU and disk; they end with whoever started them."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator

ALIVE = "import os, sys\nwhile os.getppid() == int(sys.argv[1]):\n"
BURN = f"{ALIVE}    sum(range(100_000))"
WRITE = f"""{ALIVE}    with open(sys.argv[2], "wb") as file:
        file.write(os.urandom(1 << 25))
        os.fsync(file.fileno())"""


@contextlib.contextmanager
def burning(burners: int, writers: int) -> Iterator[None]:
    """``burners`` busy loops, and ``writers`` that write 32 MiB over and over."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="endurance-"))
        programs = [[BURN]] * burners + [[WRITE, f"{folder}/{number}"] for number in range(writers)]
        for program in programs:
            command = [sys.executable, "-c", program[0], str(os.getpid()), *program[1:]]
            process = stack.enter_context(subprocess.Popen(command))
            stack.callback(process.kill)
        yield
