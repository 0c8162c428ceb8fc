"""Killed at any moment, the commands leave nothing behind; they judge alike side by side and under stress.

The short form of what ``tests/endurance`` does a hundred times.
"""

import os
import random
import signal

import pytest

from tests.endurance import killed, runs, same
from tests.endurance.stress import burning

MATRIX = runs.matrix(["efs", "s3-redis", "sync-repaired"], ["upload-then-chat"])
SMALL = runs.matrix(["s3-redis", "baseline"], ["upload-a-chat-b"])
VERDICTS = {("s3-redis", "upload-a-chat-b"): "works", ("baseline", "upload-a-chat-b"): "broken: D01"}


@pytest.mark.parametrize(
    ("topology", "number"),
    [("s3-redis", signal.SIGINT), ("efs", signal.SIGTERM), ("efs", signal.SIGKILL)],
)
def test_a_topology_that_is_up_is_gone_after(topology, number):
    with runs.started("up", topology) as run:
        run.wait(until=lambda: "Ctrl-C stops it." in run.stdout)
        assert not run.ended, run.complaint()
        run.watch.look()  # the last look may have been before nginx came
        assert {"nginx", "weed"} <= {process.name() for process in run.watch.running()}
        run.process.send_signal(number)
        run.wait(runs.END_SECONDS)
        assert run.process.poll() == {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -9}[number]
        assert run.left_behind() == []


@pytest.fixture(scope="module")
def plans():
    """In set-up, in a cell, in clean-up."""
    return list(killed.plans(killed.calm(MATRIX), 6, random.Random()))


@pytest.mark.parametrize("number", range(6))
def test_killed_at_a_random_moment(number, plans):
    attempt = killed.attempt(plans[number], MATRIX, with_next=number in (0, 5))
    assert attempt.problems == (), attempt.plan


def test_two_runs_at_once_do_not_meet():
    assert [outcome.problems for outcome in same.at_once(2, SMALL, VERDICTS)] == [(), ()]


def test_a_busy_machine_changes_no_verdict():
    with burning(burners=2 * (os.cpu_count() or 1), writers=1):
        (outcome,) = same.at_once(1, SMALL, VERDICTS)
    assert outcome.problems == ()
