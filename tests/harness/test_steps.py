"""A request told as steps: who turned to whom, with what, and how it went."""

import pytest

from harness.report.steps import Step, brief, shortened, steps, store

ASK = Step("browser", "nginx", "POST /ask (ask)")
CHOSE = Step("nginx", "A", "worker 1, chose A/1")
SAID = Step("A", "browser", "200 fine")


def test_a_request_that_was_served(seen):
    assert list(steps(seen("1"))) == [ASK, CHOSE, SAID]


def test_a_request_that_was_pinned(seen):
    assert list(steps(seen("1", pinned="A")))[1] == Step("nginx", "A", "worker 1, pinned to A")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": 502}, "502: nobody served it"),
        ({"status": None, "error": "ConnectionError: x"}, "ConnectionError: x: nobody served it"),
    ],
)
def test_a_request_that_nobody_served(seen, changes, said):
    told = steps(seen("1", instance=None, worker=None, evidence={"llm": [{}]}, **changes))
    assert list(told) == [ASK, Step("nginx", "browser", said, False)]


@pytest.mark.parametrize(
    ("strategy", "where"),
    [("redis", "Redis"), ("filesystem", "A's disk"), ("memory", "A"), ("signed-cookie", "A")],
)
def test_a_session_is_looked_for_where_the_strategy_keeps_it(seen, strategy, where):
    session = {"cookie_sent": True, "source": "cookie", "strategy": strategy}
    text = "looks for the session of the cookie: "
    told = list(steps(seen("1", evidence={"session": session})))
    assert told == [ASK, CHOSE, Step("A", where, text + "known", True), SAID]
    session["source"] = "minted"
    told = list(steps(seen("1", evidence={"session": session})))
    assert told[2] == Step("A", where, text + "not known, begins a new one", False)


@pytest.mark.parametrize(
    "session", [{"cookie_sent": False, "source": "minted"}, {"cookie_sent": True, "source": "none"}]
)
def test_a_session_that_nobody_looks_for(seen, session):
    assert list(steps(seen("1", evidence={"session": session}))) == [ASK, CHOSE, SAID]


def test_a_flag_and_an_upload_are_looked_for_and_written(seen):
    looked = [
        {"what": "flag", "where": "s3://bucket/flag", "found": False},
        {"what": "session key", "where": "mode", "found": True},
    ]
    events = [
        {"op": "write", "where": "shared-files:/1.csv"},
        {"op": "read", "where": "A:/2.csv", "found": True},
        {"op": "read", "where": "A:/3.csv", "found": False},
        {"op": "stat", "where": "A:/4.csv", "found": False},
    ]
    told = steps(seen("1", evidence={"mode": {"looked_at": looked}, "storage": events}))
    assert list(told)[2:-1] == [
        Step("A", "S3", "looks for flag s3://bucket/flag: not found", False),
        Step("A", "A", "looks for session key mode: found", True),
        Step("A", "shared files", "writes shared-files:/1.csv", True),
        Step("A", "A's disk", "reads A:/2.csv", True),
        Step("A", "A's disk", "reads A:/3.csv: not found", False),
    ]


def test_the_model_is_asked(seen):
    calls = [{"tool_calls": ["sum_by", "top"]}, {"tool_calls": []}, {"error": "llm_cut"}]
    assert list(steps(seen("1", evidence={"llm": calls})))[2:-1] == [
        Step("A", "LLM", "asks the model: sum_by, top", True),
        Step("A", "LLM", "asks the model: an answer in words", True),
        Step("A", "LLM", "asks the model: llm_cut", False),
    ]


@pytest.mark.parametrize(
    ("status", "reply", "text", "good"),
    [
        (200, {"response": "seven", "workflow": "data-analysis"}, "200 Data Analysis: seven", None),
        (200, {"response": "hello", "workflow": "normal"}, "200 normal workflow: hello", None),
        (204, "", "204", None),
        (404, "no\n  such page", "404 no such page", False),
        (500, "x" * 91, f"500 {'x' * 89}…", False),
    ],
)
def test_the_answer(seen, status, reply, text, good):
    assert list(steps(seen("1", status=status, reply=reply)))[-1] == Step("A", "browser", text, good)


@pytest.mark.parametrize(
    ("location", "component"),
    [("s3://b/x", "S3"), ("shared-files:/x", "shared files"), ("A:/x", "A's disk"), ("B:/x", "B's disk")],
)
def test_where_a_location_lies(location, component):
    assert store(location) == component


def test_long_ids_are_cut_for_people():
    assert brief(f"A:/{'0123456789abcdef' * 2}/x and {'f' * 33}") == f"A:/012345…/x and {'f' * 33}"


def test_a_text_is_one_line_of_a_length():
    assert shortened(" a\n\tb  c ", 5) == "a b c"
    assert shortened("abcdef", 5) == "abcd…"
    assert len(shortened("x" * 500)) == 110


def flag(found):
    return {"looked_at": [{"what": "flag", "where": "A:/flag", "found": found}]}


COPY = {"peer": "B", "what": "push: rsync", "source": "x/", "target": "B:x/", "ok": True, "outcome": "copied"}
TEST = {"peer": "B", "what": "pull: test", "ok": False, "outcome": "timed out after 0.1 s"}


def test_an_upload_is_copied_after_it_is_written(seen):
    events = [{"op": "write", "where": "A:/1.csv"}]
    assert list(steps(seen("1", evidence={"storage": events, "sync": [COPY]})))[2:-1] == [
        Step("A", "A's disk", "writes A:/1.csv", True),
        Step("A", "B", "push: rsync x/ -> B:x/: copied", True),
    ]


@pytest.mark.parametrize(("found", "again"), [(False, "not found"), (True, "found")])
def test_a_miss_makes_an_instance_ask_its_peers_and_look_again(seen, found, again):
    assert list(steps(seen("1", evidence={"mode": flag(found), "sync": [TEST]})))[2:-1] == [
        Step("A", "A's disk", "looks for flag A:/flag: not found", False),
        Step("A", "B", "pull: test: timed out after 0.1 s", False),
        Step("A", "A's disk", f"looks again: {again}", found),
    ]


def test_the_answer_to_an_upload_says_what_came_of_its_copies(seen):
    copies = [{"place": "B", "ok": True, "outcome": "sync initiated"}]
    told = list(steps(seen("1", reply={"message": "uploaded", "copies": copies})))
    assert told[-1].text == "200 uploaded (copies: B: sync initiated)"
