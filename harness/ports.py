"""A port that nobody else is about to get."""

from __future__ import annotations

import socket


def reserve_port() -> int:
    """A free TCP port on 127.0.0.1 that the kernel hands to nobody else for a minute.

    A connection is made on it and closed from the listening side, so that it rests in TIME_WAIT:
    a server that binds with SO_REUSEADDR (as nginx, Go and Python servers do) gets it, the kernel's
    own choice of a free port passes it over (socket(7), RFC 9293 section 3.6.1).
    """
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        address: tuple[str, int] = listener.getsockname()
        with socket.create_connection(address):
            listener.accept()[0].close()
        return address[1]


def answers(port: int) -> bool:
    """Whether something accepts connections on that port of 127.0.0.1."""
    with socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
