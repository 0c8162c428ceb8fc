"""The record of a request: what is in it, and what never is."""

import json

import pytest

from reference_app.storage.base import FLAG_SIZE

FIELDS = {
    "request_id", "time", "instance", "worker", "pid", "method", "path", "status", "duration_ms",
    "session", "session_store", "mode", "storage", "llm", "tools", "sync", "error",
}  # fmt: skip
CSV = b"ward,cases\nSecretville,987654\n"


def test_an_upload_and_a_question(instance, upload, say, model, tmp_path):
    client = instance.client()
    session_id = upload(client, CSV).json["session_id"]
    model.call(("top_rows", '{"column": "cases"}'))
    model.message("Secretville leads")
    say(client, "my private question", is_data_analysis=True, tab_context="data-analysis")
    wrote, read = instance.evidence()
    assert set(wrote) == set(read) == FIELDS
    home = tmp_path / "uploads" / session_id
    assert wrote["session"] == {
        "strategy": "signed-cookie", "id": session_id, "source": "minted", "cookie_sent": False,
    }  # fmt: skip
    assert read["session"]["source"] == "cookie"
    assert read["session"]["cookie_sent"] is True
    written = [event for event in wrote["storage"] if event["op"] == "write"]
    assert written[-1]["where"] == str(home / ".data_analysis_mode")
    assert [event["bytes"] for event in written[:2]] == [len(CSV)] * 2
    assert read["mode"] == {
        "decision": "data-analysis",
        "detection": "flag-file",
        "looked_at": [{"what": "flag", "where": str(home / ".data_analysis_mode"), "found": True}],
        "is_data_analysis": True,
        "tab_context": "data-analysis",
    }
    assert [event["op"] for event in read["storage"]] == ["stat", "stat", "recall"]
    assert read["storage"][0]["bytes"] == FLAG_SIZE
    assert set(read["storage"][-1]) == {"op", "where", "found", "bytes", "ms"}
    assert [(c["ok"], c["finish_reason"], c["tool_calls"]) for c in read["llm"]] == [
        (True, "tool_calls", ["top_rows"]),
        (True, "stop", []),
    ]
    assert set(read["llm"][0]) == {"model", "ok", "finish_reason", "tool_calls", "error", "bytes", "ms"}
    assert read["llm"][1]["bytes"] > read["llm"][0]["bytes"] > 500  # the tools, then a tool's result too
    assert read["tools"] == [{"name": "top_rows", "ok": True, "error": None}]
    assert (read["status"], read["error"], read["sync"], read["instance"]) == (200, None, [], "A")


@pytest.mark.parametrize("strategy", ["signed-cookie", "memory", "filesystem", "redis"])
def test_each_call_to_the_store_of_the_sessions(strategy, start, redis_server, upload, tmp_path):
    folder = str(tmp_path / "sessions")
    instance = start(SESSION_STRATEGY=strategy, REDIS_URL=redis_server.url, SESSION_FILE_DIR=folder)
    client = instance.client()
    upload(client, CSV)
    client.get("/api/data-analysis/status")
    wrote, read = (record["session_store"] for record in instance.evidence())
    if strategy in ("signed-cookie", "memory"):
        assert wrote == read == []
        return
    assert [event["op"] for event in wrote][-1] == "set"
    assert wrote[-1]["bytes"] > 50
    assert (read[0]["op"], read[0]["bytes"]) == ("get", wrote[-1]["bytes"])
    assert all(set(event) == {"op", "bytes", "ms"} for event in wrote + read)


def test_no_secret_no_content_no_words(instance, env, upload, say, model, tmp_path):
    client = instance.client()
    upload(client, CSV)
    upload(client, b'["Secretville"]', "bad.json")
    upload(client, b"Secretville,a\n1,2\n1,2,3,4\n", "bad.csv")
    model.call(("top_rows", '{"column": "argument-of-mine"}'))
    model.call(("filter_rows", '{"column": "cases", "operator": ">", "value": "argument-of-mine"}'))
    model.message("the reply of the model")
    say(client, "my private question", tab_context="my private question " * 9, is_data_analysis="x" * 99)
    text = (tmp_path / "evidence.jsonl").read_text()
    assert len(text.splitlines()) == 4
    assert '"wrong arguments"' in text
    secret = [env["SECRET_KEY"], env["OPENAI_API_KEY"], client.get_cookie("chatmrpt_session").value]
    for hidden in [
        *secret,
        "Secretville",
        "987654",
        "argument-of-mine",
        "private question",
        "the reply",
        "xxx",
    ]:
        assert hidden not in text


def test_trouble_is_named(instance, upload, say, model):
    client = instance.client()
    upload(client)
    model.body({"error": "Unauthorized"}, 401)
    say(client)
    record = instance.evidence()[-1]
    assert (record["status"], record["error"]) == (503, "llm_unavailable")
    assert (record["llm"][0]["ok"], record["llm"][0]["error"]) == (False, "llm_unavailable")


@pytest.mark.parametrize("broken", ["say", "upload"])
def test_an_unexpected_error_is_recorded_and_shows_no_trace(instance, upload, say, monkeypatch, broken):
    def fail(*_):
        raise KeyError("inner detail")

    storage = instance.app.extensions["v3"].storage
    monkeypatch.setattr(storage, "flag" if broken == "say" else "publish", fail)
    response = (say if broken == "say" else upload)(instance.client())
    assert (response.status_code, response.json["status"]) == (500, "error")
    assert "inner detail" not in response.text
    assert instance.evidence()[-1]["error"] == "KeyError"


def test_health_leaves_no_record_and_others_one_line_each(instance, tmp_path):
    client = instance.client()
    client.get("/health")
    assert (tmp_path / "evidence.jsonl").read_text() == ""
    client.get("/api/nothing")
    client.delete("/send_message")
    lines = (tmp_path / "evidence.jsonl").read_text().splitlines()
    assert [json.loads(line)["status"] for line in lines] == [404, 405]
    assert json.loads(lines[0])["session"]["source"] == "none"


def test_worker_is_asked_for_at_each_request(instance, monkeypatch):
    client = instance.client()
    for number in ("3", "4"):
        monkeypatch.setenv("WORKER_ID", number)
        assert client.get("/health").headers["X-Served-By"] == f"A/{number}"


@pytest.mark.parametrize(
    ("sent", "echoed"), [("abc-123", True), ("a" * 65, False), ("a b", False), ("", False)]
)
def test_request_id(instance, sent, echoed):
    answered = instance.client().get("/ready", headers={"X-Request-Id": sent}).headers["X-Request-Id"]
    assert (answered == sent) is echoed
    assert instance.evidence()[-1]["request_id"] == answered
    assert 0 < len(answered) <= 64


def test_a_log_that_is_lost_does_not_cost_the_answer(instance, say, model, tmp_path):
    model.message("hello")
    (tmp_path / "evidence.jsonl").unlink()
    (tmp_path / "evidence.jsonl").mkdir()
    assert say(instance.client()).status_code == 200


def test_a_log_that_cannot_be_written_refuses_the_start(start, tmp_path):
    from reference_app.errors import ConfigError

    with pytest.raises(ConfigError, match="EVIDENCE_LOG"):
        start(EVIDENCE_LOG=str(tmp_path / "none" / "e.jsonl"))
