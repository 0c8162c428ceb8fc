"""The rules for balancer, cookies, deployments and workers, on made-up observations."""

import pytest

from harness.diagnose import diagnose, propose
from harness.plays import Check, Play

COOKIE = "chatmrpt_session"
KNOWN = {"source": "cookie", "cookie_sent": True, "strategy": "signed-cookie"}
MINTED = {"source": "minted", "cookie_sent": False, "strategy": "signed-cookie"}
LOST = {"source": "minted", "cookie_sent": True, "strategy": "signed-cookie"}
WROTE = {"session": MINTED, "storage": [{"op": "write", "where": "A:/up/flag"}]}
NOBODY = {"instance": None, "worker": None, "evidence": {}}


def looked(where, session=KNOWN):
    return {"session": session, "mode": {"looked_at": [{"what": "flag", "where": where, "found": False}]}}


@pytest.fixture
def play(seen):
    """The user's upload on A, then a request on B that failed, as a play.

    Args:
        wrote: what is different about the upload.
        play: attributes of the play.
    """

    def make(wrote=(), play=(), holds=False, **failed):
        attributes = {COOKIE: "HttpOnly; Path=/"}
        upload = seen("upload", **{"evidence": WROTE, "cookie_attributes": attributes, **dict(wrote)})
        plain = {"instance": "B", "evidence": {"session": KNOWN}, "cookies_sent": (COOKIE,), "upstream": "b"}
        asked = seen("failed", **{**plain, **failed})
        found = Play("x", [upload, asked], [Check("x", holds, "", "failed")])
        for name, value in dict(play).items():
            setattr(found, name, value)
        return found

    return make


@pytest.fixture
def cause(play):
    return lambda **case: diagnose(play(**case)).cause.id


def log(name, line):
    return {"logs": {name: [f"2026/01/01 [error] 1#1: {line}"]}}


@pytest.mark.parametrize(
    ("changes", "logs", "expected"),
    [
        ({"status": 413}, {}, "P09"),
        ({"status": 400, "reply": "<h1>Request Header Or Cookie Too Large</h1>"}, {}, "S08"),
        ({"status": 400, "reply": "Error parsing headers: 'limit request headers fields size'"}, {}, "W12"),
        ({"status": 502}, log("nginx", "upstream sent too big header while reading"), "S07"),
        ({"status": 502}, log("nginx", "connect() failed (111: Connection refused)"), "E11"),
        ({"status": 503}, log("nginx", 'limiting requests, excess: 0.9 by zone "clients"'), "P13"),
        ({"status": 502}, log("A", "WORKER TIMEOUT (pid:1)"), "W06"),
        ({"status": 504}, {}, "P07"),
        ({"status": 502}, {}, "X01"),
        ({"status": 503}, {}, "X01"),
        ({"status": 400, "reply": "Bad Request"}, {}, "X02"),
    ],
)
def test_what_the_balancer_or_gunicorn_answers_itself(cause, changes, logs, expected):
    assert cause(**{**NOBODY, **changes}, play=logs) == expected
    if expected in ("P09", "S08", "W12", "P13"):  # an answer of the app is something else
        assert cause(**changes, play=logs) != expected


def test_a_dead_instance_is_no_stale_address(cause):
    refused = log("nginx", "connect() failed (111: Connection refused)")
    assert cause(**NOBODY, status=502, play={**refused, "stopped": ["B"]}) == "X01"


def test_an_answer_that_no_instance_gave(cause):
    assert cause(evidence={}, upstream=None) == "P14"
    assert cause(evidence={}) == "X02"


def test_a_request_that_was_sent_twice(cause):
    assert cause(upstream="a, b") == "P01"
    assert cause(upstream="a, b", method="GET") == "X02"
    refused = "connect() failed (111: Connection refused) while connecting to upstream"
    assert cause(upstream="a, b", play=log("nginx", refused)) == "X02"


@pytest.mark.parametrize(
    ("wrote", "failed", "expected"),
    [
        ({"cookie_attributes": {}}, {"cookies_sent": ()}, "P12"),
        ({}, {}, "P11"),
        ({"cookie_attributes": {COOKIE: "Secure; Path=/"}}, {"cookies_sent": ()}, "S31"),
    ],
)
def test_a_session_cookie_that_does_not_arrive(cause, wrote, failed, expected):
    assert cause(wrote=wrote, evidence={"session": MINTED}, **failed) == expected


def test_a_cookie_that_arrives_at_the_other_instance_has_another_name_here(play, seen):
    one = play(evidence={"session": MINTED})
    one.observations.insert(1, seen("other", evidence={"session": KNOWN}, started=1.5))
    assert diagnose(one).cause.id == "E01"


