"""What a run has on the engine: labelled, on 127.0.0.1 alone, and gone at its end, however that comes."""

import os
import signal
import subprocess
import sys
import time

import pytest

from harness.runtimes.docker import engine

SECONDS = 300.0


class Up:
    """``harness up baseline --runtime docker``, and what is labelled as its own."""

    def __init__(self, client, log, **environment):
        self._client, self.log = client, log
        command = [sys.executable, "-m", "harness", "up", "baseline", "--runtime", "docker"]
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                command, stdout=out, stderr=out, env={**os.environ, **environment}, start_new_session=True
            )

    def wait_until(self, holds):
        deadline = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def wait_up(self):
        self.wait_until(lambda: "Ctrl-C stops it." in self.log.read_text() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log.read_text()

    def containers(self, running=False):
        found = self._client.containers.list(
            all=not running, filters={"label": engine.RUN}, ignore_removed=True
        )
        return [one for one in found if self._mine(one.labels)]

    def left(self):
        filters = {"label": engine.RUN}
        networks, volumes = (
            self._client.networks.list(filters=filters),
            self._client.volumes.list(filters=filters),
        )
        other = [one for one in (*networks, *volumes) if self._mine(one.attrs.get("Labels") or {})]
        return [*self.containers(), *other]

    def _mine(self, labels):
        return labels.get(engine.OWNER, "").split()[1:2] == [str(self.process.pid)]


@pytest.fixture
def up(client, tmp_path):
    one = Up(client, tmp_path / "up.log")
    yield one
    if one.process.poll() is None:
        one.process.kill()
        one.process.wait()
    engine.remove_forsaken(client)


def test_ctrl_c_leaves_nothing(up):
    up.wait_up()
    found = up.containers()
    assert len(found) == 4, "nginx, two instances, the LLM"
    bound = [port for one in found for ports in one.ports.values() for port in ports or ()]
    assert len(bound) == 2, "nginx and the LLM's control"
    assert {port["HostIp"] for port in bound} == {"127.0.0.1"}
    for one in found:
        settings = one.attrs["HostConfig"]
        assert settings["ReadonlyRootfs"]
        assert settings["CapDrop"] == ["ALL"]
        assert not settings["CapAdd"]
        assert not settings["Privileged"]
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(SECONDS) == 130
    assert up.left() == []


def test_interrupted_while_it_comes_up(up):
    up.wait_until(up.containers)
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(SECONDS) == 130
    assert up.left() == []


def test_a_killed_one_runs_no_more_and_the_next_removes_it(up, client):
    up.wait_up()
    assert up.left()
    (mark,) = {one.labels[engine.RUN] for one in up.containers()}
    assert mark not in engine.remove_forsaken(client), "it lives"
    assert up.left()
    up.process.kill()
    up.process.wait()
    up.wait_until(lambda: not up.containers(running=True))
    engine.remove_forsaken(client)  # or another run's, which began meanwhile
    assert up.left() == []
