"""A reserved port is the caller's: a server gets it at once, the kernel gives it to nobody else."""

import contextlib
import errno
import socket

import pytest

from harness.ports import answers, reserve_port


def test_a_server_can_have_it_at_once():
    port = reserve_port()
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
        assert answers(port)


def test_nobody_answers_before():
    with pytest.raises(ConnectionRefusedError):
        answers(reserve_port())


def test_only_who_asks_for_an_address_in_use_gets_it():
    with socket.socket() as other, pytest.raises(OSError, match="in use") as refused:
        other.bind(("127.0.0.1", reserve_port()))
    assert refused.value.errno == errno.EADDRINUSE


def test_the_kernel_hands_it_to_nobody_else():
    """With as many tries, ports that were merely closed again would meet a few times."""
    reserved = [reserve_port() for _ in range(300)]
    assert len(set(reserved)) == 300
    with contextlib.ExitStack() as stack:
        for _ in range(300):
            other = stack.enter_context(socket.socket())
            other.bind(("127.0.0.1", 0))
            assert other.getsockname()[1] not in reserved
