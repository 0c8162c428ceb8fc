"""A container as a host: its agent starts, ends and asks; and a pool of hosts that are used again.

A deployment takes its hosts from the pool. When it gives one back, the agent kills all that runs on it and
empties its disk. A host that was lost never comes back.
"""

from __future__ import annotations

import json
import signal
import struct
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import docker
from docker.errors import DockerException

from harness import processes
from harness.errors import HarnessError
from harness.runtimes.docker import engine

AGENT = "/opt/second-instance/agent.py"
DISK = Path("/srv/instance")
"""What is a host's own: a volume without a name, which ends with its container."""

ANSWER_SECONDS = 300.0
"""What an agent may take for anything: the longest is to import an app, on a machine busy with others."""


@dataclass(frozen=True)
class Kind:
    """What hosts can be.

    Attributes:
        preload: modules that programs in Python find imported.
        publish: a port that this machine reaches, on 127.0.0.1; 0 for none.
        fuse: it may mount file systems.
        volumes: named volumes, by the folder they are seen in.
    """

    name: str
    image: str
    preload: tuple[str, ...] = ()
    publish: int = 0
    fuse: bool = False
    volumes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Task:
    """A program that a host's agent has started. See ``harness.processes.Started``."""

    name: str
    host: Host
    pid: int
    log: Path

    @property
    def exit_code(self) -> int | None:
        found: int | None = self.host.order("code", pid=self.pid)["code"]
        return found

    def tail(self) -> str:
        return processes.tail(self.log)

    def send(self, number: signal.Signals) -> None:
        self.host.order("send", pid=self.pid, number=int(number))


