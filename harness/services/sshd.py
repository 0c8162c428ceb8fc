"""sshd for each instance, at user level, and what its peers need to reach it by name.

    an instance:  ssh -F ssh_config B ...  -->  127.0.0.1:PORT, sshd of B  -->  the forced command, in B

One key for all who may log in; all it may run is the app's forced command (sshd(8), AUTHORIZED_KEYS FILE
FORMAT). Names that no instance has lead to a host that drops every packet. Options as sshd_config(5) and
ssh_config(5) give them.
"""

from __future__ import annotations

import functools
import getpass
import os
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness import processes
from harness.errors import PartMissing
from harness.janitor import MARK

INSTALL = "apt-get install rsync openssh-server"


@dataclass(frozen=True)
class Keys:
    """Key pairs of a run: the hosts', the peers', and the peers' once more behind a passphrase."""

    host: Path
    peer: Path
    locked: Path


@dataclass(frozen=True)
class Server:
    """An sshd that is configured in a folder, to be started any number of times."""

    folder: Path
    port: int

    def start(self) -> processes.Child:
        """Start it; ``greets`` tells when it answers.

        Raises:
            PartMissing: no sshd.
        """
        if os.geteuid() == 0:  # where the package's own service has never run (sshd(8), FILES)
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        return processes.program(
            f"sshd in {self.folder.name}",
            [executable(), "-D", "-e", "-f", self.folder / "sshd_config"],
            cwd=self.folder,
            log=self.folder / "sshd.log",
        )

    def greets(self) -> bool:
        """Whether an ssh server answers on the port (RFC 4253 section 4.2)."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            return connection.recv(8).startswith(b"SSH-2.0")


@functools.cache
def executable() -> Path:
    """``sshd``, where ``ssh``, ``ssh-keygen`` and ``rsync`` are there too.

    Raises:
        PartMissing: one of them is not.
    """
    search = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    for name in ("ssh", "ssh-keygen", "rsync"):
        if shutil.which(name) is None:
            raise PartMissing("sshd and rsync", f"no {name} on PATH", INSTALL)
    if (path := shutil.which("sshd", path=search)) is None:
        raise PartMissing("sshd and rsync", "no sshd on PATH or in /usr/sbin", INSTALL)
    return Path(path)


def make_keys(folder: Path) -> Keys:
    """New Ed25519 keys in ``folder``.

    Raises:
        PartMissing: no sshd here to use them.
    """
    executable()
    keys = Keys(folder / "host", folder / "peer", folder / "locked")
    for path in (keys.host, keys.peer):
        _keygen("-t", "ed25519", "-N", "", "-C", "", "-f", path)
    shutil.copy(keys.peer, keys.locked)
    _keygen("-p", "-P", "", "-N", "never to be typed", "-f", keys.locked)
    return keys


def configure(folder: Path, keys: Keys, forced_command: str, port: int, host: str = "127.0.0.1") -> Server:
    """A server in ``folder`` that lets the peers' key run ``forced_command``."""
    authorized = folder / "authorized_keys"
    public = keys.peer.with_suffix(".pub").read_text(encoding="utf-8")
    authorized.write_text(f'restrict,command="{forced_command}" {public}', encoding="utf-8")
    lines = (
        f"ListenAddress {host}:{port}",
        f"HostKey {keys.host}",
        f"AuthorizedKeysFile {authorized}",
        "AuthenticationMethods publickey",
        "StrictModes no",  # the folders above are not ours
        "UsePAM no",
        "PidFile none",
        "MaxStartups 100",
        # The mark, for sshd starts its children without; and a home whose .bashrc is not the user's, which
        # may be slow or say something (bash(1), INVOCATION: run by sshd).
        f"SetEnv {MARK}={os.environ.get(MARK, '')} HOME={folder}",
    )
    (folder / "sshd_config").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return Server(folder, port)


def client_config(
    path: Path,
    hosts: Mapping[str, int],
    unreachable: int,
    keys: Keys,
    *,
    asks: bool,
    addresses: Mapping[str, str] | None = None,
    user: str | None = None,
) -> Path:
    """Write an ssh_config by which the instances reach each other by name.

    Args:
        hosts: port of each name.
        unreachable: port that every other name leads to.
        asks: the key has a passphrase, and ssh may ask for it.
        addresses: of names, ``*`` for every other one; 127.0.0.1 without.
        user: who logs in; whoever runs this without.
    """
    public = keys.host.with_suffix(".pub").read_text(encoding="utf-8")
    known = path.with_name("known_hosts")
    known.write_text(f"instance {public}", encoding="utf-8")
    at = addresses or {}
    named = [
        line
        for name, port in hosts.items()
        for line in (f"Host {name}", f"  Port {port}", f"  HostName {at.get(name, '127.0.0.1')}")
    ]
    everywhere = (
        "Host *",
        f"  Port {unreachable}",
        f"  HostName {at.get('*', '127.0.0.1')}",
        f"  User {user or getpass.getuser()}",
        f"  IdentityFile {keys.locked if asks else keys.peer}",
        "  IdentitiesOnly yes",
        "  IdentityAgent none",
        "  HostKeyAlias instance",
        "  StrictHostKeyChecking yes",
        f"  UserKnownHostsFile {known}",
        "  GlobalKnownHostsFile none",
        f"  BatchMode {'no' if asks else 'yes'}",
        "  PreferredAuthentications publickey",
        "  KexAlgorithms curve25519-sha256",  # not the post-quantum default, which takes 60 ms
        "  ConnectTimeout 30",
        "  LogLevel ERROR",
    )
    path.write_text("\n".join([*named, *everywhere, ""]), encoding="utf-8")
    return path


def unanswered_prompt(path: Path) -> Path:
    """Write a program for SSH_ASKPASS that shows its question to nobody (ssh(1), ENVIRONMENT)."""
    path.write_text("#!/bin/sh\nexec sleep 3600\n", encoding="utf-8")
    path.chmod(0o700)
    return path


def _keygen(*arguments: str | Path) -> None:
    program = shutil.which("ssh-keygen") or "ssh-keygen"
    command = [program, "-q", *arguments]
    subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=30)
