"""Commands at peers: their end, their outcome, and what is said about it."""

import os
import signal
import subprocess

import psutil
import pytest

from reference_app.errors import ConfigError
from reference_app.storage.sync import ssh
from reference_app.storage.sync.ssh import Fleet, Outcome

CONFIG = "Host *\n  HostName 127.0.0.1\n"
BUSY = 'sleep 1000 & echo $! $$ > "{0}/pids.new" && mv "{0}/pids.new" "{0}/pids"; wait'
"""An ssh that hangs, and has started something that hangs."""


@pytest.fixture
def peers(tmp_path, keys):
    """A fleet of one, to be made after the programs are faked."""
    (tmp_path / "config").write_text(CONFIG)
    return lambda **options: Fleet(tmp_path, ["B"], tmp_path / "config", **options)


def run(fleet, program, seconds=60.0):
    if program == "ssh":
        return fleet.ssh("B", "test", "-d", "x", seconds=seconds, what="ask")
    return fleet.rsync("B", "x", "B:.", seconds=seconds, what="copy")


def alive(pids):
    """Those still running; a zombie is not, it only waits for its parent."""
    return [
        pid for pid in pids if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    ]


@pytest.fixture
def hanging(tmp_path, fake_programs, until, monkeypatch):
    """An ssh that hangs, and an error that comes as soon as it does; the family's process ids."""
    fake_programs(ssh=BUSY.format(tmp_path))

    def pids():
        return [int(pid) for pid in (tmp_path / "pids").read_text().split()]

    def end_with(error):
        def waited(process, *_, **__):
            until((tmp_path / "pids").exists)
            raise error

        monkeypatch.setattr(ssh.subprocess.Popen, "communicate", waited)
        return pids

    yield end_with
    for pid in alive(pids()):
        os.kill(pid, signal.SIGKILL)


TIME_OUT = subprocess.TimeoutExpired("ssh", 60)


@pytest.mark.parametrize("program", ["ssh", "rsync"])
def test_after_a_time_out_nothing_is_left_running(peers, hanging, until, program):
    pids = hanging(TIME_OUT)
    outcome = run(peers(), program)
    assert (outcome.code, outcome.ok) == (None, False)
    assert str(outcome).startswith("timed out after ")
    assert len(pids()) == 2
    until(lambda: not alive(pids()))


def test_an_interrupt_ends_the_family_too(peers, hanging, until):
    pids = hanging(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        run(peers(), "rsync")
    until(lambda: not alive(pids()))


def test_without_its_family_ssh_outlives_the_time_out_of_rsync(peers, hanging):
    pids = hanging(TIME_OUT)
    assert run(peers(whole_family=False), "rsync").code is None
    assert alive(pids()) == pids()


def test_a_command_has_no_more_than_its_time(peers, fake_programs):
    fake_programs(ssh="exec sleep 1000")
    outcome = run(peers(), "ssh", 0.2)
    assert outcome.code is None
    assert outcome.seconds >= 0.2


@pytest.mark.parametrize("seconds", [0, -1.5])
def test_without_time_nothing_is_started(peers, fake_programs, tmp_path, seconds):
    fake_programs(ssh=f'touch "{tmp_path}/started"')
    outcome = run(peers(), "ssh", seconds)
    assert (outcome.code, outcome.seconds, str(outcome)) == (None, 0, "no time left for it")
    assert run(peers(), "ssh").ok
    assert (tmp_path / "started").exists()


@pytest.mark.parametrize(
    ("script", "code", "said"),
    [
        ("exit 0", 0, "done"),
        ("exit 1", 1, "exit code 1"),
        ("echo 'first' >&2; echo 'the  cause ' >&2; echo >&2; exit 255", 255, "the  cause"),
        ("echo 'rsync: [sender] link_stat' >&2; echo 'rsync error: some' >&2; exit 23", 23, None),
        ("echo 'Host key verification failed.' >&2; echo 'rsync: closed' >&2; exit 255", 255, "Host key ver"),
        (f"printf '{'x' * 999}' >&2; exit 2", 2, "x" * 200),
        ("printf '\\377\\376' >&2; exit 2", 2, "\ufffd\ufffd"),
    ],
)
def test_the_outcome_is_the_line_that_says_why(peers, fake_programs, script, code, said):
    fake_programs(ssh=script)
    outcome = run(peers(), "ssh")
    assert outcome.code == code
    assert str(outcome).startswith(said or "rsync: [sender] link_stat")
    assert len(str(outcome)) <= 200


def test_the_path_of_the_configuration_is_not_told(peers, tmp_path):
    fleet = peers()
    (tmp_path / "config").write_text("Nonsense yes\n")
    said = str(run(fleet, "rsync"))
    assert "SYNC_SSH_CONFIG" in said
    assert str(tmp_path) not in said


@pytest.mark.parametrize("tree", ["/srv/up loads", f"/{'d' * 40}/{'e' * 300}/x"])
def test_the_path_of_a_tree_is_not_told(peers, fake_programs, tree):
    path = f"{'0a' * 16}/{'1b' * 16}"
    fake_programs(ssh=f"""echo 'rsync: link_stat "{tree}/{path}" failed: No such file' >&2; exit 23""")
    assert str(run(peers(), "ssh")) == f'rsync: link_stat "{path}" failed: No such file'


def test_a_copy_is_told_with_its_paths(events):
    Outcome("push", "B", {"source": "a", "target": "B:."}, 0, 0.12345).note()
    Outcome("ask", "B", {}, None, 2.0).note()
    assert events == [
        {
            "what": "push", "peer": "B", "source": "a", "target": "B:.", "ok": True,
            "outcome": "copied", "timed_out": False, "seconds": 0.123,
        },
        {
            "what": "ask", "peer": "B", "ok": False, "outcome": "timed out after 2.0 s",
            "timed_out": True, "seconds": 2.0,
        },
    ]  # fmt: skip


@pytest.mark.parametrize("missing", ["ssh", "rsync"])
def test_a_program_that_is_not_installed_is_named(peers, tmp_path, fake_programs, monkeypatch, missing):
    fake_programs(**{name: "" for name in ("ssh", "rsync") if name != missing})
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(ConfigError, match=rf"'instance-sync', which needs {missing}.*apt-get install"):
        peers()
