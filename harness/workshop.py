"""The one folder, and the one mark, of a harness process; and who cleans up when it is killed.

Whatever is started carries ``HARNESS_RUN=<id>`` in its environment and writes beneath one folder. A
janitor process in a session of its own waits for the end of a pipe that only the harness holds open:
at a clean end, after Ctrl-C, an exception or SIGKILL alike it kills whatever is still running of it,
unmounts whatever is mounted beneath the folder, and removes the folder.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness import janitor


class Workshop:
    """A folder for disposable things, ``root``, and a list of strays elsewhere to remove."""

    def __init__(self, root: Path, janitor_process: subprocess.Popen[bytes]) -> None:
        self.root = root
        self._janitor = janitor_process

    def remove_later(self, path: Path) -> None:
        """Have the janitor remove a file that a component insists on making outside the folder."""
        assert self._janitor.stdin is not None
        self._janitor.stdin.write(f"{path}\n".encode())
        self._janitor.stdin.flush()

    def folder(self, name: str) -> Path:
        """A new folder beneath ``root``; its path is short, for Unix sockets end at 107 bytes."""
        return Path(tempfile.mkdtemp(prefix=f"{name[:12]}-", dir=self.root))


@contextlib.contextmanager
def open_workshop() -> Iterator[Workshop]:
    """A workshop whose every process, mount and file is gone at the end."""
    mark = secrets.token_hex(8)
    environment = {key: value for key, value in os.environ.items() if key != janitor.MARK}
    root = Path(tempfile.mkdtemp(prefix="harness-")).resolve()
    process = subprocess.Popen(
        [sys.executable, "-m", "harness.janitor", mark, str(root)],
        env=environment,
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    previous = os.environ.get(janitor.MARK)
    os.environ[janitor.MARK] = mark
    try:
        yield Workshop(root, process)
    finally:
        if previous is None:
            os.environ.pop(janitor.MARK, None)
        else:
            os.environ[janitor.MARK] = previous
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
