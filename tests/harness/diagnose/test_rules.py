"""Rules that look at more than one request: who was away, who wrote the session back, who was still at it."""

import pytest

from harness.diagnose import diagnose, propose
from harness.plays import Check, Play
from harness.scenario import BALANCED

KNOWN = {"source": "cookie", "cookie_sent": True, "strategy": "redis"}
WROTE = {"session": KNOWN, "storage": [{"op": "write", "where": "A:/up/1.csv"}]}
LOOKED = {"session": KNOWN, "storage": [{"op": "stat", "where": "B:/up/1.csv", "found": False}]}
EMPTY = {
    "session": KNOWN,
    "mode": {"looked_at": [{"what": "session", "where": "has_data", "found": False}]},
}


def play(*observations, **fields):
    failed = observations[-1].request_id
    return Play(BALANCED, list(observations), [Check("x", False, "", failed)], **fields)


@pytest.fixture
def away(seen):
    """An upload on A, and a question to B while A is away, changed as asked."""

    def make(sticky=("AWSALB",), stopped=("A",), **changes):
        upload = seen("1", label="upload", evidence=WROTE)
        failed = seen("2", **{"instance": "B", "evidence": LOOKED, **changes})
        return play(upload, failed, sticky=sticky, stopped=list(stopped))

    return make


def test_the_instance_that_a_client_sticks_to_is_away(away):
    found = propose(away())
    assert [one.cause.id for one in found] == ["A08", "D01"]
    assert found[0].shown_by == "the client stuck to A, which was away; B knows nothing of it"


@pytest.mark.parametrize(
    "changes", [{"sticky": ()}, {"stopped": ()}, {"stopped": "B"}, {"pinned": "B"}, {"evidence": {}}]
)
def test_nobody_was_away_or_nobody_was_stuck(away, changes):
    assert diagnose(away(**changes)).cause.id != "A08"


@pytest.fixture
def without_its_cookie(seen):
    """An upload on A, answered with the balancer's cookie; a question to B without it, changed as asked."""

    def make(said="Path=/", sticky=("AWSALB",), **changes):
        given = {"cookies_set": ("AWSALB",), "cookie_attributes": {"AWSALB": said}}
        upload = seen("1", label="upload", evidence=WROTE, **given)
        return play(upload, seen("2", **{"instance": "B", "evidence": LOOKED, **changes}), sticky=sticky)

    return make


def test_a_client_that_does_not_keep_the_balancers_cookie(without_its_cookie):
    found = propose(without_its_cookie())
    assert [one.cause.id for one in found] == ["D01", "A02"]
    assert found[1].shown_by == "upload got AWSALB, and ask came without it, to B"


@pytest.mark.parametrize(
    "changes",
    [
        {"sticky": ()},
        {"pinned": "B"},
        {"instance": "A"},
        {"said": "Path=/api/"},
        {"cookies_sent": ("AWSALB",)},
        {"cookies_kept": ("AWSALB",)},
    ],
)
def test_a_client_that_kept_it_or_could_not(without_its_cookie, changes):
    assert "A02" not in [one.cause.id for one in propose(without_its_cookie(**changes))]


def test_everybody_is_sent_to_one_instance(seen):
    people = [seen(name, user=name, evidence={"session": KNOWN}) for name in ("ann", "bob", "eve")]
    assert diagnose(play(*people)).shown_by == "3 clients, and each was sent to A"
    assert diagnose(play(*people)).cause.id == "A11"
    assert diagnose(play(*people[1:])).cause.id == "X02"
    assert diagnose(play(*people, sticky=("AWSALB",))).cause.id == "X02"
    people[0].instance = "B"
    assert diagnose(play(*people)).cause.id == "X02"


@pytest.fixture
def tabs(seen):
    """A question from 1 to 1 + seconds, an upload from 2 to 2.5, a question that finds no upload."""

    def make(seconds, evidence=EMPTY):
        slow = seen("1", label="ask slowly", seconds=seconds)
        upload = seen("2", label="upload", seconds=0.5, evidence=WROTE)
        return play(slow, upload, seen("3", evidence=evidence))

    return make


def test_a_slower_request_writes_the_session_back(tabs):
    found = diagnose(tabs(1.8))
    assert found.cause.id == "S09"
    assert found.shown_by.startswith("upload ended while ask slowly was under way")
    assert diagnose(tabs(1.2)).cause.id == "X02"
    assert diagnose(tabs(1.8, {"session": KNOWN})).cause.id == "X02"


def test_a_flag_that_comes_before_its_data(seen):
    def asked(start, **changes):
        upload = seen("1", label="upload", started=1.0, seconds=1.0, evidence=WROTE)
        said = {"status": 500, "reply": {"message": "a.csv: the flag is there, the data is not"}, **changes}
        return diagnose(play(upload, seen("2", instance="B", started=start, **said)))

    assert asked(1.5).cause.id == "D05"
    assert asked(1.5).shown_by.startswith("A was still at upload, and B saw its flag")
    assert asked(9.0).cause.id == "X01"
    assert asked(1.5, reply={"message": "oops"}).cause.id == "X01"
