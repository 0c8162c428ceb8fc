"""Any app by its command: each instance a process with a disk of its own, behind nginx.

user -> nginx -+-> COMMAND of A -> A's disk -+-> Redis, where the command names it
               `-> COMMAND of B -> B's disk -+

Nothing is asked of the app: who served is known from the address that nginx chose.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import requests

from harness import ports, processes
from harness.anyapp import AnyApp
from harness.errors import HarnessError
from harness.runtimes import disk, gunicorn_conf
from harness.services import AFFINITIES, Affinity, nginx, redis
from harness.topology import Topology
from harness.workshop import Workshop

COMMAND_SECONDS = 30.0
STARTING = (502, 503)
"""Answers of an app, or of a server before it, that is still starting."""


@dataclass
class CommandInstance:
    """An instance that can be stopped and started again.

    Attributes:
        root: its own disk.
        common: what its disk shares with the others' lies here.
        argv, env: its command and its whole environment.
        log: where its output goes.
    """

    app: AnyApp
    name: str
    upstream: nginx.Upstream
    root: Path
    common: Path
    argv: Sequence[str]
    env: Mapping[str, str]
    log: Path
    _children: list[processes.Child] = field(default_factory=list)

    def start(self) -> None:
        """Make its disk where there is none, and start it; ``wait_ready`` tells when it serves."""
        disk.make(self.app, self.root, self.common)
        place = disk.workplace(self.app, self.root)
        try:
            child = processes.program(
                f"instance {self.name}", self.argv, cwd=place, log=self.log, env=self.env
            )
        except OSError as error:
            raise HarnessError(f"{self.app.source}: {self.argv[0]}: {error.strerror}") from error
        self._children.append(child)

    def stop(self) -> None:
        """Kill its processes; its disk stays. Twice is harmless."""
        for child in self._children:
            child.kill()
        self._children.clear()

    def wait_ready(self) -> None:
        """Return when it answers, each of its workers.

        Raises:
            HarnessError: it ended before, or did not answer in time; with the end of its log.
        """
        for port in (self.upstream.port, *self.upstream.ports):
            try:
                processes.wait_ready(self._children[-1], lambda port=port: self._answers(port))  # type: ignore[misc]
            except HarnessError as error:
                path = self.app.health or "/"
                raise HarnessError(
                    f"{error}\nnothing good came from http://127.0.0.1:{port}{path}; the command was: "
                    f"{shlex.join(self.argv)} (must listen on {{bind}}, {{port}}, or PORT of its environment)"
                ) from error

    def _answers(self, port: int) -> bool:
        url = f"http://127.0.0.1:{port}{self.app.health or '/'}"
        with requests.get(url, timeout=30, allow_redirects=False, stream=True) as answer:
            return answer.status_code < 400 if self.app.health else answer.status_code not in STARTING


@dataclass
class CommandDeployment:
    """An app by its command that is up. See ``harness.runtimes.Deployment``."""

    topology: Topology
    affinity: Affinity
    url: str
    folder: Path
    notes: tuple[str, ...]
    config: Path
    app: AnyApp
    _instances: Mapping[str, CommandInstance]

    def address(self, target: str) -> str:
        """URL of an instance, ``A``, or of one of its workers, ``A/1``, round the balancer."""
        name, _, worker = target.partition("/")
        upstream = self._instances[name].upstream
        port = upstream.ports[int(worker) - 1] if worker and upstream.ports else upstream.port
        return f"http://127.0.0.1:{port}"

    def served_by(self, upstream: str | None) -> str | None:
        """Who served: of nginx's X-Upstream-Addr, which names each address it tried, the last."""
        port = int((upstream or "").rpartition(":")[2] or 0)
        for name, instance in self._instances.items():
            if port == instance.upstream.port:
                return name
            if port in instance.upstream.ports:
                return f"{name}/{instance.upstream.ports.index(port) + 1}"
        return None

    def log(self, instance: str) -> Path:
        """Where an instance's output goes."""
        return self._instances[instance].log

    def written(self) -> tuple[str, ...]:
        """What instances have written on their own disks, in the form of ``AnyApp.shared``."""
        found = [disk.written(self.app, instance.root) for instance in self._instances.values()]
        return tuple(dict.fromkeys(name for names in found for name in names))

    def evidence(self) -> Mapping[str, Mapping[str, Any]]:
        """None: the app is not asked for any."""
        return {}

    def stop(self, instance: str) -> None:
        self._instances[instance].stop()

    def kill(self, instance: str) -> None:
        self._instances[instance].stop()
        shutil.rmtree(self._instances[instance].root, ignore_errors=True)

    def start(self, instance: str) -> None:
        self._instances[instance].start()
        self._instances[instance].wait_ready()

    def command(self, instance: str, argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
        place = self._instances[instance]
        return subprocess.run(
            argv,
            cwd=place.root,
            env=place.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def stall_ssh(self, instance: str, stalled: bool) -> None:
        self._has_no("ssh between its instances")

    def set_llm_fault(self, fault: str) -> None:
        self._has_no("model server of the harness")

    def _has_no(self, what: str) -> NoReturn:
        raise HarnessError(f"{self.app.source}: an app by its command has no {what}")


class CommandRuntime:
    """Brings up topologies of an app by its command.

    Args:
        app: how to run it.
        workshop: where everything lives, and who cleans up.
    """

    name = "command"

    def __init__(self, app: AnyApp, workshop: Workshop) -> None:
        self._app, self._workshop = app, workshop

    @contextlib.contextmanager
    def up(self, topology: Topology) -> Iterator[CommandDeployment]:
        """The topology, ready; gone at the end. See ``harness.runtimes.Runtime``."""
        folder, affinity = self._workshop.folder("app"), AFFINITIES[topology.affinity]
        for name in ("common", "nginx", "redis"):
            (folder / name).mkdir()
        with contextlib.ExitStack() as stack:
            values = {"host": "127.0.0.1", "python": sys.executable, "workers": str(topology.workers)}
            values["secret"] = secrets.token_hex(32)
            if self._app.uses("redis_url"):
                port = stack.enter_context(ports.reserved())
                values["redis_url"] = stack.enter_context(redis.running(folder / "redis", port)).url
            instances = {
                name: self._instance(name, topology, folder, values, stack)
                for name in topology.instance_names
            }
            upstreams = [instance.upstream for instance in instances.values()]
            for instance in instances.values():
                stack.callback(instance.stop)
                instance.start()
            balancer = stack.enter_context(
                nginx.running(topology.name, affinity, upstreams, folder / "nginx", topology.idle_timeout)
            )
            for instance in instances.values():
                instance.wait_ready()
            notes = _notes(self._app, topology)
            yield CommandDeployment(
                topology, affinity, balancer.url, folder, notes, balancer.config, self._app, instances
            )

    def _instance(
        self,
        name: str,
        topology: Topology,
        folder: Path,
        values: Mapping[str, str],
        stack: contextlib.ExitStack,
    ) -> CommandInstance:
        root, port = folder / name, stack.enter_context(ports.reserved())
        doors: tuple[int, ...] = ()
        if self._app.gunicorn and topology.workers > 1:
            doors = tuple(stack.enter_context(ports.reserved()) for _ in range(topology.workers))
        own = {**values, "instance": name, "instance_dir": str(root)}
        own |= {"port": str(port), "bind": f"127.0.0.1:{port}"}
        env = {**os.environ, "PORT": str(port), "TMPDIR": str(root / "tmp")}
        env["PATH"] = _path(env.get("PATH", os.defpath))
        if doors:
            env["HARNESS_PORTS"] = ",".join(map(str, doors))
        for key, text in {**self._app.env, **topology.env.get(name, {})}.items():
            env[key] = text.format_map(own)
        return CommandInstance(
            app=self._app,
            name=name,
            upstream=nginx.Upstream(name, port, ports=doors),
            root=root,
            common=folder / "common",
            argv=_argv(self._app, own, topology.workers, env["PATH"]),
            env=env,
            log=folder / f"{name}.log",
        )


def _argv(app: AnyApp, values: Mapping[str, str], workers: int, path: str) -> list[str]:
    words = [word.format_map(values) for word in shlex.split(app.command)]
    # A relative path is one of the app's folder; the instance has a copy of it.
    if "/" not in words[0]:
        found = shutil.which(words[0], path=path)
        if found is None:
            raise HarnessError(f"{app.source}: no command {words[0]!r}; looked for in {path}")
        words[0] = found
    if app.gunicorn:
        if workers > 1:
            words += ["-c", gunicorn_conf.__file__]
        words += ["-w", str(workers)]
    return words


def _path(path: str) -> str:
    """PATH, and after it the folder of this Python: an app installed beside the harness is found, too."""
    return f"{path}{os.pathsep}{Path(sys.executable).parent}"


def _notes(app: AnyApp, topology: Topology) -> tuple[str, ...]:
    notes = []
    if topology.workers > 1 and not app.gunicorn:
        notes.append("its workers cannot be told apart: the command is no gunicorn without a configuration")
    if not app.copy:
        notes.append(f"every instance works in {app.folder} itself (copy = false): a disk they share")
    return tuple(notes)
