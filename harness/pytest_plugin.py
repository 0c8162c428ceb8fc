"""The pytest plugin: ``cluster``, your app on several instances; ``@pytest.mark.topology(...)``, which.

It is loaded in every run of pytest on an environment that has this package: nothing of the harness is
imported before a test asks for a cluster.
"""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from harness.cluster import Cluster, Clusters

MARK = "topology"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("harness_toml", "how to run the app for the fixture cluster", default="harness.toml")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        f"{MARK}(app, health, env, instances, workers, affinity, fresh): the cluster of this test, where it "
        "is other than harness.toml says",
    )


@pytest.fixture(scope="session")
def _clusters() -> Iterator[Clusters]:
    from harness.cluster import Clusters
    from harness.workshop import open_workshop

    with open_workshop() as workshop, contextlib.ExitStack() as stack:
        yield Clusters(workshop, stack)


@pytest.fixture
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """Your app on several instances behind nginx; see docs/pytest.md."""
    from harness.errors import HarnessError, PartMissing

    asked: dict[str, Any] = {}
    for mark in reversed(list(request.node.iter_markers(MARK))):  # the closest one has the last word
        asked |= mark.kwargs
    config = request.config.rootpath / request.config.getini("harness_toml")
    with contextlib.ExitStack() as stack:
        try:
            clusters: Clusters = request.getfixturevalue("_clusters")
            found = stack.enter_context(clusters.use(config, asked))
        except PartMissing as missing:
            pytest.skip(str(missing))
        except HarnessError as error:
            pytest.fail(str(error), pytrace=False)
        yield found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a failed test show who served what, and the end of each instance's log."""
    report = yield
    used: Any = getattr(item, "funcargs", {}).get("cluster")
    if report.when == "call" and report.failed and hasattr(used, "told"):  # else somebody else's cluster
        report.sections += list(used.told())
    return report
