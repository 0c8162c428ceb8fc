"""Small real apps, explored: what differs is found and shrunk, what agrees is said with what was tried."""

import shutil

import pytest

from harness.errors import HarnessError
from harness.explore import answer, search
from harness.explore.routing import ALL, Routing
from harness.explore.search import Plan
from harness.explore.shrink import shrink
from harness.journey import Journey, Request

PLAIN = "gunicorn -b {bind} plain:app"


def explored(journey, pair, **plan):
    single, site = pair
    outcome = search.explore(search.specify(journey, single), site, Plan(**plan))
    return outcome, outcome.found and shrink(outcome.found, single, site)


def test_a_note_in_memory_is_lost_on_the_other_instance_whatever_else_is_asked(up, note):
    outcome, smallest = explored(note, up(PLAIN))
    assert outcome.possible == 16
    assert outcome.tried < 16  # in order of size: nothing needs all of them
    assert answer.sentence(smallest) == (
        "POST /note on A, then GET /note on B: 200, but body.note: null, where one instance has {{random}}"
    )
    assert (smallest.differed, smallest.plays) == (3, 3)


def test_workers_of_one_instance_are_targets_too(up, note):
    outcome, smallest = explored(note, up(PLAIN, instances=1, workers=2))
    assert outcome.targets == ("A/1", "A/2")
    assert answer.sentence(smallest).startswith(
        "POST /note on A/1, then GET /note on A/2: 200, but body.note: null"
    )


def test_what_varies_by_nature_is_no_difference(up):
    journey = Journey("nature", (Request("GET", "/counted"), Request("GET", "/counted")))
    outcome, _ = explored(journey, up(PLAIN, env={"NAME": "{instance}"}))
    assert outcome.found is None
    assert list(answer.summary(outcome)) == ["all routings: 4 tried of 4"]


def test_another_configuration_is_a_difference(up):
    """The same place as above: there each instance is told its name, here one is configured otherwise."""
    pair = up(PLAIN, env={"NAME": "all"}, by_instance={"B": {"NAME": "other"}})
    _, smallest = explored(Journey("nature", (Request("GET", "/nature"),)), pair)
    assert (
        answer.sentence(smallest) == "GET /nature on B: 200, but body.by: other, where one instance has all"
    )


def test_a_restart_and_a_loss_between_two_requests(up, note):
    pair = up(PLAIN, instances=1)
    outcome, _ = explored(note, pair)
    assert outcome.found is None
    outcome, smallest = explored(note, pair, events=("restart",))
    assert [stage.name for stage in outcome.stages] == ["all routings", "routings with a restart"]
    assert answer.sentence(smallest).startswith(
        "POST /note on A, then A restarts, its disk stays, then GET /note on A: 200, but body.note: null"
    )


def test_more_routings_than_can_all_be_tried(up):
    journey = Journey("long", (Request("GET", "/"),) * 13)
    outcome, _ = explored(journey, up(PLAIN), seconds=0.5)
    assert outcome.found is None
    assert outcome.possible == 2**13 > ALL
    pairs, sample = outcome.stages
    assert pairs.of == pairs.tried
    assert (1 - sample.bound) ** sample.tried == pytest.approx(0.05)
    assert f"drawn from 8,192; with 95 % confidence fewer than {100 * sample.bound:.2g} %" in "".join(
        answer.summary(outcome)
    )


def test_plays_side_by_side_find_the_same(up, note):
    outcome, smallest = explored(note, up(PLAIN), parallel=4)
    assert answer.sentence(smallest).startswith(
        "POST /note on A, then GET /note on B: 200, but body.note: null"
    )
    assert (smallest.differed, smallest.plays) == (3, 3)
    nature = Journey("nature", (Request("GET", "/counted"),) * 6)
    outcome, _ = explored(nature, up(PLAIN), parallel=4)
    assert outcome.found is None
    assert outcome.tried == 2**6


def test_what_differs_beside_others_must_differ_alone(up, note):
    single, site = up(PLAIN)
    specification = search.specify(note, single)
    apart, together = Routing(("A", "A", "A", "B")), Routing(("A", "A", "A", "A"))
    deviating = site.play(note, apart)
    assert search.differs(specification, site, together, deviating) is None
    assert search.differs(specification, site, apart, deviating).differed == 3


def test_a_difference_far_beyond_all_routings_is_found_by_pairs(up):
    journey = Journey(
        "long", (Request("POST", "/note", body="x"), *(Request("GET", "/"),) * 12, Request("GET", "/note"))
    )
    outcome, smallest = explored(journey, up(PLAIN), seconds=0)
    assert outcome.stages[0].name == "all pairs"
    assert answer.sentence(smallest).startswith("POST /note on A, then GET /note on B")


@pytest.mark.skipif(shutil.which("node") is None, reason="no node: apt-get install nodejs")
def test_a_node_server_and_a_journey_of_two_people(up):
    requests = (
        Request("POST", "/say?room={{random}}", body="hello", user="Ann"),
        Request("GET", "/hear?room={{random}}", user="Ben"),
    )
    _, smallest = explored(Journey("chat", requests), up("node chat.js"))
    assert answer.sentence(smallest) == (
        "POST /say?room={{random}} by Ann on A, then GET /hear?room={{random}} by Ben on B: "
        "200, but body.said: 0 entries, where one instance has 1 entry"
    )


def test_a_story_in_python(up):
    def story(client):
        client.post("/note", body=client.random)
        assert client.get("/note").json()["note"] is not None

    _, smallest = explored(Journey("story", story=story), up(PLAIN))
    assert answer.sentence(smallest).startswith(
        "POST /note on A, then GET /note on B: 200, but body.note: null"
    )


def test_one_instance_must_agree_with_itself_and_with_the_journey(up):
    single, _ = up(PLAIN)
    with pytest.raises(
        HarnessError, match="GET /flaky is answered 200, in another play 503; where a name must"
    ):
        search.specify(Journey("flaky", (Request("GET", "/flaky"),)), single)

    def story(client):
        assert client.get("/note").json()["note"] == "mine", "no note"

    with pytest.raises(HarnessError, match="no note"):
        search.specify(Journey("story", story=story), single)
