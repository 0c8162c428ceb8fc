"""A fleet: for each instance a tree, and a real sshd that lets the others in through the gate."""

from __future__ import annotations

import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest
from flask import Flask, g

from reference_app.settings import Settings
from reference_app.storage.sync import SyncedTree, gate, open_storage

MEMBERS = ("A", "B", "C")
PLENTY = "60"
"""Seconds for what is expected to work."""


def wait_until(true: Callable[[], bool]) -> None:
    """Ask until it is so, for a minute."""
    pause = threading.Event()
    for _ in range(6000):
        if true():
            return
        pause.wait(0.01)
    raise AssertionError("it never came to be")


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    return wait_until


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the keys ``host`` and ``peer``, and ``locked``: the peer's, behind a passphrase."""
    if not all(map(_program, ("sshd", "ssh", "ssh-keygen", "rsync"))):
        pytest.skip("apt-get install rsync openssh-server")
    folder = tmp_path_factory.mktemp("keys")

    def keygen(*arguments: str) -> None:
        command = ["ssh-keygen", "-q", *arguments]
        subprocess.run(command, check=True, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True)

    for name in ("host", "peer"):
        keygen("-t", "ed25519", "-N", "", "-C", "", "-f", name)
    shutil.copy(folder / "peer", folder / "locked")
    keygen("-p", "-P", "", "-N", "never to be typed", "-f", "locked")
    return folder


class Fleet:
    """Instances A, B and C; hosts X and Y, which answer nothing; Z is X for who is impatient."""

    def __init__(self, folder: Path, keys: Path, env: dict[str, str], stack: ExitStack) -> None:
        self.folder, self._keys, self._env = folder, keys, env
        self._ports = {name: stack.enter_context(_reserved()) for name in MEMBERS}
        self._servers: dict[str, psutil.Popen] = {}
        stack.callback(lambda: [self.stop(name) for name in MEMBERS])
        for name in MEMBERS:
            self.tree(name).mkdir(parents=True)
        public = (keys / "host.pub").read_text()
        (folder / "known_hosts").write_text(f"instance {public}")
        dead = stack.enter_context(_unreachable())
        self.config = self._configure("ssh config", dead, "peer", BatchMode="yes")
        self.config_that_asks = self._configure("ssh config that asks", dead, "locked", BatchMode="no")

    def tree(self, name: str) -> Path:
        return self.folder / name / "up loads"

    def env(self, name: str, peers: str = "A,B", **changes: str) -> dict[str, str]:
        """The environment of an instance."""
        return {
            **self._env,
            "INSTANCE_NAME": name,
            "EVIDENCE_LOG": str(self.folder / name / "evidence.jsonl"),
            "UPLOAD_ROOT": str(self.tree(name)),
            "STORAGE_STRATEGY": "instance-sync",
            "SYNC_PEERS": peers,
            "SYNC_SSH_CONFIG": str(self.config),
            "SYNC_SECONDS": PLENTY,
            **changes,
        }

    def storage(self, name: str, peers: str = "A,B", **changes: str) -> SyncedTree:
        """The storage of an instance, with its sshd."""
        self.start(name)
        return open_storage(Settings.from_env(self.env(name, peers, **changes)))

    def original(self, name: str, *faults: str, peers: str = "A,B", **changes: str) -> SyncedTree:
        return self.storage(name, peers, SYNC_AS="original", SYNC_FAULTS=",".join(faults), **changes)

    def start(self, name: str) -> None:
        if name in self._servers:
            return
        home = self.folder / name
        command = f"'{sys.executable}' -I -S '{gate.__file__}' '{self.tree(name)}'"
        public = (self._keys / "peer.pub").read_text()
        (home / "authorized").write_text(f'restrict,command="{command}" {public}')
        lines = (  # sshd_config(5)
            f"ListenAddress 127.0.0.1:{self._ports[name]}",
            f'HostKey "{self._keys}/host"',
            f'AuthorizedKeysFile "{home}/authorized"',
            "AuthenticationMethods publickey",
            "StrictModes no",
            "UsePAM no",
            "PidFile none",
            f'SetEnv "HOME={home}"',  # the user's .bashrc takes time and may say something (bash(1))
        )
        (home / "sshd_config").write_text("\n".join([*lines, ""]))
        if os.geteuid() == 0:  # sshd(8), FILES: made by a package's service that may never have run
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        log = (home / "sshd.log").open("ab")
        program = [_program("sshd"), "-D", "-e", "-f", str(home / "sshd_config")]
        server = self._servers[name] = psutil.Popen(program, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        log.close()
        wait_until(lambda: self._greets(name) or server.poll() is not None)
        assert server.poll() is None, (home / "sshd.log").read_text()

    def stop(self, name: str) -> None:
        """Kill its sshd with whatever it serves; it can be started again. Twice is harmless."""
        if (server := self._servers.pop(name, None)) is not None:
            for process in [*server.children(recursive=True), server]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            server.wait()

    def _greets(self, name: str) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._ports[name]), timeout=10) as connection:
                return connection.recv(8).startswith(b"SSH-2.0")
        except OSError:
            return False

    def _configure(self, file: str, dead: int, key: str, **options: str) -> Path:
        lines = [f"Host {name}\n  Port {port}" for name, port in self._ports.items()]
        lines += ["Host Z", "  ConnectTimeout 1", "Host *", f"  Port {dead}"]
        lines += [f"  {name} {value}" for name, value in options.items()]
        lines += [  # ssh_config(5)
            "  HostName 127.0.0.1",
            f"  User {getpass.getuser()}",
            f'  IdentityFile "{self._keys}/{key}"',
            "  IdentitiesOnly yes",
            "  IdentityAgent none",
            "  HostKeyAlias instance",
            "  StrictHostKeyChecking yes",
            f'  UserKnownHostsFile "{self.folder}/known_hosts"',
            "  GlobalKnownHostsFile none",
            "  PreferredAuthentications publickey",
            "  LogLevel ERROR",
        ]
        (self.folder / file).write_text("\n".join([*lines, ""]))
        return self.folder / file


@pytest.fixture
def fleet(tmp_path: Path, keys: Path, env: dict[str, str]) -> Iterator[Fleet]:
    with ExitStack() as stack:
        yield Fleet(tmp_path / "fleet", keys, env, stack)


@pytest.fixture
def events() -> Iterator[list[dict[str, Any]]]:
    """The evidence of sync, as within one request."""
    with Flask("noted").test_request_context():
        g.evidence = {"storage": [], "sync": []}
        yield g.evidence["sync"]


@pytest.fixture
def session_id() -> str:
    return uuid.uuid4().hex


@pytest.fixture
def fake_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Put shell scripts in the place of programs."""
    folder = tmp_path / "bin"
    folder.mkdir()

    def put(**scripts: str) -> None:
        for name, script in scripts.items():
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    return put


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def _reserved() -> Iterator[int]:
    """A free port, kept by a socket that does not listen, for a server that sets SO_REUSEADDR (socket(7))."""
    with socket.socket() as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        keeper.bind(("127.0.0.1", 0))
        yield keeper.getsockname()[1]


@contextlib.contextmanager
def _unreachable() -> Iterator[int]:
    """A port where every connection hangs: the queue of those to be accepted is full (listen(2))."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
