"""The whole app, twice: upload on A, chat on B."""

import json

import pytest

from reference_app.app import create_app

pytestmark = pytest.mark.parametrize("detection", ["flag-file", "session"])


@pytest.fixture
def pair(fleet, detection):
    """Start both; what one knows of the other is only what sync brings."""

    def start(**changes):
        for name in "AB":
            fleet.start(name)
        return [create_app(fleet.env(name, MODE_DETECTION=detection, **changes)) for name in "AB"]

    return start


def follow(client, app):
    """The same browser, at another instance."""
    other = app.test_client()
    other.set_cookie("chatmrpt_session", client.get_cookie("chatmrpt_session").value)
    return other


def evidence(fleet, name):
    path = fleet.folder / name / "evidence.jsonl"
    assert str(fleet.config) not in path.read_text()
    return [json.loads(line) for line in path.read_text().splitlines()]


def analysed(answer):
    return answer.json["workflow"] == "data-analysis" and answer.json["tools_used"] == ["analyze_data"]


def test_repaired_uploads_arrive_before_they_are_asked_about(fleet, pair, upload, say, model):
    a, b = pair()
    client = a.test_client()
    done = upload(client)
    assert done.json["copies"] == [{"place": "B", "ok": True, "outcome": "copied"}]
    model.message("90 cases")
    answer = say(follow(client, b))
    assert analysed(answer)
    assert answer.json["instance"] == "B"
    pushed, asked = evidence(fleet, "A")[-1], evidence(fleet, "B")[-1]
    assert [(event["what"], event["ok"]) for event in pushed["sync"]] == [
        ("push: data", True), ("push: flag", True),
    ]  # fmt: skip
    assert asked["sync"] == []


def test_repaired_a_chat_fetches_what_the_push_did_not_bring(fleet, pair, upload, say, model):
    a, b = pair()
    fleet.stop("B")
    client = a.test_client()
    done = upload(client)
    assert (done.status_code, done.json["status"]) == (200, "success")
    (copy,) = done.json["copies"]
    assert (copy["place"], copy["ok"]) == ("B", False)
    assert "Connection refused" in copy["outcome"]
    model.message("90 cases")
    assert analysed(say(follow(client, b)))
    asked = evidence(fleet, "B")[-1]
    assert [(event["what"], event["peer"], event["ok"]) for event in asked["sync"]] == [
        ("pull: flag", "A", True), ("pull: data", "A", True),
    ]  # fmt: skip


def test_original_the_upload_says_all_is_well_and_the_chat_knows_nothing(
    fleet, pair, upload, say, model, detection
):
    a, b = pair(SYNC_AS="original", SYNC_FAULTS="all")
    client = a.test_client()
    done = upload(client)
    assert done.json["copies"] == [{"place": "B", "ok": True, "outcome": "sync initiated"}]
    model.message("In general, ...")
    answer = say(follow(client, b))
    assert answer.status_code == 200
    assert not analysed(answer)
    if detection == "session":
        assert "upload your data file first" in answer.json["message"]
    tried = [(event["what"], event["ok"]) for event in evidence(fleet, "B")[-1]["sync"]]
    assert tried == [("pull: test -f", True), ("pull: rsync", True)]  # and yet it has nothing


def test_ending_the_analysis_ends_it_everywhere(fleet, pair, upload, say, model):
    a, b = pair()
    client = a.test_client()
    upload(client)
    client.post("/api/data-analysis/clear-mode")
    assert [event["what"] for event in evidence(fleet, "A")[-1]["sync"]] == ["clear: flag"]
    model.message("hello")
    assert say(follow(client, b)).json["workflow"] == "normal"
