"""The embedded default: a topology as processes on this machine, without root or Docker.

user -> nginx -+-> gunicorn A (workers 1..n) -> A's root folder -+-> Redis, SeaweedFS: where the
               `-> gunicorn B (workers 1..n) -> B's root folder -+   topology needs them, and the LLM
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from harness import ports, processes
from harness.client import PIN_HEADER
from harness.errors import HarnessError
from harness.observe import EvidenceLog
from harness.services import AFFINITIES, Affinity, llm, nginx, redis, seaweedfs
from harness.topology import Plan, Topology
from harness.workshop import Workshop

_PRELOAD = ("gunicorn.app.wsgiapp", "gunicorn.workers.sync", "gunicorn.glogging")
_PRELOAD_LLM = ("harness.services.scripted_llm.__main__",)


@dataclass
class ProcessDeployment:
    """A topology that is up, as processes. See ``harness.runtimes.Deployment``."""

    topology: Topology
    affinity: Affinity
    url: str
    folder: Path
    notes: tuple[str, ...]
    config: Path
    _model: llm.LLM
    _instances: Mapping[str, processes.Child]
    _evidence: EvidenceLog
    _lost: set[str] = field(default_factory=set)

    @property
    def lost(self) -> frozenset[str]:
        return frozenset(self._lost)

    def evidence(self) -> Mapping[str, Mapping[str, Any]]:
        return self._evidence.read()

    def kill(self, instance: str) -> None:
        self._instances[instance].kill()
        self._lost.add(instance)
        shutil.rmtree(self.folder / instance, ignore_errors=True)

    def set_llm_fault(self, fault: str) -> None:
        self._model.set_fault(fault)


class ProcessRuntime:
    """Starts every part of a topology itself.

    Args:
        plan: the topologies file.
        workshop: where everything lives, and who cleans up.
        cold: start each gunicorn from nothing instead of forking it from a warm parent.
        llm_url: an OpenAI-compatible endpoint to use in place of the scripted one.
    """

    name = "process"

    def __init__(
        self, plan: Plan, workshop: Workshop, *, cold: bool = False, llm_url: str | None = None
    ) -> None:
        self._plan, self._workshop = plan, workshop
        self._endpoint = llm.external(llm_url) if llm_url else None
        preload = [*plan.app.preload, *_PRELOAD, *_PRELOAD_LLM]
        self._launcher = processes.PythonLauncher(workshop.root, warm=not cold, preload=preload)

    @contextlib.contextmanager
    def up(self, topology: Topology) -> Iterator[ProcessDeployment]:
        folder = self._workshop.folder(topology.name)
        needs = self._plan.needs(topology)
        affinity = AFFINITIES[topology.affinity]
        with contextlib.ExitStack() as stack:
            values = {"secret": secrets.token_hex(32)}
            upstreams = [_upstream(folder, name, topology.workers) for name in topology.instance_names]
            balancer = nginx.start(topology.name, affinity, upstreams, _subfolder(folder, "nginx"))
            stack.enter_context(processes.running(balancer.child))
            model = self._endpoint or llm.start(self._launcher, folder, topology.llm)
            if model.child is not None:
                stack.enter_context(processes.running(model.child))
            values |= {"llm_url": model.base_url, "llm_key": model.api_key, "llm_model": model.model}
            if "redis" in needs:
                server = redis.start(_subfolder(folder, "redis"))
                stack.enter_context(processes.running(server.child))
                values["redis_url"] = server.url
            shared = _SharedFiles(folder)
            if "s3" in needs or "shared-files" in needs:
                weed = seaweedfs.start(_subfolder(folder, "weed"), self._workshop)
                stack.enter_context(processes.running(weed.child))
                values |= {"s3_url": weed.s3_url, "s3_bucket": seaweedfs.BUCKETS[0]}
                values |= {"s3_access_key": weed.access_key, "s3_secret_key": weed.secret_key}
                if "shared-files" in needs:
                    shared.mount(weed, topology.instance_names, stack)
            children = {}
            for upstream in upstreams:
                env = self._environment(
                    topology, upstream.name, folder, {**values, **shared.values(upstream.name)}
                )
                children[upstream.name] = self._start_instance(topology, upstream, folder, env)
                stack.enter_context(processes.running(children[upstream.name]))
            model.wait_ready()
            for name, child in children.items():
                for worker in range(1, topology.workers + 1):
                    self._wait_worker(child, balancer.url, f"{name}/{worker}")
            logs = [_evidence_log(folder, name) for name in topology.instance_names]
            names = {f"{folder}/{name}/": f"{name}:/" for name in topology.instance_names}
            names |= {f"{shared.root(name)}/": "shared-files:/" for name in topology.instance_names}
            yield ProcessDeployment(
                topology=topology,
                affinity=affinity,
                url=balancer.url,
                folder=folder,
                notes=shared.notes,
                config=balancer.config,
                _model=model,
                _instances=children,
                _evidence=EvidenceLog(logs, names),
            )

    def _environment(
        self, topology: Topology, instance: str, folder: Path, values: Mapping[str, str]
    ) -> dict[str, str]:
        """The instance's environment: the app's, its strategies', then the topology's extra."""
        values = {
            **values,
            "instance": instance,
            "root": str(folder / instance),
            "evidence_log": str(_evidence_log(folder, instance)),
        }
        env: dict[str, str] = {}
        env.update(self._plan.app.env)
        for strategy in self._plan.strategies(topology):
            env.update(strategy.env)
        env.update(topology.env.get(instance, {}))
        return {key: _filled(key, text, values, self._plan.path) for key, text in env.items()}

    def _start_instance(
        self, topology: Topology, upstream: nginx.Upstream, folder: Path, env: Mapping[str, str]
    ) -> processes.Child:
        doors = upstream.sockets[0].parent
        doors.mkdir()
        arguments = ["-c", f"python:{__package__}.gunicorn_conf", "-w", str(topology.workers)]
        return self._launcher.start(
            f"instance {upstream.name} of {topology.name}",
            "gunicorn",
            [*arguments, "-b", f"127.0.0.1:{upstream.port}", self._plan.app.wsgi],
            cwd=_subfolder(folder, upstream.name),
            log=folder / f"{upstream.name}.log",
            env={**env, "HARNESS_SOCKETS": str(doors)},
        )

    def _wait_worker(self, child: processes.Child, url: str, pin: str) -> None:
        last = "nothing"

        def ready() -> bool:
            nonlocal last
            answer = requests.get(url + self._plan.app.ready, headers={PIN_HEADER: pin}, timeout=30)
            last = f"HTTP {answer.status_code}"
            if answer.headers.get("Content-Type", "").startswith("application/json"):
                last += f" {answer.text[:500].strip()}"
            if answer.status_code != 200:
                time.sleep(0.02)
            return answer.status_code == 200

        try:
            processes.wait_ready(child, ready)
        except HarnessError as error:
            asked = f"{self._plan.app.ready} of worker {pin} last answered {last}"
            raise HarnessError(f"{error}\n{asked}") from error


class _SharedFiles:
    """The tree that all instances see: a mount each, or where FUSE is missing one folder for all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._missing = seaweedfs.fuse_missing()
        self.notes: tuple[str, ...] = ()

    def mount(
        self, weed: seaweedfs.SeaweedFS, instances: tuple[str, ...], stack: contextlib.ExitStack
    ) -> None:
        if self._missing:
            self.notes = (f"a shared folder stands in for the network file system: {self._missing}",)
            return
        for name in instances:
            stack.enter_context(processes.running(seaweedfs.mount(weed, self.root(name))))

    def values(self, instance: str) -> dict[str, str]:
        root = self.root(instance)
        if self._missing:
            root.mkdir(exist_ok=True)
        return {"shared_root": str(root), "shared_is_mount": "no" if self._missing else "yes"}

    def root(self, instance: str) -> Path:
        return self._folder / ("shared" if self._missing else f"mount-{instance}")


def _upstream(folder: Path, name: str, workers: int) -> nginx.Upstream:
    doors = folder / f"{name}.d"
    return nginx.Upstream(
        name, ports.reserve_port(), tuple(doors / f"{n}.sock" for n in range(1, workers + 1))
    )


def _evidence_log(folder: Path, instance: str) -> Path:
    return folder / f"{instance}.evidence.jsonl"  # outside the instance's root, to outlive it


def _subfolder(folder: Path, name: str) -> Path:
    path = folder / name
    path.mkdir()
    return path


def _filled(key: str, text: str, values: Mapping[str, str], path: Path) -> str:
    try:
        return text.format_map(values)
    except (KeyError, ValueError, IndexError) as error:
        raise HarnessError(
            f"{path}: env {key}: cannot fill in {text!r} ({error}); known here: {', '.join(sorted(values))}"
        ) from error
