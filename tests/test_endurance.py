"""The endurance checks can fail: each thing that can be left behind is planted, and reported."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

from harness.janitor import MARK
from tests.endurance import runs
from tests.endurance.__main__ import cli
from tests.endurance.watch import Watch

SLEEP = "import time; time.sleep(600)"
ELSEWHERE = {name: value for name, value in os.environ.items() if name != MARK}


@pytest.fixture
def watch():
    with tempfile.TemporaryDirectory(prefix="endurance-", dir="/tmp") as scratch:
        yield Watch(Path(scratch).resolve())


@pytest.fixture
def sleeper():
    """Starts processes that do nothing; they are killed at the end of the test."""
    with ExitStack() as stack:

        def start(*arguments, code=SLEEP, **options):
            command = [sys.executable, "-c", code, *arguments]
            process = stack.enter_context(subprocess.Popen(command, **{"env": ELSEWHERE, **options}))
            stack.callback(process.kill)
            return process

        yield start


def test_nothing_is_left_where_nothing_was(watch, sleeper):
    sleeper()
    assert watch.left() == []


@pytest.mark.parametrize("known_by", ["environment", "working directory", "command line"])
def test_a_process_that_names_the_scratch_folder_is_left(known_by, watch, sleeper):
    scratch = str(watch.scratch)
    process = {
        "environment": lambda: sleeper(env={**ELSEWHERE, "TMPDIR": scratch}),
        "working directory": lambda: sleeper(cwd=scratch),
        "command line": lambda: sleeper(f"--dir={scratch}"),
    }[known_by]()
    (line,) = watch.left()
    assert line.startswith(f"process {process.pid} ")
    assert SLEEP in line
    process.kill()
    process.wait()
    assert watch.left() == []


def test_a_process_with_the_mark_of_the_run_is_left(watch, sleeper):
    first = sleeper(cwd=watch.scratch, env={**ELSEWHERE, MARK: "the run's"})
    watch.look()
    first.kill()
    first.wait()
    marked, _ = sleeper(env={**ELSEWHERE, MARK: "the run's"}), sleeper(env={**ELSEWHERE, MARK: "another's"})
    assert [line.split()[1] for line in watch.left()] == [str(marked.pid)]


def test_a_daemon_whose_parent_was_the_runs_is_left(watch, sleeper):
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}], cwd='/', env={{}})"
    parent = sleeper(code=code, cwd=watch.scratch)
    while not (children := psutil.Process(parent.pid).children()):
        watch.look()
    watch.look()
    parent.kill()
    parent.wait()
    try:
        assert [line.split()[1] for line in watch.left()] == [str(children[0].pid)]
    finally:
        watch.clear()
    assert watch.left() == []


def test_a_port_that_is_listened_on_is_left(watch, sleeper, tmp_path):
    code = f"""if True:
        import pathlib, socket, sys
        listener = socket.create_server(("127.0.0.1", 0))
        pathlib.Path(sys.argv[1]).symlink_to(str(listener.getsockname()[1]))
        {SLEEP}"""
    process = sleeper(str(tmp_path / "port"), code=code, cwd=watch.scratch)
    while not (tmp_path / "port").is_symlink():
        assert process.poll() is None
    port = int(str((tmp_path / "port").readlink()))
    watch.look()
    assert f"port {port} is listened on" in watch.left()
    process.kill()
    process.wait()
    with socket.create_server(("127.0.0.1", port)):
        assert watch.left() == [], "somebody else's use of the port is not the run's"


def test_a_socket_of_seaweedfs_in_tmp_is_left(watch, sleeper):
    path = Path(f"/tmp/seaweedfs-planted-grpc-{os.getpid()}.sock")
    process = sleeper(f"-planted.port.grpc={os.getpid()}", cwd=watch.scratch)
    watch.look()
    process.kill()
    process.wait()
    assert watch.left() == []
    path.touch()
    assert watch.left() == [f"socket {path}"]
    watch.clear()
    assert not path.exists()


def test_another_socket_where_the_run_listened_is_left(watch, sleeper, tmp_path):
    code = f"import socket, sys; listener = socket.create_server(sys.argv[1], family=socket.AF_UNIX); {SLEEP}"
    process = sleeper(str(tmp_path / "door"), code=code, cwd=watch.scratch)
    while not (tmp_path / "door").exists():
        assert process.poll() is None
    while psutil.Process(process.pid).net_connections("unix") == []:
        assert process.poll() is None
    watch.look()
    process.kill()
    process.wait()
    assert watch.left() == [f"socket {tmp_path}/door"]


def test_files_are_left(watch):
    (watch.scratch / "harness-1").mkdir()
    (watch.scratch / "harness-1/log").touch()
    assert watch.left() == [f"file {watch.scratch}/harness-1", f"file {watch.scratch}/harness-1/log"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount")
def test_a_mount_is_left(watch):
    point = watch.scratch / "mount"
    point.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "none", point], capture_output=True, check=False).returncode:
        pytest.skip("mount is not permitted here")
    try:
        assert watch.left() == [f"mount {point}", f"file {point}"]
    finally:
        watch.clear()
    assert watch.left() == [f"file {point}"]


HARNESS = """
import json, os, pathlib, subprocess, sys, time

