"""From what requests showed to a history: what is known of each, and what is not."""

import pytest

from harness.checks.plays import history, violations
from harness.observe import Access
from harness.plays import Play
from harness.scenario import BALANCED

MINE = "the data of user"


@pytest.fixture
def play(seen):
    """A play of an upload to A and a question to B, changed as asked."""

    def make(upload=None, ask=None, shown=None, **fields):
        sent = seen("1", access=Access("user", "write", MINE, "a.csv", "uploaded"), **(upload or {}))
        asked = seen("2", instance="B", access=Access("user", "read", MINE, shown), **(ask or {}))
        return Play(BALANCED, [sent, seen("status"), asked], **fields)

    return make


def broken(play):
    return [found.guarantee for found in violations(play)]


def test_what_requests_did_becomes_a_history(play):
    upload, ask = history(play(shown="a.csv")).operations
    assert (upload.kind, upload.version, upload.instance, upload.outcome) == ("write", "a.csv", "A", "ok")
    assert (ask.kind, ask.version, ask.instance, ask.outcome) == ("read", "a.csv", "B", "ok")
    assert upload.finished < ask.started
    assert broken(play(shown="a.csv")) == []


def test_a_broken_play_names_the_guarantee(play):
    assert broken(play()) == ["read-your-writes"]
    lost = play(lost=["A"])
    lost.lost_at = [lost.observations[0].started + 0.5]
    assert broken(lost) == ["read-your-writes", "durability"]
    assert broken(play(upload={"evidence": {"runs": 2}}, shown="a.csv")) == ["at-most-once"]


@pytest.mark.parametrize(("status", "outcome"), [(413, "failed"), (502, "unknown"), (None, "unknown")])
def test_an_upload_that_was_not_accepted_promises_nothing(play, status, outcome):
    made = play(upload={"status": status})
    assert history(made).operations[0].outcome == outcome
    assert broken(made) == []


@pytest.mark.parametrize("status", [503, 404, None])
def test_an_error_is_no_answer_about_data(play, status):
    assert broken(play(ask={"status": status})) == []