@pytest.mark.parametrize(
    ("attributes", "waited", "expected"),
    [
        ("Max-Age=3600; Path=/; Secure", 1, "A03"),
        ("Max-Age=3600; Path=/; Domain=example.org", 1, "A14"),
        ("Max-Age=3600; Path=/api/", 1, "A13"),
        ("Max-Age=1; Path=/", 2, "A04"),
        ("Max-Age=3600; Path=/", 1, "D01"),  # the client dropped it
    ],
)
def test_a_stickiness_cookie_that_did_not_come_back(cause, attributes, waited, expected):
    wrote = {"cookie_attributes": {COOKIE: "Path=/", "AWSALB": attributes}, "started": 10.0}
    sticky = {"sticky": ("AWSALB",)}
    case = {"wrote": wrote, "play": sticky, "evidence": looked("B:/up/flag"), "started": 10.0 + waited}
    assert cause(**case) == expected
    assert cause(**case, pinned="B") == "D01"  # the story chose the instance, not the balancer


def test_an_upload_that_another_rule_of_the_balancer_routed(cause, play):
    sticky, set_now = {"sticky": ("AWSALB",)}, {"cookie_attributes": {"AWSALB": "Path=/"}}
    assert cause(play=sticky, evidence=looked("B:/up/flag"), **set_now) == "A16"
    never_set = propose(play(play=sticky, evidence=looked("B:/up/flag")))
    assert [one.cause.id for one in never_set] == ["D01", "A01"]


def test_no_stickiness_is_thought_of_where_state_is_on_one_instance(play):
    found = [one.cause.id for one in propose(play(evidence=looked("B:/up/flag")))]
    assert found == ["D01", "A01"]
    assert [one.cause.id for one in propose(play())] == ["X02"]


@pytest.mark.parametrize(
    ("wrote", "failed", "stopped", "expected"),
    [
        ({}, {"evidence": {"session": LOST}}, (), "S01"),
        ({"worker": "2"}, {"instance": "A", "evidence": {"session": LOST}}, (), "S03"),
        ({}, {"instance": "A", "evidence": {"session": LOST}}, ["A"], "S05"),
        (
            {"evidence": {**WROTE, "session": {**MINTED, "strategy": "memory"}, "pid": 1}},
            {"instance": "A", "evidence": {"session": {**LOST, "strategy": "memory"}, "pid": 2}},
            (),
            "W05",
        ),
        ({}, {"evidence": {"session": {**LOST, "strategy": "redis"}}}, (), "E02"),
    ],
)
def test_whose_session_is_not_known_and_since_when(cause, wrote, failed, stopped, expected):
    assert cause(wrote=wrote, play={"stopped": list(stopped)}, **failed) == expected


@pytest.mark.parametrize(
    ("place", "written", "expected"),
    [
        ("s3://one/x/.flag", "s3://one/x/.mode", "E01"),
        ("s3://two/x/.flag", "s3://one/x/.flag", "E02"),
        ("B:/x/.flag", "shared-files:/x/.flag", "D12"),
        ("A:/x/.flag", "A:/x/.flag", "D16"),
    ],
)
def test_where_it_was_looked_for(cause, place, written, expected):
    wrote = {"evidence": {"session": MINTED, "storage": [{"op": "write", "where": written}]}}
    assert cause(wrote=wrote, evidence=looked(place)) == expected


@pytest.mark.parametrize(
    "said",
    [
        "Missing optional dependency 'openpyxl'.",
        "`Import python-calamine` failed.  Use pip",
        "No module named 'xlrd'",
    ],
)
def test_a_package_that_is_missing(cause, said):
    text = f"The file cannot be read as xlsx: {said}"
    assert cause(status=400, reply={"message": text}) == "E12"


def test_storage_that_cannot_be_used(cause):
    evidence = {"session": KNOWN, "error": "storage (local) is not available: Not a directory"}
    assert cause(status=503, evidence=evidence) == "D08"
    assert cause(status=503, evidence={**evidence, "error": "session store (redis): gone"}) == "X01"


def test_an_endpoint_that_only_the_other_instance_has(cause):
    assert cause(status=404) == "E01"
    assert cause(status=404, path="/elsewhere") == "X02"


def asked(model, ms):
    return {"session": KNOWN, "llm": [{"model": model, "ms": ms}]}


@pytest.mark.parametrize(
    ("error", "here", "there", "expected"),
    [
        ("llm_tools_not_enabled", asked("m", 5), asked("m", 5), "L17"),
        ("llm_unknown_model", asked("short", 5), asked("m", 5), "E02"),
        ("llm_timeout", asked("m", 600), asked("m", 1200), "E02"),
        ("llm_timeout", asked("m", 1200), asked("m", 600), "L17"),
    ],
)
def test_a_model_that_fails_one_instance_alone(play, error, here, there, expected):
    reply = {"error": {"type": error}}
    failed = play(status=503, reply=reply, evidence=here)
    well = play(holds=True, instance="A", evidence=there)
    assert propose(failed, {"A": well, "B": failed})[0].cause.id == expected
    assert propose(failed, {"A": failed, "B": failed})[0].cause.layer == "llm"
    assert propose(failed, {"A": failed, "B": failed})[0].cause.id != "L17"


def test_what_one_instance_alone_shows_speaks_against_causes(play):
    failed, well = play(evidence=looked("B:/up/flag")), play(holds=True)
    assert not propose(failed, {"A": well, "B": well})[0].against
    first, second = propose(failed, {"A": well, "B": failed})[:2]
    assert (first.cause.id, first.against) == ("E02", ())
    assert (second.cause.id, second.against) == ("D01", ("an instance alone fails as well",))
