"""The images that everything runs in, built from docker/Dockerfile when what goes into them has changed.

The tag is the sum of what goes in, so an image that is there is the right one. ``python -m`` this module
builds them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import docker
from docker.errors import APIError, BuildError, DockerException, ImageNotFound

from harness.errors import HarnessError, PartMissing

ROOT = Path(__file__).parents[3]
REPOSITORY = "second-instance"
LABEL = "second-instance.image"
WHEELS = "second-instance.wheels"
TARGETS = ("instance", "seaweedfs")
SOURCES = (
    "docker/Dockerfile",
    "docker/requirements.txt",
    "constraints.txt",
    "reference_app",
    "scenarios",
    "harness",
)
LOCAL = {"BASE_IMAGE": "second-instance/base", "BUILD_IMAGE": "second-instance/build"}
"""What docker/offline-base calls what it builds."""


def image(client: docker.DockerClient, target: str) -> str:
    """The tag of an image of this code, built if it is not there.

    Raises:
        PartMissing: its bases are not there and cannot be fetched. HarnessError: it cannot be built.
    """
    if not (ROOT / "docker/Dockerfile").is_file():
        raise PartMissing(
            "docker image", f"no docker/Dockerfile in {ROOT}", "git clone: the images are built from it"
        )
    tag = f"{REPOSITORY}/{target}:{_sum()}"
    try:
        client.images.get(tag)
    except ImageNotFound:
        _build(client, target, tag)
    return tag


def remove(client: docker.DockerClient) -> list[str]:
    """Remove built images that nothing runs in. Their tags."""
    gone = []
    for found in client.images.list(filters={"label": LABEL}):
        for tag in found.tags:
            if not tag.endswith(":compose"):
                with contextlib.suppress(APIError):  # in use
                    client.images.remove(tag)
                    gone.append(tag)
    return gone


def bases(client: docker.DockerClient) -> dict[str, str]:
    """The base images: the environment's, else docker/offline-base's, else those of images.env."""
    named = dict(line.split("=", 1) for line in _lines(ROOT / "docker/images.env"))
    return {key: os.environ.get(key) or _local(client, key) or named[key] for key in LOCAL}


def _build(client: docker.DockerClient, target: str, tag: str) -> None:
    arguments = bases(client)
    try:
        client.images.build(
            path=str(ROOT), dockerfile="docker/Dockerfile", target=target, tag=tag, buildargs=arguments,
            labels={LABEL: target}, rm=True, forcerm=True,
        )  # fmt: skip
    except BuildError as error:
        lines = [str(line.get("stream") or line.get("error") or "").strip() for line in error.build_log]
        last = "\n".join([line for line in lines if line][-5:])
        raise HarnessError(f"docker: the image {tag} cannot be built:\n{last}") from error
    except DockerException as error:
        reason = f"{tag} cannot be built from {', '.join(arguments.values())}: {error}"
        raise PartMissing(
            "docker image", reason, "docker/offline-base, where no registry is reached"
        ) from error


def _local(client: docker.DockerClient, key: str) -> str | None:
    try:
        found = client.images.get(LOCAL[key])
    except ImageNotFound:
        return None
    if found.labels.get(WHEELS, _wheels()) != _wheels():
        reason = f"{LOCAL[key]} holds other packages than docker/requirements.txt and constraints.txt name"
        raise PartMissing("docker image", reason, "docker/offline-base")
    return LOCAL[key]


def _wheels() -> str:
    """What docker/offline-base labels the build image with."""
    files = (ROOT / "docker/requirements.txt", ROOT / "constraints.txt")
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]


def _lines(path: Path) -> list[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _sum() -> str:
    found = hashlib.sha256()
    for path in _files():
        found.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return found.hexdigest()[:12]


def _files() -> Iterator[Path]:
    for source in SOURCES:
        path = ROOT / source
        inside = [path] if path.is_file() else sorted(path.rglob("*"))
        yield from (one for one in inside if one.is_file() and one.suffix != ".pyc")


if __name__ == "__main__":
    from harness.runtimes.docker import engine

    try:
        for name in TARGETS:
            print(image(engine.connect(), name))
    except HarnessError as error:
        sys.exit(str(error))
