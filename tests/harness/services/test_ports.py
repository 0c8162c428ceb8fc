"""A reserved port is the caller's: a server gets it at once, the kernel gives it to nobody else."""

import contextlib
import errno
import socket

import pytest

from harness.ports import answers, reserved, unreachable


@pytest.fixture
def port():
    with reserved() as number:
        yield number


def listening(port):
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", port))
    server.listen()
    return server


def test_a_server_can_have_it_at_once_and_again(port):
    for _ in range(2):
        with listening(port):
            assert answers(port)
        with pytest.raises(ConnectionRefusedError):
            answers(port)


def test_nobody_answers_before(port):
    with pytest.raises(ConnectionRefusedError):
        answers(port)


def test_only_who_asks_for_an_address_in_use_gets_it(port):
    with socket.socket() as other, pytest.raises(OSError, match="in use") as refused:
        other.bind(("127.0.0.1", port))
    assert refused.value.errno == errno.EADDRINUSE


def test_the_kernel_hands_it_to_nobody_else():
    """With as many tries, ports that were merely closed again would meet a few times."""
    with contextlib.ExitStack() as stack:
        kept = [stack.enter_context(reserved()) for _ in range(300)]
        assert len(set(kept)) == 300
        for _ in range(300):
            other = stack.enter_context(socket.socket())
            other.bind(("127.0.0.1", 0))
            assert other.getsockname()[1] not in kept


def test_nor_to_the_near_end_of_a_connection(port):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1000)
        with contextlib.ExitStack() as stack:
            for _ in range(300):
                near = stack.enter_context(socket.create_connection(server.getsockname()))
                assert near.getsockname()[1] != port


def test_an_unreachable_host_lets_every_connection_hang():
    with unreachable() as port:
        for _ in range(3):
            with (
                pytest.raises(TimeoutError),
                contextlib.closing(socket.create_connection(("127.0.0.1", port), timeout=0.2)),
            ):
                pass
