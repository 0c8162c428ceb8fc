"""A port that nobody else gets."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator


@contextlib.contextmanager
def reserved() -> Iterator[int]:
    """A free TCP port on 127.0.0.1, kept for whoever is told its number.

    A socket stays bound to it, without listening. A server that binds with SO_REUSEADDR (as nginx, sshd,
    Go and Python servers do) gets the port all the same; the kernel's own choice of a free port, for a
    server or for the near end of a connection, passes it over (socket(7), bind(2)).
    """
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        address: tuple[str, int] = keeper.getsockname()
        yield address[1]


def answers(port: int) -> bool:
    """Whether something accepts connections on that port of 127.0.0.1."""
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


@contextlib.contextmanager
def unreachable(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """A port on which every attempt to connect hangs: a host whose network drops what is sent to it.

    The queue of connections that nobody accepts is full, so the kernel drops every further SYN
    (listen(2), ``backlog``; tcp(7), ``tcp_abort_on_overflow``).
    """
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((host, port))
        listener.listen(0)
        address: tuple[str, int] = listener.getsockname()
        for _ in range(2):  # one more than the queue holds, lest its length be counted otherwise
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        yield address[1]
