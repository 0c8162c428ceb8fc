"""sshd of an instance: its peers' key runs the forced command and nothing else, by name, without root."""

import os
import re
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from harness import ports, processes
from harness.errors import PartMissing
from harness.janitor import MARK
from harness.services import sshd
from harness.workshop import open_workshop


@pytest.fixture(scope="module")
def keys(workshop):
    try:
        return sshd.make_keys(workshop.folder("keys"))
    except PartMissing as missing:
        pytest.skip(str(missing))


@pytest.fixture
def reach(keys, folder):
    """Starts a server that runs a command, and gives ssh to it."""
    with ExitStack() as stack:
        nowhere = stack.enter_context(ports.unreachable())

        def connect(command, *, asks=False, host="B"):
            port = stack.enter_context(ports.reserved())
            server = sshd.configure(folder, keys, command, port)
            child = stack.enter_context(processes.running(server.start()))
            processes.wait_ready(child, server.greets)
            config = sshd.client_config(folder / "ssh_config", {"B": port}, nowhere, keys, asks=asks)
            return server, child, [shutil.which("ssh"), "-F", str(config), host]

        yield connect


def run(command, seconds=20, **env):
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds,
        env={**os.environ, **env}, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_the_forced_command_is_all_there_is(reach):
    *_, ssh = reach("echo $SSH_ORIGINAL_COMMAND, said")
    assert run([*ssh, "rm", "-rf", "x"]) == (0, "rm -rf x, said\n")


def test_what_it_starts_carries_the_mark_of_the_run(reach):
    *_, ssh = reach(f"printenv {MARK}")
    assert run(ssh) == (0, os.environ[MARK] + "\n")


def test_another_key_is_refused(reach, workshop):
    program, option, config, host = reach("echo in")[-1]
    other, stranger = sshd.make_keys(workshop.folder("other")), workshop.root / "stranger"
    assert run([program, option, config, host]) == (0, "in\n")
    stranger.write_text(re.sub("IdentityFile .*", f"IdentityFile {other.peer}", Path(config).read_text()))
    code, said = run([program, option, str(stranger), host])
    assert (code, "Permission denied" in said) == (255, True)


def test_a_host_whose_key_is_not_known_is_refused(reach, folder):
    *_, ssh = reach("echo in")
    (folder / "known_hosts").write_text("")
    code, said = run(ssh)
    assert (code, "Host key verification failed" in said) == (255, True)


def test_a_name_that_no_instance_has_hangs(reach):
    *_, ssh = reach("echo in", host="production-1")
    with pytest.raises(subprocess.TimeoutExpired):
        run(ssh, seconds=0.5)


def test_an_ssh_that_asks_hangs_where_nobody_answers(reach, folder):
    *_, ssh = reach("echo in", asks=True)
    prompt = sshd.unanswered_prompt(folder / "askpass")
    with pytest.raises(subprocess.TimeoutExpired):
        run(ssh, seconds=1.5, SSH_ASKPASS=str(prompt), SSH_ASKPASS_REQUIRE="force")
    answering = folder / "answering"
    answering.write_text("#!/bin/sh\necho 'never to be typed'\n")
    answering.chmod(0o700)
    assert run(ssh, SSH_ASKPASS=str(answering), SSH_ASKPASS_REQUIRE="force") == (0, "in\n")


def test_it_listens_on_loopback_alone(reach):
    server, child, _ = reach("echo in")
    listening = psutil.Process(child.process.pid).net_connections("tcp")
    assert [tuple(one.laddr) for one in listening] == [("127.0.0.1", server.port)]


def test_it_is_gone_with_the_run_though_it_writes_over_its_environment(keys, eventually, dead):
    with open_workshop() as workshop, ports.reserved() as port:
        child = sshd.configure(workshop.folder("sshd"), keys, "true", port).start()
        process = psutil.Process(child.process.pid)
        eventually("its title is written", lambda: "[listener]" in " ".join(process.cmdline()))
    eventually("it has ended", lambda: dead(process))


def test_none_at_all(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    sshd.executable.cache_clear()
    with pytest.raises(PartMissing) as missing:
        sshd.executable()
    assert str(missing.value) == (
        "sshd and rsync: no ssh on PATH; install it with: apt-get install rsync openssh-server"
    )
    sshd.executable.cache_clear()
