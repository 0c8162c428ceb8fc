"""The Docker engine: found as the docker command finds it; and whose is what on it.

Everything that a run creates carries two labels: whose run it is, and which process that run's harness is.
So whatever a killed harness has left is known, and removed by the next one.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import platform
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import docker
import psutil
from docker.context import ContextAPI
from docker.errors import APIError, DockerException, NotFound

from harness.errors import HarnessError, PartMissing

RUN = "second-instance.run"
"""Label: the mark of a run."""

OWNER = "second-instance.owner"
"""Label: ``machine pid start`` of the harness process."""

INSTALL = (
    "apt-get install docker.io, and start dockerd (or name an engine by DOCKER_HOST or a docker context)"
)
SECONDS = 120
"""How long an engine may take to answer: generous, for a busy machine."""


NETWORK_ATTEMPTS = 5


def connect() -> docker.DockerClient:
    """The engine of DOCKER_HOST, else of DOCKER_CONTEXT or the current context.

    Raises:
        PartMissing: none answers, or one whose published ports are another machine's.
    """
    address, tls = _address()
    where = address or "the default socket"
    parts = urlsplit(address or "")
    if parts.scheme in ("tcp", "http", "https", "ssh") and parts.hostname not in (
        "127.0.0.1",
        "localhost",
        "::1",
    ):
        reason = (
            f"the engine at {where} is on another machine: what it publishes on 127.0.0.1 cannot be reached"
        )
        raise PartMissing("docker", reason, INSTALL)
    try:
        if os.environ.get("DOCKER_HOST"):
            client = docker.from_env(timeout=SECONDS)
        else:
            client = docker.DockerClient(base_url=address, tls=tls, timeout=SECONDS)
        client.ping()
    except (DockerException, OSError) as error:
        reason = f"no engine answers at {where} ({_gist(error)})"
        raise PartMissing("docker", reason, INSTALL) from error
    return client


def _address() -> tuple[str | None, Any]:
    if host := os.environ.get("DOCKER_HOST"):
        return host, None
    name = os.environ.get("DOCKER_CONTEXT")
    context = ContextAPI.get_context(name)
    if context is None:
        raise PartMissing("docker", f"there is no docker context {name!r}", INSTALL)
    return context.Host, context.TLSConfig


def _gist(error: Exception) -> str:
    words = str(error).splitlines()[0] if str(error) else type(error).__name__
    return words.rpartition("(")[2].rstrip(")'\" ") or words


def labels(mark: str) -> dict[str, str]:
    """For everything that this process creates in a run."""
    return {RUN: mark, OWNER: _owner(psutil.Process())}


def _owner(process: psutil.Process) -> str:
    return f"{platform.node()} {process.pid} {process.create_time():.2f}"


def remove(client: docker.DockerClient, mark: str) -> None:
    """Remove the containers, volumes and networks of a run; nothing of it may be left.

    Raises:
        HarnessError: something could not be removed.
    """
    mine: dict[str, Any] = {"label": f"{RUN}={mark}"}
    try:
        containers = client.containers.list(all=True, filters=mine, ignore_removed=True)
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(remove_container, containers))
        for volume in client.volumes.list(filters=mine):
            volume.remove()
        for network in client.networks.list(filters=mine):
            network.remove()
    except (DockerException, OSError) as error:
        raise HarnessError(f"docker: what run {mark} created could not be removed: {error}") from error


def remove_container(container: Any) -> None:
    """Remove a container and the volumes without a name that are its own."""
    try:
        container.remove(force=True, v=True)
    except NotFound:
        return
    except APIError as error:
        if error.status_code != 409:  # somebody else is removing it already
            raise


def remove_forsaken(client: docker.DockerClient) -> list[str]:
    """Remove what runs have left whose harness was killed; their marks."""
    listed = [
        *(
            one.labels
            for one in client.containers.list(all=True, filters={"label": RUN}, ignore_removed=True)
        ),
        *(one.attrs.get("Labels") for one in client.volumes.list(filters={"label": RUN})),
        *(one.attrs.get("Labels") for one in client.networks.list(filters={"label": RUN})),
    ]
    forsaken = {found[RUN] for found in listed if found and not _lives(found)}
    for mark in forsaken:
        remove(client, mark)
    return sorted(forsaken)


def _lives(found: Mapping[str, str]) -> bool:
    """Whether the harness that created something still runs; one of another machine may."""
    machine, pid, _ = found[OWNER].rsplit(" ", 2)
    if machine != platform.node():
        return True
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(int(pid))
        return process.status() != psutil.STATUS_ZOMBIE and _owner(process) == found[OWNER]
    return False


def network(client: docker.DockerClient, mark: str) -> tuple[str, Iterator[str]]:
    """A new network: its name, and addresses in it that nobody has.

    The engine gives fixed addresses only in a network whose range was asked for. So it is made once
    without, to see which range is free.

    Raises:
        HarnessError: the engine refuses.
    """
    name = f"second-instance-{mark}"
    try:
        for _ in range(NETWORK_ATTEMPTS):
            probe = client.networks.create(name, labels=labels(mark))
            probe.reload()
            subnet = probe.attrs["IPAM"]["Config"][0]["Subnet"]
            probe.remove()
            ipam = docker.types.IPAMConfig(pool_configs=[docker.types.IPAMPool(subnet=subnet)])
            with contextlib.suppress(APIError):  # another run was faster
                client.networks.create(name, labels=labels(mark), ipam=ipam)
                addresses = ipaddress.ip_network(subnet).hosts()
                next(addresses)  # the gateway's
                return name, map(str, addresses)
    except (DockerException, OSError) as error:
        raise HarnessError(f"docker: no network: {error}") from error
    raise HarnessError(
        f"docker: no network: no range of addresses stayed free in {NETWORK_ATTEMPTS} attempts"
    )
