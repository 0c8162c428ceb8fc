"""Containers on a real engine. One xdist worker runs all of this: there is one engine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import project
from harness.errors import PartMissing
from harness.runtimes.docker import engine, image
from harness.runtimes.docker.runtime import DockerRuntime
from harness.runtimes.docker.services import DockerServices
from harness.runtimes.process import ProcessRuntime
from harness.runtimes.shared import SharedServices
from harness.workshop import Workshop, open_workshop

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("docker"))


@pytest.fixture(scope="session")
def client():
    """The engine, with the images of this code; where there is none, the tests are skipped and say why."""
    try:
        found = engine.connect()
        for target in image.TARGETS:
            image.image(found, target)
    except PartMissing as error:
        if os.environ.get("DOCKER_TESTS") == "required":
            raise
        pytest.skip(str(error))
    yield found
    found.close()


@pytest.fixture(scope="session")
def known() -> project.Project:
    return project.load()


@pytest.fixture(scope="session")
def workshop() -> Iterator[Workshop]:
    with open_workshop() as opened:
        yield opened


@pytest.fixture(scope="session")
def services(client, workshop, known) -> Iterator[DockerServices]:
    with DockerServices(workshop, preload=known.plan.app.preload) as shared:
        yield shared


@pytest.fixture(scope="session")
def containers(services, known) -> DockerRuntime:
    return DockerRuntime(known.plan, services)


@pytest.fixture(scope="session")
def processes(workshop, known) -> Iterator[ProcessRuntime]:
    with SharedServices(workshop, preload=known.plan.app.preload) as shared:
        yield ProcessRuntime(known.plan, shared)
