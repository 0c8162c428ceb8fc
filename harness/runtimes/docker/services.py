"""What the deployments of a run share in Docker: the network, the pool of hosts, and the services.

Services are started once, on first need, as those of ``harness.runtimes.shared`` are.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar
from urllib.parse import urlsplit

from harness.errors import HarnessError
from harness.runtimes.docker import engine, image, parts
from harness.runtimes.docker.host import Host, Kind, Pool
from harness.runtimes.shared import Once
from harness.services import llm, sshd
from harness.workshop import Workshop

BALANCER_PORT = 8080
WEED = "/opt/weed"
"""Where the program ``weed`` lies in its image, and, on a volume, on hosts that mount."""

PRELOAD = ("gunicorn.app.wsgiapp", "gunicorn.workers.sync", "gunicorn.glogging", "harness.processes")

Part = TypeVar("Part")


class DockerServices:
    """What the deployments of a run share; a context manager that ends all of it.

    Args:
        workshop: where the files are that this machine reads.
        preload: modules that instances find imported already.
        cold: import nothing beforehand.
        llm_url: an OpenAI-compatible endpoint to use in place of the scripted one.

    Raises:
        PartMissing: no engine, or no image.
    """

    def __init__(
        self,
        workshop: Workshop,
        *,
        preload: Sequence[str] = (),
        cold: bool = False,
        llm_url: str | None = None,
    ) -> None:
        endpoint = _external(llm_url) if llm_url else None
        self.mark = secrets.token_hex(8)
        self.client = client = engine.connect()
        with contextlib.ExitStack() as stack:
            stack.callback(client.close)
            stack.callback(engine.remove, client, self.mark)
            engine.remove_forsaken(client)
            self._built = image.image(client, "instance")
            self.folder = workshop.folder("docker")
            self.folder.chmod(0o777)  # hosts write there, whose user is another; nobody enters from above
            self._network, addresses = engine.network(client, self.mark)
            self._stack = stack.pop_all()
        self.pool = Pool(self._host, addresses)
        self.instance = Kind("instance", self._built, () if cold else (*preload, *PRELOAD))
        self.balancer = Kind("nginx", self._built, publish=BALANCER_PORT)
        scripted = self._part(lambda: Kind("llm", self._built, publish=parts.LLM_PORT), parts.scripted_llm)
        self.llm: Callable[[], llm.LLM] = (lambda: endpoint) if endpoint else scripted
        self.redis = self._part(lambda: Kind("redis", self._built), parts.redis)
        self.seaweedfs = self._part(self._weed, parts.weed_mini)
        self.nowhere = self._part(lambda: Kind("nowhere", self._built), parts.nowhere)
        self.keys: Callable[[], sshd.Keys] = Once(
            self._stack,
            lambda: contextlib.nullcontext(parts.ssh_keys(self.nowhere(), self.new_folder("keys"))),
        )
        self.fuse: Callable[[], Kind | str] = Once(self._stack, lambda: contextlib.nullcontext(self._fuse()))

    def new_folder(self, name: str) -> Path:
        """A folder that this machine and every host see at the same path."""
        path = self.folder / f"{name[:12]}-{secrets.token_hex(4)}"
        open_folder(path)
        return path

    def _host(self, kind: Kind, address: str) -> Host:
        return Host(self.client, kind, self.mark, self.folder, self._network, address)

    def _part(self, kind: Callable[[], Kind], start: Callable[[Host, Path], Part]) -> Callable[[], Part]:
        """A service on a host of its own, started when it is first asked for."""

        def once() -> contextlib.AbstractContextManager[Part]:
            return contextlib.nullcontext(start(self.pool.take(kind()), self.new_folder(start.__name__)))

        return Once(self._stack, once)

    def _weed(self) -> Kind:
        """SeaweedFS's kind; its volume is filled from its image (docker volume create)."""
        built = image.image(self.client, "seaweedfs")
        self.client.volumes.create(self._weed_volume, labels=engine.labels(self.mark))
        return Kind("seaweedfs", built, publish=parts.FILER_PORT, volumes=((WEED, self._weed_volume),))

    @property
    def _weed_volume(self) -> str:
        return f"second-instance-{self.mark}-weed"

    def _fuse(self) -> Kind | str:
        """The kind of instances that mount file systems; or why there is none."""
        self.seaweedfs()  # for its volume
        kind = Kind("instance", self._built, self.instance.preload, 0, True, ((WEED, self._weed_volume),))
        try:
            self.pool.give_back(self.pool.take(kind))
        except HarnessError as error:
            return f"/dev/fuse cannot be given to containers of this engine ({error})"
        return kind

    def __enter__(self) -> DockerServices:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def open_folder(path: Path) -> None:
    """A folder that hosts may write in, whose user is another; nobody else enters from above."""
    path.mkdir()
    path.chmod(0o777)


def _external(url: str) -> llm.LLM:
    if urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1"):
        raise HarnessError(
            f"--llm: {url!r} is the container itself to an instance; name an address it reaches"
        )
    return llm.external(url)
