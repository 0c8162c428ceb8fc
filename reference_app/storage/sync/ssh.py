"""ssh and rsync as subprocesses, each with its time and its end."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reference_app import evidence
from reference_app.errors import ConfigError

# Checksums, for rsync takes a file of the same size and second for the same file (rsync(1), --checksum),
# and all flags have one size. No links, owners or devices: the gate at the peer refuses them.
OPTIONS = ("--recursive", "--times", "--checksum")

TREE = re.compile(r'"/[^"]*?/(?=[0-9a-f]{32}[/"])')
"""The path of a tree in a complaint of rsync's, before the session's id: it ends up in a reply."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended.

    Attributes:
        what: which step of sync it was.
        paths: ``source`` and ``target`` of an rsync.
        code: the exit code; None when it ran out of time.
    """

    what: str
    peer: str
    paths: Mapping[str, str]
    code: int | None
    seconds: float
    words: str = ""

    @property
    def ok(self) -> bool:
        return self.code == 0

    def __str__(self) -> str:
        if self.ok:
            return "copied" if self.paths else "done"
        if self.code is None:
            return f"timed out after {self.seconds:.1f} s" if self.seconds else "no time left for it"
        return self.words or f"exit code {self.code}"

    def note(self) -> Outcome:
        """Put it in the evidence of the request."""
        evidence.note(
            "sync",
            what=self.what,
            peer=self.peer,
            **self.paths,
            ok=self.ok,
            outcome=str(self),
            timed_out=self.code is None,
            seconds=round(self.seconds, 3),
        )
        return self


class Fleet:
    """The peers, and how they are reached.

    Args:
        root: the tree that is copied; what is run at a peer sees the peer's own as its working directory.
        peers: names of hosts in the ssh configuration.
        ssh_options: what is said on ssh's command line, where it counts before the configuration.
        whole_family: at a time-out, end what a command has started, too.

    Raises:
        ConfigError: ssh or rsync is not installed.
    """

    def __init__(
        self,
        root: Path,
        peers: Sequence[str],
        ssh_config: Path,
        *,
        ssh_options: Sequence[str] = (),
        whole_family: bool = True,
    ) -> None:
        self.root, self.peers = root, tuple(peers)
        self._config, self._whole_family = str(ssh_config), whole_family
        self._ssh = [_installed("ssh"), "-F", self._config, *ssh_options]
        self._rsync = [_installed("rsync"), "--rsh", shlex.join(self._ssh), *OPTIONS]

    def ssh(self, peer: str, *command: str, seconds: float, what: str) -> Outcome:
        """Run a command at the peer."""
        return self._run([*self._ssh, peer, *command], what, peer, {}, seconds)

    def rsync(self, peer: str, source: str, target: str, *options: str, seconds: float, what: str) -> Outcome:
        """Run rsync in the root; one of the paths names the peer."""
        paths = {"source": source, "target": target}
        return self._run([*self._rsync, *options, source, target], what, peer, paths, seconds)

    def _run(
        self, command: list[str], what: str, peer: str, paths: Mapping[str, str], seconds: float
    ) -> Outcome:
        if seconds <= 0:
            return Outcome(what, peer, paths, None, 0.0)
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=self.root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=self._whole_family,
        )
        words, code = "", None
        try:
            _, words = process.communicate(timeout=seconds)
            code = process.returncode
        except subprocess.TimeoutExpired:
            self._end(process)
        except BaseException:
            self._end(process)
            raise
        words = _gist(words).replace(self._config, "SYNC_SSH_CONFIG")
        return Outcome(what, peer, paths, code, time.perf_counter() - start, words)

    def _end(self, process: subprocess.Popen[str]) -> None:
        """Kill it; its family is all that is in the session it was made the leader of (setsid(2))."""
        if self._whole_family:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        if process.stderr is not None:
            process.stderr.close()  # a member of the family that goes on may hold its other end
        process.wait()


def _gist(words: str) -> str:
    """The line that says why: ssh's or the gate's last, before what rsync says about having lost them."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    cause = [line for line in lines if not line.startswith("rsync")][-1:] or lines[:1]
    return TREE.sub('"', cause[0])[:200] if cause else ""


def _installed(name: str) -> str:
    if (path := shutil.which(name)) is None:
        raise ConfigError(
            f"STORAGE_STRATEGY is 'instance-sync', which needs {name}, and PATH has none; "
            "apt-get install rsync openssh-client, or choose another strategy"
        )
    return path
