"""From outside alone: the layer, and the causes that look like this, likeliest first."""

import pytest

from harness.diagnose import propose
from harness.diagnose.outside import view
from harness.observe import Access
from harness.plays import Check, Play
from harness.scenario import BALANCED

ANSWERED = {"upstream": "127.0.0.1:2", "cookies_sent": ("session",), "path": "/ask"}
NOBODY = {"instance": None, "worker": None, "reply": "<html>"}


@pytest.fixture
def look(seen):
    """An upload on A, then a question to B that failed, changed as asked.

    Args:
        shown: the version that the answer shows.
        wrote, between: changes of the upload; more requests before the failed one.
    """

    def causes(shown=None, wrote=None, between=(), alone=None, play=None, **changes):
        sent = {
            "cookies_set": ("session",),
            "access": Access("user", "write", "data", "new"),
            **(wrote or {}),
        }
        upload = seen("1", label="upload", path="/upload", upstream="127.0.0.1:1", **sent)
        more = [seen(f"between {number}", **one) for number, one in enumerate(between)]
        asked = {"instance": "B", "access": Access("user", "read", "data", shown), **ANSWERED, **changes}
        failed = seen("failed", **asked)
        observations = [*([] if wrote == {} else [upload]), *more, failed]
        made = Play(BALANCED, observations, [Check("x", False, "", "failed")], **(play or {}))
        return view(made, alone)

    return causes


SLOW = {"seconds": 2.0}
STICKY = {"play": {"sticky": ("AWSALB",)}, "cookies_sent": ("session",)}

NO_SUCH_DOMAIN = {"cookies_set": ("session",), "cookie_attributes": {"AWSALB": "Domain=example.org"}}


def sticky(attributes):
    return {"cookies_set": ("session", "AWSALB"), "cookie_attributes": {"AWSALB": attributes}}


@pytest.mark.parametrize(
    ("changes", "likeliest"),
    [
        ({**NOBODY, "status": 502, "play": {"lost": ["A"]}}, "E04"),
        ({**NOBODY, "status": 413, "upstream": None}, "P09"),
        ({**NOBODY, "status": 400, "upstream": None}, "S08"),
        ({**NOBODY, "status": 400}, "W12"),
        ({**NOBODY, "status": 503, "upstream": None}, "P13"),
        ({**NOBODY, "status": 504, **SLOW}, "P07"),
        ({**NOBODY, "status": 502, "between": [ANSWERED]}, "S07"),
        ({**NOBODY, "status": 502}, "E11"),
        ({**NOBODY, "status": 500, **SLOW}, "W06"),
        ({"status": 503, "reply": "The language model could not answer"}, "L01"),
        ({"status": 503, "reply": "the LLM did not answer", **SLOW}, "L12"),
        ({"status": 503, "reply": "the LLM failed", "alone": {"A": True, "B": False}}, "L17"),
        ({"status": 400, "reply": "Missing optional dependency 'openpyxl'"}, "E12"),
        ({"status": 404, "alone": {"A": True, "B": False}}, "E01"),
        ({"status": 503, "reply": "no", "alone": {"A": True, "B": False}}, "E02"),
        ({"status": 503, "reply": "no"}, "X01"),
        ({"upstream": None}, "P14"),
        ({"upstream": "127.0.0.1:1, 127.0.0.1:2"}, "P01"),
        ({"play": {"lost": ["A"]}}, "E03"),
        ({"wrote": {"cookies_set": ()}}, "P12"),
        ({"cookies_sent": ()}, "S31"),
        ({**STICKY, "wrote": {"cookies_set": ("session",)}}, "A16"),
        ({**STICKY, "wrote": sticky("Path=/; Secure")}, "A03"),
        ({**STICKY, "wrote": sticky("Path=/; Domain=example.org")}, "A14"),
        ({**STICKY, "wrote": sticky("Path=/api/")}, "A13"),
        ({**STICKY, "wrote": sticky("Max-Age=1; Path=/")}, "A04"),
        ({**STICKY, "wrote": sticky("Max-Age=3600; Path=/")}, "A02"),
        ({"shown": "old"}, "D01"),
        ({"shown": "old", "wrote": {"seconds": 5.0}}, "D13"),
        ({"shown": "old", "play": {"stopped": ["B"]}}, "D36"),
        ({"instance": "A", "play": {"stopped": ["A"]}}, "S05"),
        ({"instance": "A", "worker": "2"}, "W01"),
        ({"pinned": "B"}, "D01"),
        ({}, "D01"),
        ({"instance": "A", "wrote": {"seconds": 0.9}}, "P11"),
        ({"instance": "A", "wrote": {"seconds": 0.9}, "reply": {"response": "Rano 4711"}}, "L16"),
        ({"instance": "A", "started": 99.0}, "D16"),
        ({"instance": "A", "between": [{"seconds": 0.5}], "wrote": {"seconds": 1.5}}, "W05"),
        ({"access": Access("user", "write", "data", "newer")}, "D34"),
        ({"alone": {"A": False, "B": False}, "wrote": {"seconds": 0.9}}, "P11"),
        ({"alone": {"A": True, "B": True}}, "D01"),
        ({"status": 500, "wrote": {"seconds": 5.0}}, "D05"),
        ({**STICKY, "play": {"sticky": ("AWSALB",), "stopped": ["A"]}}, "A08"),
        ({"between": [{"started": 0.0, "seconds": 50.0}]}, "S09"),
        ({"instance": "A", "between": [{"user": "ann"}, {"user": "bob"}]}, "A11"),
        ({**STICKY, "wrote": {"cookies_refused": ("AWSALB",), **NO_SUCH_DOMAIN}}, "A14"),
    ],
)
def test_what_it_looks_like(look, changes, likeliest):
    found = look(**changes)
    assert found.causes[0] == likeliest
    assert len(set(found.causes)) == len(found.causes)


def test_the_answer_is_wide_and_names_what_was_seen(look):
    found = look(pinned="B")
    assert (found.layer, found.why) == ("storage", "A took it, B does not know it")
    assert {"D01", "S01", "S11", "E02"} < set(found.causes)
    assert "A01" not in found.causes
    assert "A01" in look().causes


def test_without_the_names_of_instances_the_balancers_addresses_do(look):
    found = look(instance=None, wrote={"instance": None})
    assert found.why.startswith("127.0.0.1:1 took it, 127.0.0.1:2 does not know it")


def test_without_words_the_method_tells_what_wrote(look):
    assert look(wrote={"access": None}).causes[0] == "D01"
    assert look(wrote={"access": None, "method": "GET"}) is None


def test_what_nothing_shows(look):
    assert look(wrote={}) is None
    assert view(Play(BALANCED, error="cannot kill None")) is None


def test_an_app_that_reports_nothing_is_diagnosed_from_outside(seen):
    upload = seen("1", upstream="1", cookies_set=("session",))
    failed = seen("2", instance="B", pinned="B", **ANSWERED)
    play = Play(BALANCED, [upload, failed], [Check("x", False, "", "2")])
    assert [one.cause.id for one in propose(play)][:4] == ["D01", "S01", "S11", "S13"]
    upload.evidence = {"session": {}}
    assert [one.cause.id for one in propose(play)] == ["X02"]