class Host:
    """A running container and the line to its agent.

    Args:
        shared: folder of this machine that every host sees at the same path.
        network, address: where it is.
    """

    def __init__(
        self, client: docker.DockerClient, kind: Kind, mark: str, shared: Path, network: str, address: str
    ) -> None:
        self.kind, self.address = kind, address
        self._client = client
        self._lock = threading.Lock()
        self._line: Any = None
        mounts = [docker.types.Mount(str(shared), str(shared), type="bind")]
        mounts.append(docker.types.Mount(str(DISK), None, type="volume"))
        mounts += [docker.types.Mount(folder, name, type="volume") for folder, name in kind.volumes]
        options: dict[str, Any] = {"cap_drop": ["ALL"], "read_only": True, "stdin_open": True}
        options["security_opt"] = ["no-new-privileges"]
        if kind.fuse:  # fusermount3 gains the right to mount by being root's
            options["security_opt"] = ["apparmor=unconfined"]
            options |= {"cap_add": ["SYS_ADMIN", "SETUID", "SETGID"], "devices": ["/dev/fuse"]}
        if kind.publish:
            options["ports"] = {f"{kind.publish}/tcp": ("127.0.0.1", None)}
        self._container = client.containers.create(
            kind.image,
            ["python3", "-P", AGENT, *kind.preload],
            name=f"second-instance-{mark}-{address.replace('.', '-')}",
            hostname=kind.name,
            labels=engine.labels(mark),
            network=network,
            networking_config={network: client.api.create_endpoint_config(ipv4_address=address)},
            mounts=mounts,
            tmpfs={"/tmp": "exec,mode=1777"},  # noqa: S108
            healthcheck={"test": ["NONE"]},
            **options,
        )
        assert self._container.id is not None
        self._id: str = self._container.id

    def start(self) -> None:
        """Start it; its agent has imported everything then.

        Raises:
            HarnessError: its agent does not answer.
        """
        wanted = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
        self._raw: Any = self._client.api.attach_socket(self._id, params=wanted)
        self._line = getattr(self._raw, "_sock", self._raw)
        self._line.settimeout(ANSWER_SECONDS)
        self._container.start()
        if self.kind.fuse:  # the machine's own may be root's alone; this is the container's
            self._container.exec_run(["chmod", "666", "/dev/fuse"], user="root")
        self._answer("start")

    @property
    def published(self) -> int:
        """The port of 127.0.0.1 by which this machine reaches the port that its kind publishes."""
        self._container.reload()
        found = self._container.attrs["NetworkSettings"]["Ports"][f"{self.kind.publish}/tcp"]
        return int(found[0]["HostPort"])

    def order(self, do: str, **what: Any) -> Mapping[str, Any]:
        """Have the agent do something.

        Raises:
            HarnessError: it cannot, or does not answer.
        """
        with self._lock:
            try:
                self._line.sendall(json.dumps({"do": do, **what}).encode() + b"\n")
            except OSError as error:
                raise HarnessError(f"container {self.kind.name}: its agent is gone: {error}") from error
            found = self._answer(do)
        if "error" in found:
            raise HarnessError(f"container {self.kind.name}: {do}: {found['error']}")
        return found

    def program(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        cwd: Path,
        log: Path,
        env: Mapping[str, str] | None = None,
        module: bool = False,
    ) -> Task:
        """Start a program on it, or a Python module with what the agent has imported."""
        words = [str(word) for word in argv]
        found = self.order("start", argv=words, cwd=str(cwd), log=str(log), env=env or {}, module=module)
        return Task(name, self, found["pid"], log)

    def run(
        self, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str] | None = None, seconds: float = 30
    ) -> CompletedProcess[str]:
        """Run a command on it to its end."""
        found = self.order("run", argv=list(argv), cwd=str(cwd), env=env or {}, seconds=seconds)
        return CompletedProcess(list(argv), found["code"], found["out"], found["err"])

    def hears(self, port: int, greeting: str = "") -> bool:
        """Whether something on it answers at a port of its address, and begins with ``greeting``."""
        found = self.order("hears", address=self.address, port=port, greeting=len(greeting))
        return bool(found["answers"]) and found["said"] == greeting

    def kill_all(self) -> None:
        """Kill everything that runs on it; its disk stays."""
        self.order("reset", folders=[str(DISK)], empty=False)

    def lose(self) -> None:
        """Remove it, and its disk with it."""
        engine.remove_container(self._container)
        if self._line is not None:
            self._raw.close()
            self._line.close()

    def _answer(self, asked: str) -> Mapping[str, Any]:
        said, complaints = b"", b""
        while not said.endswith(b"\n"):
            try:
                stream, size = struct.unpack(">BxxxL", self._exactly(8))
                piece = self._exactly(size)
            except (OSError, EOFError) as error:
                words = complaints.decode(errors="replace").strip().splitlines()
                raise HarnessError(
                    f"container {self.kind.name}: its agent does not answer to {asked!r} "
                    f"({type(error).__name__}){': ' + words[-1] if words else ''}"
                ) from error
            if stream == 1:
                said += piece
            else:
                complaints += piece
        found: Mapping[str, Any] = json.loads(said)
        return found

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._line.recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return data


class Pool:
    """Hosts by kind: made when none is idle, idle when given back."""

    def __init__(self, make: Callable[[Kind, str], Host], addresses: Iterator[str]) -> None:
        self._make, self._addresses = make, addresses
        self._idle: dict[Kind, list[Host]] = defaultdict(list)
        self._lock = threading.Lock()
        self._taken: list[Host] = []  # a host whose line nobody holds open would end

    def take(self, kind: Kind, address: str | None = None) -> Host:
        """A host in the state of a new one; a new one indeed if it must have a certain address.

        Raises:
            HarnessError: the engine refuses, or the host does not come up.
        """
        with self._lock:
            if address is None and self._idle[kind]:
                return self._idle[kind].pop()
            address = address or next(self._addresses)
        try:
            host = self._make(kind, address)
            host.start()
        except DockerException as error:
            raise HarnessError(f"docker: a container {kind.name} did not start: {error}") from error
        self._taken.append(host)
        return host

    def give_back(self, host: Host, *folders: Path) -> None:
        """Take a host back that runs, emptied, these folders too; one that cannot be is removed."""
        try:
            host.order("reset", folders=[str(DISK), "/tmp", *map(str, folders)], empty=True)  # noqa: S108
        except HarnessError:
            host.lose()
            return
        with self._lock:
            self._idle[host.kind].append(host)