mode, folder, command = sys.argv[1:4]
number = 1
while True:
    try:
        os.close(os.open(f"{folder}/run-{number}", os.O_CREAT | os.O_EXCL))
        break
    except FileExistsError:
        number += 1
print("   10 of 18 cells", file=sys.stderr, flush=True)
if mode == "leaves":
    pathlib.Path(os.environ["TMPDIR"], "forgotten").touch()
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    subprocess.Popen(sleep, start_new_session=True, stdout=subprocess.DEVNULL)
if command != "run":
    time.sleep(0.3)
verdict = "broken" if mode == "wavers" and number == 2 else "works"
cell = {"topology": "s3", "scenario": "reupload", "verdict": verdict, "cause": ""}
cell |= {"expected": "broken: D01", "as_expected": mode != "surprises"}
print(json.dumps({"cells": [cell]}))
sys.exit(1 if mode == "surprises" or (mode == "fails" and number > 1) else 0)
"""
"""A harness that misbehaves as it is told."""


@pytest.fixture
def endurance(monkeypatch, tmp_path):
    """Runs a command on such a harness; its exit code and what it printed."""
    monkeypatch.setattr(runs, "GONE_SECONDS", 0.5)

    def run(mode, *arguments):
        monkeypatch.setattr(runs, "HARNESS", (sys.executable, "-c", HARNESS, mode, str(tmp_path)))
        result = CliRunner().invoke(cli, arguments)
        return result.exit_code, result.output

    return run


COMMANDS = [
    ("killed", "--times", "2", "--seed", "1"),
    ("repeated", "--times", "3"),
    ("together", "--number", "3"),
    ("stressed", "--times", "2", "--burners", "1"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_what_is_left_is_told_and_removed(command, endurance):
    code, said = endurance("leaves", *command)
    assert code == 1
    assert f"-c {SLEEP}" in said
    assert "/forgotten" in said
    left = [Path(line.split()[-1]) for line in said.splitlines() if line.endswith("/forgotten")]
    assert not [path for path in left if path.parents[1].exists()]


@pytest.mark.parametrize("command", COMMANDS[1:], ids=lambda command: command[0])
def test_another_verdict_is_told_and_the_results_kept(command, endurance, tmp_path):
    code, said = endurance("wavers", *command, "--keep", str(tmp_path / "kept"))
    assert code == 1
    assert "s3 / reupload: " in said
    assert "broken" in [
        json.loads(path.read_text())["cells"][0]["verdict"] for path in tmp_path.glob("kept/*/stdout")
    ]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_run_that_fails_is_told(command, endurance):
    code, said = endurance("fails", *command)
    assert code == 1
    assert "exit code 1" in said


@pytest.mark.parametrize("command", COMMANDS[1:], ids=lambda command: command[0])
def test_a_verdict_that_is_not_expected_is_told(command, endurance):
    code, said = endurance("surprises", *command)
    assert code == 1
    assert "s3 / reupload: works, expected broken: D01" in said


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_all_is_well_and_machines_get_json(command, endurance):
    code, said = endurance("behaves", *command, "--json")
    told = json.loads(said[said.index("{") :])
    assert (code, told["failed"], told["command"]) == (0, 0, command[0])
    assert told["summary"].startswith(f"{command[0]}: {len(told['runs'])} of {len(told['runs'])} ")
    assert [run["problems"] for run in told["runs"]] == [[]] * len(told["runs"])
