"""Timed journeys: a time for each request, on a deployment kept up, and only if the answers were right."""

import contextlib

import pytest

from harness.errors import HarnessError
from harness.timed import Stopwatch, Timed


class Runtime:
    """Brings up a fake deployment, and counts."""

    name = "fake"

    def __init__(self, deployment):
        self._deployment, self.ups, self.downs = deployment, 0, 0

    @contextlib.contextmanager
    def up(self, topology):
        self.ups += 1
        yield self._deployment
        self.downs += 1


class Plan:
    def __init__(self, topology):
        self.topology = lambda name: topology


@pytest.fixture
def runtime(deployment, server):
    return Runtime(deployment(url=server.url))


def timed(right=True):
    def story(run):
        user = run.user()
        seen = [user.request("GET", "/", label=label) for label in ("one", "two")]
        run.must("the second is right", right, seen[1], "it was not")

    return Timed("1 MB", ("first", "second"), story, ("two",))


def test_one_performance_gives_a_time_for_each_step(runtime, topology, server):
    with contextlib.ExitStack() as stack:
        stopwatch = Stopwatch(Plan(topology()), runtime, stack)
        taken = [stopwatch.seconds(timed(), "two", step) for step in ("first", "second")]
        assert all(seconds > 0 for seconds in taken)
        assert len(server.requests) == 2
        stopwatch.seconds(timed(), "two", "second")
        stopwatch.seconds(timed(), "two", "second")
        assert len(server.requests) == 6
        assert (runtime.ups, runtime.downs) == (1, 0)
    assert runtime.downs == 1


def test_a_wrong_answer_has_no_time(runtime, topology):
    with contextlib.ExitStack() as stack:
        stopwatch = Stopwatch(Plan(topology()), runtime, stack)
        with pytest.raises(HarnessError, match="1 MB on two cannot be timed: the second is right: it was no"):
            stopwatch.seconds(timed(right=False), "two", "first")
