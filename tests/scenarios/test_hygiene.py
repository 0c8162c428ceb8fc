"""Killed at any moment, the commands leave no process, port, mount, folder or file behind."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import pytest

from harness.janitor import mounts_beneath

SECONDS = 20


def harness(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-m", "harness", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        **options,
    )


def eventually(what, holds):
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, f"after {SECONDS} s still not so: {what}"
        time.sleep(0.02)


def family(process):
    """Every process that the harness started so far; the janitor is one of them."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(process.pid).children(recursive=True)
    return []


def dead(process):
    with contextlib.suppress(psutil.NoSuchProcess):
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    return True


def up(topology):
    """``harness up``, once it has printed all; its URL and its folder."""
    process = harness("up", topology)
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Ctrl-C"):
            break
    fields = {line.split()[0]: line.split()[-1] for line in lines if line.startswith("  ")}
    assert "balancer" in fields, "".join(lines)
    return process, fields["balancer"], Path(fields["files"])


def assert_all_gone(processes, folder, port):
    eventually("every process has ended", lambda: all(map(dead, processes)))
    eventually("its folder is gone", lambda: not folder.exists())
    assert mounts_beneath(folder) == []
    with socket.socket() as probe:
        probe.settimeout(1)
        assert probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("topology", ["s3-redis", "efs"])
def test_a_topology_that_is_up_is_gone_after(topology, number):
    process, url, folder = up(topology)
    assert folder.exists()
    started = family(process)
    assert {"nginx", "weed"} <= {child.name() for child in started}
    process.send_signal(number)
    process.stdout.read()
    code = process.wait(SECONDS)
    assert code == {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[number]
    assert_all_gone(started, folder.parent, int(url.rpartition(":")[2]))


@pytest.mark.parametrize("attempt", range(6))
def test_killed_at_a_random_moment(attempt, tmp_path):
    """In set-up, in a cell, in clean-up; TMPDIR is its own, so that whatever is left is found."""
    moment, number = random.uniform(0, 3.5), random.choice([signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
    with tempfile.TemporaryDirectory(dir="/tmp") as scratch:  # Unix sockets need a short path
        command = ["matrix", "-t", "efs", "-t", "s3-redis", "--results", str(tmp_path)]
        process = harness(*command, env={**os.environ, "TMPDIR": scratch})
        started = set()
        deadline = time.monotonic() + moment
        while time.monotonic() < deadline and process.poll() is None:
            started.update(family(process))
            time.sleep(0.01)
        started.update(family(process))
        process.send_signal(number)
        process.stdout.read()
        process.wait(SECONDS)
        what = f"after {number.name} at {moment:.2f} s"
        eventually(f"{what} every process has ended", lambda: all(map(dead, started)))
        eventually(f"{what} no mount is left", lambda: mounts_beneath(Path(scratch)) == [])
        eventually(f"{what} no file is left", lambda: list(Path(scratch).iterdir()) == [])


def test_two_runs_at_once_do_not_meet(tmp_path):
    command = ["matrix", "-t", "s3-redis", "-t", "baseline", "-s", "upload-a-chat-b", "--json"]
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "harness", *command, "--results", str(tmp_path / name)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for name in ("one", "two")
    ]
    verdicts = []
    for run in runs:
        out, _ = run.communicate(timeout=120)
        assert run.returncode == 0
        verdicts.append([(cell["topology"], cell["verdict"]) for cell in json.loads(out)["cells"]])
    assert verdicts[0] == verdicts[1] == [("s3-redis", "works"), ("baseline", "broken")]
