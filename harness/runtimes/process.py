"""The embedded default: a topology as processes on this machine, without root or Docker.

user -> nginx -+-> gunicorn A (workers 1..n) -> A's root folder -+-> Redis, SeaweedFS: where the
               `-> gunicorn B (workers 1..n) -> B's root folder -+   topology needs them, and the LLM
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import ports
from harness.observe import EvidenceLog
from harness.runtimes import filling
from harness.runtimes.instance import Instance
from harness.runtimes.shared import SharedServices
from harness.services import AFFINITIES, Affinity, llm, nginx, seaweedfs, sshd
from harness.settings import Own
from harness.topology import Plan, Topology

COMMAND_SECONDS = 30.0
"""What a command of a person logged in on an instance may take."""


@dataclass
class ProcessDeployment:
    """A topology that is up, as processes. See ``harness.runtimes.Deployment``."""

    topology: Topology
    affinity: Affinity
    url: str
    folder: Path
    notes: tuple[str, ...]
    config: Path
    _ready: str
    _model: llm.LLM
    _ssh_config: Path | None
    _instances: Mapping[str, Instance]
    _evidence: EvidenceLog

    def address(self, instance: str) -> str:
        """URL of an instance, round the balancer."""
        return f"http://127.0.0.1:{self._instances[instance].upstream.port}"

    def memory(self, instance: str) -> int:
        """Bytes that an instance's processes hold; what they share with others counts in proportion."""
        return self._instances[instance].memory()

    def evidence(self) -> Mapping[str, Mapping[str, Any]]:
        return self._evidence.read()

    def stop(self, instance: str) -> None:
        self._instances[instance].stop()

    def kill(self, instance: str) -> None:
        self._instances[instance].stop()
        self._instances[instance].lose_disk()

    def start(self, instance: str) -> None:
        self._instances[instance].start()
        self._instances[instance].wait_ready(self.url, self._ready)

    def stall_ssh(self, instance: str, stalled: bool) -> None:
        self._instances[instance].stall_ssh(stalled)

    def command(self, instance: str, argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
        shell = {"RSYNC_RSH": f"ssh -F {self._ssh_config}"} if self._ssh_config else {}
        return subprocess.run(
            argv,
            cwd=self._instances[instance].root,
            env={**os.environ, **shell},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )

    def set_llm_fault(self, fault: str) -> None:
        self._model.set_fault(fault)


class ProcessRuntime:
    """Starts every part of a topology itself, but for what all topologies of the run share.

    Args:
        plan: the topologies file.
        services: what is shared.
    """

    name = "process"

    def __init__(self, plan: Plan, services: SharedServices) -> None:
        self._plan, self._services = plan, services

    @contextlib.contextmanager
    def up(self, topology: Topology) -> Iterator[ProcessDeployment]:
        app, folder = self._plan.app, self._services.workshop.folder(topology.name)
        affinity = AFFINITIES[topology.affinity]
        with contextlib.ExitStack() as stack:
            model = self._services.llm().tenant(topology.llm)
            values = {"python": sys.executable, "package": _package(app.wsgi), **filling.model(model)}
            values |= {"secret": secrets.token_hex(32)}
            found, names = filling.stores(
                topology, folder.name, self._services.redis, self._services.seaweedfs
            )
            values |= found
            shared = _SharedFiles(folder, topology)
            if "shared-files" in topology.needs:
                shared.mount(self._services, stack)
            instances = {
                name: self._instance(name, topology, folder, stack) for name in topology.instance_names
            }
            ssh_config = None
            if "ssh" in topology.needs:
                ssh_config = self._connect(instances, folder, values, stack)
            for name, instance in instances.items():
                own = topology.own.get(name, Own())
                values_here = self._values(topology, name, folder, values | shared.values(name))
                if own.llm:
                    values_here |= filling.model(self._services.llm().tenant(own.llm))
                instance.env = filling.environment(self._plan, topology, name, values_here)
                instance.gunicorn = topology.gunicorn
                instance.own = filling.own(self._plan, name, own, values_here)
                stack.callback(instance.stop)
                instance.start()
            upstreams = [instance.upstream for instance in instances.values()]
            balancer = stack.enter_context(
                nginx.running(
                    topology.name,
                    affinity,
                    upstreams,
                    _subfolder(folder, "nginx"),
                    topology.idle_timeout,
                    topology.nginx,
                )
            )
            ready = topology.ready or app.ready
            with ThreadPoolExecutor(len(instances)) as pool:  # workers connect to their stores meanwhile
                list(pool.map(lambda one: one.wait_ready(balancer.url, ready), instances.values()))
            for instance in instances.values():
                instance.finish()
            logs = [_evidence_log(folder, name) for name in instances]
            names |= {f"{folder}/{name}/": f"{name}:/" for name in instances}
            names |= {f"{shared.root(name)}/": "shared-files:/" for name in instances}
            yield ProcessDeployment(
                topology=topology,
                affinity=affinity,
                url=balancer.url,
                folder=folder,
                notes=shared.notes,
                config=balancer.config,
                _ready=ready,
                _model=model,
                _ssh_config=ssh_config,
                _instances=instances,
                _evidence=EvidenceLog(logs, names),
            )

    def _instance(self, name: str, topology: Topology, folder: Path, stack: contextlib.ExitStack) -> Instance:
        doors = [folder / f"{name}.d" / f"{worker}.sock" for worker in range(1, topology.workers + 1)]
        upstream = nginx.Upstream(name, stack.enter_context(ports.reserved()), tuple(doors))
        return Instance(name, upstream, folder / name, self._plan.app.wsgi, self._services.launcher)

    def _connect(
        self,
        instances: Mapping[str, Instance],
        folder: Path,
        values: dict[str, str],
        stack: contextlib.ExitStack,
    ) -> Path:
        """Give each instance an sshd that the others know by its name; the configuration they use."""
        keys, nowhere = self._services.keys(), self._services.unreachable()
        for name, instance in instances.items():
            own = values | _own(folder, name)
            command = filling.filled("ssh_command", self._plan.app.ssh_command, own, self._plan)
            port = stack.enter_context(ports.reserved())
            instance.ssh = sshd.configure(_subfolder(folder, f"{name}.ssh"), keys, command, port)
        hosts = {name: instance.ssh.port for name, instance in instances.items() if instance.ssh}
        config = sshd.client_config(folder / "ssh_config", hosts, nowhere, keys, asks=False)
        asking = sshd.client_config(folder / "ssh_config_asks", hosts, nowhere, keys, asks=True)
        values |= {"ssh_config": str(config), "ssh_config_asks": str(asking)}
        values |= {"ssh_askpass": str(sshd.unanswered_prompt(folder / "askpass"))}
        return config

    def _values(
        self, topology: Topology, instance: str, folder: Path, values: Mapping[str, str]
    ) -> dict[str, str]:
        """What can be filled in for an instance."""
        own = {**_own(folder, instance), "folder": str(folder), "peers": filling.peers(topology, instance)}
        return {**values, **own, "evidence_log": str(_evidence_log(folder, instance))}


class _SharedFiles:
    """The tree that all instances see: a mount each, or where FUSE is missing one folder for all."""

    def __init__(self, folder: Path, topology: Topology) -> None:
        self._folder, self._topology = folder, topology
        self._missing = seaweedfs.fuse_missing()
        self.notes: tuple[str, ...] = ()

    def mount(self, services: SharedServices, stack: contextlib.ExitStack) -> None:
        weed = services.seaweedfs()
        if self._missing:
            self.notes = (f"a shared folder stands in for the network file system: {self._missing}",)
            return
        points = [self.root(name) for name in self._topology.instance_names]
        stack.enter_context(seaweedfs.mounted(weed, self._folder.name, *points))

    def values(self, instance: str) -> dict[str, str]:
        root = self.root(instance)
        if self._missing:
            root.mkdir(exist_ok=True)
        return {"shared_root": str(root), "shared_is_mount": "no" if self._missing else "yes"}

    def root(self, instance: str) -> Path:
        return self._folder / ("shared" if self._missing else f"mount-{instance}")


def _own(folder: Path, instance: str) -> dict[str, str]:
    return {"instance": instance, "root": str(folder / instance)}


def _package(wsgi: str) -> str:
    """Folder of the package that the app lies in; empty where it lies in none."""
    spec = importlib.util.find_spec(wsgi.partition(":")[0].partition(".")[0])
    return (spec.submodule_search_locations or [""])[0] if spec else ""


def _evidence_log(folder: Path, instance: str) -> Path:
    return folder / f"{instance}.evidence.jsonl"  # outside the instance's root, to outlive it


def _subfolder(folder: Path, name: str) -> Path:
    path = folder / name
    path.mkdir()
    return path
