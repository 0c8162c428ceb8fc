"""One instance: a gunicorn with its workers, an sshd where its peers need one, and a disk of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import requests

from harness import processes
from harness.client import PIN_HEADER
from harness.errors import HarnessError
from harness.runtimes import filling
from harness.services import nginx, sshd
from harness.settings import Own


@dataclass
class Instance:
    """An instance that can be stopped and started again.

    Attributes:
        root: its own disk, and the working directory of its app.
        wsgi: ``module:callable`` for gunicorn.
        ssh: its sshd; None where its peers do not reach it by ssh.
        env: its whole environment apart from what every process has.
        gunicorn: settings of its gunicorn.
        own: what it has that the others have not, every name filled in.
    """

    name: str
    upstream: nginx.Upstream
    root: Path
    wsgi: str
    launcher: processes.PythonLauncher
    ssh: sshd.Server | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    gunicorn: Mapping[str, int] = field(default_factory=dict)
    own: Own = field(default_factory=Own)
    _children: list[processes.Child] = field(default_factory=list)
    _jobs: list[processes.Child] = field(default_factory=list)

    @property
    def running(self) -> bool:
        return bool(self._children)

    def start(self) -> None:
        """Start its processes; ``wait_ready`` tells when they serve."""
        self.root.mkdir(exist_ok=True)
        doors = self.upstream.sockets[0].parent
        doors.mkdir(exist_ok=True)
        self._shell(self.own.before)
        for job in self.own.jobs:
            log = self.root.with_name(f"{self.name}.jobs.log")
            self._jobs.append(processes.program("job", ["/bin/sh", "-c", job], cwd=self.root, log=log))
        if self.ssh is not None:
            self._children.append(self.ssh.start())
        arguments = ["-c", f"python:{__package__}.gunicorn_conf", "-w", str(len(self.upstream.sockets))]
        app = self.launcher.start(
            f"instance {self.name}",
            "gunicorn",
            [*arguments, "-b", f"127.0.0.1:{self.upstream.port}", self.own.wsgi or self.wsgi],
            cwd=self.root,
            log=self.root.with_name(f"{self.name}.log"),
            env={
                **self.env,
                "HARNESS_SOCKETS": str(doors),
                **filling.gunicorn(self.gunicorn, self.own, self.wsgi),
            },
        )
        self._children.append(app)

    def stop(self) -> None:
        """Kill its processes; its disk stays. Twice is harmless."""
        for child in [*self._children, *self._jobs]:
            child.kill()
        self._children.clear()
        self._jobs.clear()

    def finish(self) -> None:
        """Do what is done on it once it serves."""
        self._shell(self.own.after)

    def _shell(self, commands: Sequence[str]) -> None:
        for command in commands:
            done = subprocess.run(
                ["/bin/sh", "-c", command], cwd=self.root, capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                raise HarnessError(f"instance {self.name}: {command!r} failed: {done.stderr.strip()}")

    def lose_disk(self) -> None:
        shutil.rmtree(self.root, ignore_errors=True)

    def memory(self) -> int:
        """Bytes of its app's processes. See ``harness.processes.memory``."""
        pid = self._children[-1].process.pid
        assert pid is not None
        return processes.memory(pid)

    def stall_ssh(self, stalled: bool) -> None:
        """Let peers wait who connect to it: the kernel takes the connection, and nobody says a word.

        An instance that its peers do not reach by ssh has nothing to stall.
        """
        if self.ssh is not None and self.running:
            pid = self._children[0].process.pid
            assert pid is not None
            os.killpg(pid, signal.SIGSTOP if stalled else signal.SIGCONT)

    def wait_ready(self, balancer: str, path: str) -> None:
        """Return when each worker answers 200 to ``path``, and sshd greets.

        Raises:
            HarnessError: it ended before, or did not get ready in time.
        """
        app = self._children[-1]
        if self.ssh is not None:
            processes.wait_ready(self._children[0], self.ssh.greets)
        for worker in range(1, len(self.upstream.sockets) + 1):
            wait_worker(app, balancer + path, f"{self.name}/{worker}")


def wait_worker(child: processes.Started, url: str, pin: str) -> None:
    """Return when a worker answers 200 to a URL of the balancer.

    Raises:
        HarnessError: its instance ended before, or it did not get ready in time.
    """
    last = "nothing"

    def ready() -> bool:
        nonlocal last
        answer = requests.get(url, headers={PIN_HEADER: pin}, timeout=30)
        last = f"HTTP {answer.status_code}"
        if answer.headers.get("Content-Type", "").startswith("application/json"):
            last += f" {answer.text[:500].strip()}"
        if answer.status_code != 200:
            time.sleep(0.02)
        return answer.status_code == 200

    try:
        processes.wait_ready(child, ready)
    except HarnessError as error:
        raise HarnessError(f"{error}\n{url} of worker {pin} last answered {last}") from error
