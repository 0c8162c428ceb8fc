"""One instance in a container: gunicorn with its workers, sshd where its peers need it, its mount."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness import processes
from harness.errors import HarnessError
from harness.runtimes import filling, gunicorn_conf
from harness.runtimes.docker.host import DISK, Host, Task
from harness.runtimes.docker.parts import ANYWHERE
from harness.runtimes.instance import wait_worker
from harness.services import nginx, seaweedfs, sshd
from harness.settings import Own

APP_PORT, SSH_PORT = 8000, 2222
MOUNT = DISK / "shared"

WEIGH = "import sys; from harness import processes; print(processes.memory(int(sys.argv[1])))"


@dataclass(frozen=True)
class Mount:
    """A tree of a network file system, for an instance to mount."""

    filer: str
    tree: str


@dataclass
class DockerInstance:
    """An instance that can be stopped and started again, or replaced.

    Attributes:
        folder: of its deployment, which this machine sees, too: its logs outlive it there.
        renew: makes a host in place of one that was lost, at the same address.
    """

    name: str
    host: Host
    folder: Path
    wsgi: str
    workers: int
    renew: Callable[[Host], Host]
    ssh: sshd.Server | None = None
    mount: Mount | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    gunicorn: Mapping[str, int] = field(default_factory=dict)
    own: Own = field(default_factory=Own)
    _app: Task | None = None
    _sshd: Task | None = None
    _lost: bool = False

    @property
    def root(self) -> Path:
        """Its own disk, in its container."""
        return DISK / self.name

    @property
    def evidence_log(self) -> Path:
        return self.folder / f"{self.name}.evidence.jsonl"

    @property
    def upstream(self) -> nginx.Upstream:
        doors = tuple(self.folder / f"{self.name}.d/{worker}.sock" for worker in range(1, self.workers + 1))
        return nginx.Upstream(self.name, APP_PORT, doors, host=self.host.address)

    def start(self) -> None:
        """Start it, on a new host if its own was lost; ``wait_ready`` tells when it serves."""
        if self._lost:
            self.host, self._lost = self.renew(self.host), False
        self.host.run(["mkdir", "-p", str(self.root)], cwd=DISK)
        if self.mount is not None:
            self._mount(self.mount)
        self._shell(self.own.before)
        for job in self.own.jobs:
            self._program("job", ["/bin/sh", "-c", job], log="jobs.log")
        if self.ssh is not None:
            config = self.ssh.folder / "sshd_config"
            self._sshd = self._program("sshd", ["/usr/sbin/sshd", "-D", "-e", "-f", config], log="ssh.log")
        env = {**self.env, "HARNESS_SOCKETS": str(self.upstream.sockets[0].parent)}
        env |= filling.gunicorn(self.gunicorn, self.own, self.wsgi)
        words = ["gunicorn", "-c", f"python:{gunicorn_conf.__name__}", "-w", str(self.workers)]
        words += ["-b", f"{ANYWHERE}:{APP_PORT}", self.own.wsgi or self.wsgi]
        self._app = self._program(f"instance {self.name}", words, log="log", env=env, module=True)

    def wait_ready(self, balancer: str, path: str) -> None:
        """Return when each worker answers 200 to ``path``, and sshd greets. Raises HarnessError."""
        assert self._app is not None
        if self._sshd is not None:
            processes.wait_ready(self._sshd, lambda: self.host.hears(SSH_PORT, "SSH-2.0"))
        for worker in range(1, self.workers + 1):
            wait_worker(self._app, balancer + path, f"{self.name}/{worker}")

    def finish(self) -> None:
        """Do what is done on it once it serves."""
        self._shell(self.own.after)

    def stop(self) -> None:
        """Kill its processes; its disk stays."""
        self.host.kill_all()
        self._sshd = None

    def lose(self) -> None:
        """Remove its container, and its disk with it."""
        self.host.lose()
        self._lost, self._sshd = True, None

    def memory(self) -> int:
        """Bytes of its app's processes, as they are counted in its container.

        Raises:
            HarnessError: they cannot be.
        """
        assert self._app is not None
        done = self.host.run(["/venv/bin/python", "-c", WEIGH, str(self._app.pid)], cwd=DISK)
        if done.returncode != 0:
            raise HarnessError(f"container {self.host.kind.name}: no memory: {done.stderr.strip()[-300:]}")
        return int(done.stdout)

    def stall_ssh(self, stalled: bool) -> None:
        """Let peers wait who connect to it; an instance without sshd has nothing to stall."""
        if self._sshd is not None:
            self._sshd.send(signal.SIGSTOP if stalled else signal.SIGCONT)

    def _mount(self, mount: Mount) -> None:
        self.host.run(["mkdir", "-p", str(MOUNT)], cwd=DISK)
        argv = ["weed", *seaweedfs.mount(mount.filer, mount.tree, MOUNT)]
        task = self._program(f"weed mount of {self.name}", argv, log="mount.log")
        is_mounted = ["mountpoint", "-q", str(MOUNT)]
        processes.wait_ready(task, lambda: self.host.run(is_mounted, cwd=DISK).returncode == 0)

    def _program(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        log: str,
        env: Mapping[str, str] | None = None,
        module: bool = False,
    ) -> Task:
        path = self.folder / f"{self.name}.{log}"
        return self.host.program(name, argv, cwd=self.root, log=path, env=env, module=module)

    def _shell(self, commands: Sequence[str]) -> None:
        for command in commands:
            done = self.host.run(["/bin/sh", "-c", command], cwd=self.root)
            if done.returncode != 0:
                raise HarnessError(f"instance {self.name}: {command!r} failed: {done.stderr.strip()}")
