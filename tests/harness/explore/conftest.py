"""Small apps, each run by its command, and journeys through them."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from harness import anyapp
from harness.explore import sites
from harness.explore.site import Site
from harness.journey import Journey, Request
from harness.workshop import Workshop, open_workshop

APPS = Path(__file__).parent / "apps"


@pytest.fixture(scope="session")
def workshop() -> Iterator[Workshop]:
    with open_workshop() as opened:
        yield opened


@pytest.fixture(scope="session")
def up(workshop: Workshop) -> Iterator[Callable[..., tuple[Site, Site]]]:
    """One instance of an app, and a topology of it; each kept up to the end, for all who ask for the same."""
    with ExitStack() as stack:
        known = {}

        def start(command, instances=2, workers=1, by_instance=None, **fields):
            key = (command, instances, workers, str(by_instance), str(fields))
            if key not in known:
                app = dataclasses.replace(anyapp.given(command), folder=APPS, **fields)
                topology = anyapp.topology(app, instances, workers, env=by_instance)
                known[key] = stack.enter_context(sites(app, topology, workshop))
            return known[key]

        yield start


@pytest.fixture(scope="session")
def note() -> Journey:
    """Keep a note, do something else, and read it again."""
    return Journey(
        "note",
        (
            Request("GET", "/"),
            Request("POST", "/note", body="{{random}}"),
            Request("GET", "/"),
            Request("GET", "/note"),
        ),
    )
