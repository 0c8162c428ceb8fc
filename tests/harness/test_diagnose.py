"""Each rule names its cause from the evidence of a failed request, and from nothing else."""

import pytest

from harness.diagnose import CAUSES, diagnose
from harness.plays import Check, Play
from harness.scenario import BALANCED

KNOWN = {"source": "cookie", "cookie_sent": True, "strategy": "signed-cookie"}
WROTE = {"session": KNOWN, "storage": [{"op": "write", "where": "A:/up/1.csv"}]}


def wrote_by(strategy):
    return {**WROTE, "session": {**KNOWN, "strategy": strategy}}


def unknown(strategy):
    return {"session": {"source": "minted", "cookie_sent": True, "strategy": strategy}}


def flag(where, found=False):
    look = {"what": "flag", "where": where, "found": found}
    return {"session": KNOWN, "mode": {"looked_at": [look]}}


def stored(*events):
    made = [{"op": op, "where": where, "found": found} for op, where, found in events]
    return {"session": KNOWN, "storage": made}


@pytest.fixture
def explain(seen):
    """Diagnose: the user's upload on A, then a request on B that failed.

    Args:
        wrote: evidence of the upload; no upload at all with None.
    """

    def cause_and_witness(evidence=None, lost=(), wrote=WROTE, **changes):
        upload = seen("upload", label="upload", evidence=wrote)
        failed = seen("failed", **{"instance": "B", "evidence": evidence or {"session": KNOWN}, **changes})
        checks = [Check("x", False, "", "failed")]
        play = Play(BALANCED, [upload, failed] if wrote else [failed], checks, lost=list(lost))
        found = diagnose(play)
        return found.cause.id, found.shown_by

    return cause_and_witness


NOBODY = {"instance": None, "worker": None, "evidence": {}}


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"status": 502, "reply": "Bad Gateway"}, "the balancer said 502"),
        ({"status": None, "error": "ConnectionError: refused"}, "the balancer said ConnectionError: refused"),
        ({"status": None}, "the balancer said no answer"),
    ],
)
def test_no_instance_left(explain, changes, shown):
    assert explain(lost="BA", **NOBODY, **changes) == ("E04", f"A, B killed; {shown}")
    assert explain(**NOBODY, **{"status": 502, **changes})[0] == "X01"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        ("llm_tools_not_enabled", "L01"),
        ("llm_tool_call_as_text", "L04"),
        ("llm_context_too_long", "L08"),
        ("llm_timeout", "L12"),
        ("llm_cut", "L12"),
        ("llm_unknown_model", "L14"),
        ("llm_unavailable", "L15"),
        ("llm_never_heard_of", "L15"),
    ],
)
def test_trouble_with_the_model_server(explain, error, cause):
    reply = {"error": {"type": error}, "response": "sorry"}
    assert explain(status=503, reply=reply) == (cause, f"B/1 reported {error}")


@pytest.mark.parametrize(
    "error", ["llm_cut", {"type": "bad_file"}, {"type": None}, {"type": ["llm_cut"]}, None]
)
def test_another_error_is_no_trouble_with_the_model_server(explain, error):
    assert explain(reply={"error": error})[0] == "X02"


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({"status": 500, "reply": {"message": "oops"}}, "B/1 answered 500: oops"),
        ({"status": 500, "reply": "x" * 200}, f"B/1 answered 500: {'x' * 100}"),
        ({"status": 599, "reply": None}, "B/1 answered 599: nothing"),
        (
            {"status": None, "reply": None, "error": "ReadTimeout: slow"},
            "B/1 answered None: ReadTimeout: slow",
        ),
    ],
)
def test_a_server_error(explain, changes, shown):
    assert explain(**changes) == ("X01", shown)


def test_data_that_died_with_its_instance(explain):
    assert explain(lost="A") == ("E03", "A had it and was killed; B has nothing")
    assert explain(lost="B")[0] == "X02"
    assert explain(lost="A", wrote=None)[0] == "X02"


@pytest.mark.parametrize(
    ("strategy", "cause"),
    [("memory", "W01"), ("filesystem", "S13"), ("signed-cookie", "S01"), ("redis", "S11"), ("other", "S11")],
)
def test_a_session_that_is_not_known(explain, strategy, cause):
    shown = "A/1 began the session; B/1 does not know it"
    assert explain(unknown(strategy), wrote=wrote_by(strategy)) == (cause, shown)
    assert explain(unknown(strategy), wrote=None)[0] == "X02"


def test_a_client_without_its_session_cookie(explain):
    nothing = {"session": {"source": "minted", "cookie_sent": False, "strategy": "signed-cookie"}}
    assert explain(nothing) == ("S31", "B/1 got no session cookie")


