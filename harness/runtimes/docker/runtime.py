"""Brings a topology up in containers."""

from __future__ import annotations

import contextlib
import secrets
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from harness import processes
from harness.client import PIN_HEADER
from harness.errors import HarnessError
from harness.observe import EvidenceLog
from harness.runtimes import filling
from harness.runtimes.docker.host import Host, Kind, Pool
from harness.runtimes.docker.instance import MOUNT, SSH_PORT, DockerInstance, Mount
from harness.runtimes.docker.parts import ANYWHERE, NOWHERE_PORT
from harness.runtimes.docker.services import BALANCER_PORT, DockerServices, open_folder
from harness.services import AFFINITIES, Affinity, nginx, sshd
from harness.settings import Own
from harness.topology import Plan, Topology

USER = "app"
"""Who everything runs as in a container (docker/Dockerfile)."""


@dataclass
class DockerDeployment:
    """A topology that is up, in containers. See ``harness.runtimes.Deployment``."""

    topology: Topology
    affinity: Affinity
    url: str
    folder: Path
    notes: tuple[str, ...]
    config: Path
    _ready: str
    _model: Any
    _ssh_config: Path | None
    _instances: Mapping[str, DockerInstance]
    _evidence: EvidenceLog

    def memory(self, instance: str) -> int:
        """Bytes that an instance's processes hold; what they share with others counts in proportion."""
        return self._instances[instance].memory()

    def evidence(self) -> Mapping[str, Mapping[str, Any]]:
        return self._evidence.read()

    def stop(self, instance: str) -> None:
        self._instances[instance].stop()

    def kill(self, instance: str) -> None:
        self._instances[instance].lose()

    def start(self, instance: str) -> None:
        self._instances[instance].start()
        self._instances[instance].wait_ready(self.url, self._ready)

    def stall_ssh(self, instance: str, stalled: bool) -> None:
        self._instances[instance].stall_ssh(stalled)

    def command(self, instance: str, argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
        shell = {"RSYNC_RSH": f"ssh -F {self._ssh_config}"} if self._ssh_config else {}
        place = self._instances[instance]
        return place.host.run(argv, cwd=place.root, env=shell)

    def set_llm_fault(self, fault: str) -> None:
        self._model.set_fault(fault)


class DockerRuntime:
    """Brings topologies up in containers.

    Args:
        plan: the topologies file.
        services: what is shared.
    """

    name = "docker"

    def __init__(self, plan: Plan, services: DockerServices) -> None:
        self._plan, self._services = plan, services

    @contextlib.contextmanager
    def up(self, topology: Topology) -> Iterator[DockerDeployment]:
        services, app, affinity = self._services, self._plan.app, AFFINITIES[topology.affinity]
        folder = services.new_folder(topology.name)
        ready = topology.ready or app.ready
        with contextlib.ExitStack() as stack:
            model = services.llm().tenant(topology.llm)
            values = {"python": "/venv/bin/python", "package": f"/app/{_package(app.wsgi)}"}
            values |= {"secret": secrets.token_hex(32), "folder": str(folder), **filling.model(model)}
            found, names = filling.stores(topology, folder.name, services.redis, services.seaweedfs)
            values |= found
            kind, mount, notes = self._shared_files(topology, folder, values)
            balancer, instances = self._hosts(topology, kind, folder, stack)
            ssh_config = self._connect(instances, values) if "ssh" in topology.needs else None
            config = self._balance(topology, balancer, instances, folder / "nginx")
            url = f"http://127.0.0.1:{balancer.published}"
            for name, instance in instances.items():
                own, here = topology.own.get(name, Own()), values | _own(instance, topology)
                if own.llm:
                    here |= filling.model(services.llm().tenant(own.llm))
                instance.env = filling.environment(self._plan, topology, name, here)
                instance.gunicorn, instance.mount = topology.gunicorn, mount
                instance.own = filling.own(self._plan, name, own, here)
            each = list(instances.values())
            with ThreadPoolExecutor(len(each)) as pool:
                list(pool.map(DockerInstance.start, each))
                list(pool.map(lambda one: one.wait_ready(url, ready), each))
            for instance in each:
                instance.finish()
            names |= {f"{one.root}/": f"{one.name}:/" for one in each}
            names |= {f"{values['shared_root']}/": "shared-files:/"}
            yield DockerDeployment(
                topology=topology,
                affinity=affinity,
                url=url,
                folder=folder,
                notes=notes,
                config=config,
                _ready=ready,
                _model=model,
                _ssh_config=ssh_config,
                _instances=instances,
                _evidence=EvidenceLog([one.evidence_log for one in each], names),
            )

    def _shared_files(
        self, topology: Topology, folder: Path, values: dict[str, str]
    ) -> tuple[Kind, Mount | None, tuple[str, ...]]:
        """The kind of host that a topology's instances need, and the tree that all of them see."""
        values |= {"shared_root": str(MOUNT), "shared_is_mount": "yes"}
        if "shared-files" not in topology.needs:
            return self._services.instance, None, ()
        kind = self._services.fuse()
        if isinstance(kind, Kind):
            return kind, Mount(self._services.seaweedfs().filer, folder.name), ()
        open_folder(folder / "shared")
        values |= {"shared_root": str(folder / "shared"), "shared_is_mount": "no"}
        return (
            self._services.instance,
            None,
            (f"a shared folder stands in for the network file system: {kind}",),
        )

    def _hosts(
        self, topology: Topology, kind: Kind, folder: Path, stack: contextlib.ExitStack
    ) -> tuple[Host, dict[str, DockerInstance]]:
        """A host for nginx and one for each instance, given back at the end."""
        pool, instances = self._services.pool, dict[str, DockerInstance]()
        with ThreadPoolExecutor(topology.instances + 1) as threads:
            kinds = [self._services.balancer, *(kind for _ in topology.instance_names)]
            taken = [threads.submit(pool.take, one) for one in kinds]

        def renew(lost: Host) -> Host:
            return pool.take(lost.kind, lost.address)

        balancer = taken[0].result()
        stack.callback(pool.give_back, balancer, folder)
        for name, future in zip(topology.instance_names, taken[1:], strict=True):
            instance = DockerInstance(
                name, future.result(), folder, self._plan.app.wsgi, topology.workers, renew
            )  # fmt: skip
            instances[name] = instance
            stack.callback(_give_back, pool, instance)
            open_folder(folder / f"{name}.d")
        return balancer, instances

    def _balance(
        self, topology: Topology, host: Host, instances: Mapping[str, DockerInstance], folder: Path
    ) -> Path:
        """Start nginx; its configuration."""
        open_folder(folder)
        config = folder / "nginx.conf"
        text = nginx.configuration(
            topology.name,
            AFFINITIES[topology.affinity],
            [instance.upstream for instance in instances.values()],
            BALANCER_PORT,
            topology.idle_timeout,
            topology.nginx,
            host=ANYWHERE,
        )
        config.write_text(text, encoding="utf-8")
        argv: list[str | Path] = ["nginx", "-p", folder, "-c", config, "-e", folder / "error.log"]
        task = host.program("nginx", argv, cwd=folder, log=folder / "nginx.log")
        nobody = {PIN_HEADER: f"{topology.instance_names[0]}/1"}  # not there yet: 502, and no evidence
        url = f"http://127.0.0.1:{host.published}/"
        try:
            processes.wait_ready(
                task, lambda: bool(requests.get(url, headers=nobody, timeout=30).status_code)
            )
        except HarnessError as error:
            check = host.run([*map(str, argv), "-t"], cwd=folder)
            if check.returncode != 0:
                refused = f"nginx refuses the configuration of {topology.name}: {check.stderr.strip()}"
                raise HarnessError(refused) from error
            raise
        return config

    def _connect(self, instances: Mapping[str, DockerInstance], values: dict[str, str]) -> Path:
        """Give each instance an sshd that the others know by its name; the configuration they use."""
        keys, nowhere = self._services.keys(), self._services.nowhere()
        folder = Path(values["folder"])
        for name, instance in instances.items():
            own = values | {"instance": name, "root": str(instance.root)}
            command = filling.filled("ssh_command", self._plan.app.ssh_command, own, self._plan)
            open_folder(folder / f"{name}.ssh")
            instance.ssh = sshd.configure(folder / f"{name}.ssh", keys, command, SSH_PORT, ANYWHERE)
        hosts = dict.fromkeys(instances, SSH_PORT)
        at = {name: instance.host.address for name, instance in instances.items()} | {"*": nowhere.address}
        config, asking = (
            sshd.client_config(
                folder / name, hosts, NOWHERE_PORT, keys, asks=name.endswith("asks"), addresses=at, user=USER
            )
            for name in ("ssh_config", "ssh_config_asks")
        )
        askpass = sshd.unanswered_prompt(folder / "askpass")
        askpass.chmod(0o755)
        values |= {"ssh_config": str(config), "ssh_config_asks": str(asking), "ssh_askpass": str(askpass)}
        return config


def _own(instance: DockerInstance, topology: Topology) -> dict[str, str]:
    return {
        "instance": instance.name,
        "root": str(instance.root),
        "peers": filling.peers(topology, instance.name),
        "evidence_log": str(instance.evidence_log),
    }


def _give_back(pool: Pool, instance: DockerInstance) -> None:
    pool.give_back(instance.host)


def _package(wsgi: str) -> str:
    return wsgi.partition(":")[0].partition(".")[0]