@pytest.mark.parametrize(
    ("evidence", "shown"),
    [
        (flag("B:/up/flag"), "A wrote A:/up/1.csv; B looked for B:/up/flag: not there"),
        (stored(("stat", "B:/up/1.csv", False)), "A wrote A:/up/1.csv; B looked for B:/up/1.csv: not there"),
        (stored(("read", "B:/up/0.csv", True)), "A wrote A:/up/1.csv; B has an older B:/up/0.csv"),
        (
            stored(("read", "B:/1", True), ("read", "B:/2", False), ("read", "B:/3", True)),
            "A wrote A:/up/1.csv; B looked for B:/2: not there",
        ),
    ],
)
def test_an_upload_on_the_disk_of_one_instance(explain, evidence, shown):
    assert explain(evidence) == ("D01", shown)


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("s3://one/1.csv", "s3://two/1.csv"),
        ("A:/1.csv", "s3://one/1.csv"),
    ],
)
def test_an_instance_that_looks_elsewhere(explain, written, place):
    wrote = {"session": KNOWN, "storage": [{"op": "write", "where": written}]}
    cause, shown = explain(flag(place), wrote=wrote)
    assert (cause, shown) == ("E02", f"A wrote {written}; B looked for {place}: not there")


@pytest.mark.parametrize(
    "evidence",
    [
        flag("A:/up/1.csv", found=True),
        stored(("read", "A:/up/1.csv", True)),
        stored(("list", "B:/x", False)),
        {},
    ],
)
def test_an_upload_that_is_looked_for_in_its_place_is_not_elsewhere(explain, evidence):
    assert explain(evidence)[0] == "X02"


def test_an_upload_is_not_elsewhere_on_the_instance_that_took_it(explain):
    assert explain(flag("B:/up/flag"), instance="A")[0] == "X02"


def test_an_answer_that_is_not_the_result_of_its_tools(explain):
    tools = [{"name": "sum_by", "ok": True}, {"name": "rate", "ok": False}]
    shown = "sum_by, rate ran on the data, but the answer is not its result"
    assert explain({"session": KNOWN, "tools": tools}) == ("L16", shown)
    assert explain({"session": KNOWN, "tools": tools[1:]})[0] == "X02"


def test_what_no_rule_explains(explain):
    assert explain(status=418) == ("X02", "B/1 answered 418")


def test_only_the_upload_of_the_same_user_before_the_failed_request_counts(seen):
    looked = {"instance": "B", "evidence": flag("B:/flag")}
    others = seen("1", user="other", evidence=WROTE)
    failed, later = seen("2", **looked), seen("3", evidence=WROTE)
    play = Play(BALANCED, [later, others, failed], [Check("x", False, "", "2")])
    assert diagnose(play).cause.id == "X02"
    others.user = failed.user
    assert diagnose(play).cause.id == "D01"


def test_the_last_upload_counts(seen):
    second = {"session": KNOWN, "storage": [{"op": "write", "where": "C:/up/2.csv"}]}
    play = Play(BALANCED, [seen("1", evidence=WROTE), seen("2", instance="C", evidence=second)])
    play.observations.append(seen("3", instance="B", evidence=flag("B:/flag")))
    play.checks.append(Check("x", False, "", "3"))
    assert diagnose(play).shown_by.startswith("C wrote C:/up/2.csv; B looked")


def test_the_rules_in_their_order(explain):
    """A request that every rule explains; each change takes the first of them away."""
    case = {**unknown("memory"), **{key: flag("B:/flag")[key] for key in ("mode",)}, "tools": [{"ok": True}]}
    reply = {"error": {"type": "llm_cut"}}
    everything = {"evidence": case, "lost": "A", "instance": None, "status": 500, "reply": reply}
    everything["wrote"] = wrote_by("memory")
    found = [explain(**everything)[0]]
    for change in (
        {"instance": "B"},
        {"reply": "oops"},
        {"status": 200},
        {"lost": ""},
        {"evidence": {**case, "session": KNOWN}, "wrote": WROTE},
        {"evidence": {"session": KNOWN, "tools": [{"ok": True}]}},
    ):
        everything.update(change)
        found.append(explain(**everything)[0])
    assert found == ["E04", "L12", "X01", "E03", "W01", "D01", "L16"]
    assert explain(**{**everything, "status": 504, "instance": None})[0] == "P07"


def test_a_check_without_a_request(seen):
    found = diagnose(Play(BALANCED, [seen("1")], [Check("x", False)]))
    assert (found.cause.id, found.shown_by) == ("X02", "no request belongs to the failed check")
    found = diagnose(Play(BALANCED, error="cannot kill None"))
    assert (found.cause.id, found.shown_by) == ("X02", "cannot kill None")


def test_what_holds_is_not_explained(seen):
    with pytest.raises(ValueError, match="nothing failed"):
        diagnose(Play(BALANCED, [seen("1")], [Check("x", True, "", "1")]))


def test_every_cause_says_what_cures_it():
    assert all(cause.title and cause.fix and name == cause.id for name, cause in CAUSES.items())
