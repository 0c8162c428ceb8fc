"""Which workflow answers, in which shape, and what the client may not decide."""

import io
import json

import pandas as pd
import pytest

from reference_app import dataset
from reference_app.analysis import agent
from reference_app.errors import StoreDown

KEYS = {
    "status", "message", "response", "explanations", "data_summary", "tools_used", "intent_type",
    "processing_time", "total_response_time", "response_efficiency", "visualizations",
    "workflow", "instance", "worker", "table", "tools",
}  # fmt: skip
REPLY = agent.Reply("done", None, [])
TOTAL = ("aggregate", '{"group_by": "ward", "statistic": "sum", "column": "cases"}')


def test_data_analysis(client, upload, say, model):
    upload(client)
    model.call(TOTAL)
    model.message("Alpha: 10")
    response = say(client, "sum of cases by ward")
    reply = response.json
    assert response.status_code == 200
    assert set(reply) == KEYS
    assert reply["message"] == reply["response"] == "Alpha: 10"
    assert (reply["status"], reply["workflow"]) == ("success", "data-analysis")
    assert (reply["tools_used"], reply["tools"]) == (["analyze_data"], ["aggregate"])
    assert reply["table"] == {
        "columns": ["ward", "sum of cases"],
        "rows": [["Alpha", 10], ["Beta", 30], ["Gamma", 20]],
    }
    assert response.headers["X-Served-By"] == f"A/{reply['worker']}"


def test_what_the_model_is_asked(client, upload, say, model):
    upload(client)
    model.call(TOTAL)
    model.message("done")
    say(client, "sum of cases by ward")
    first, second = model.requests
    lines = first["messages"][0]["content"].splitlines()
    assert 'Columns: ["ward", "cases", "tested"]' in lines
    assert "Rows: 3" in lines
    assert (first["temperature"], first["parallel_tool_calls"], first["model"]) == (0, False, "test-model")
    assert len(first["tools"]) == 7
    asked, result = second["messages"][-2:]
    assert asked["tool_calls"][0]["function"]["name"] == "aggregate"
    assert json.loads(result["content"])["rows"] == [["Alpha", 10], ["Beta", 30], ["Gamma", 20]]
    assert result["tool_call_id"] == asked["tool_calls"][0]["id"]


def test_without_an_upload_the_normal_workflow_answers_without_tools(client, say, model):
    model.message("Malaria is a disease.")
    reply = say(client, "what is malaria?", is_data_analysis=True, tab_context="data-analysis").json
    assert set(reply) == KEYS
    assert (reply["status"], reply["workflow"]) == ("success", "normal")
    assert (reply["tools_used"], reply["tools"], reply["table"]) == ([], [], None)
    assert "tools" not in model.requests[0]
    assert "Columns:" not in model.requests[0]["messages"][0]["content"]


def test_the_second_false_answer_by_session_where_the_data_is_elsewhere(start, tmp_path, upload, say):
    env = {"MODE_DETECTION": "session"}
    here, there = start(**env).client(), start(**env, UPLOAD_ROOT=str(tmp_path / "b")).client()
    upload(here)
    there.set_cookie("chatmrpt_session", here.get_cookie("chatmrpt_session").value)
    response = say(there)
    assert response.status_code == 200
    assert (response.json["status"], response.json["workflow"]) == ("info", "data-analysis")
    assert response.json["message"].startswith("Please upload your data file first.")
    assert response.json["tools_used"] == []
    assert list((tmp_path / "b").iterdir()) == []


def test_the_first_false_answer_by_flag_where_the_flag_is_elsewhere(start, tmp_path, upload, say, model):
    model.message("In general ...")
    here, there = start().client(), start(UPLOAD_ROOT=str(tmp_path / "b")).client()
    upload(here)
    there.set_cookie("chatmrpt_session", here.get_cookie("chatmrpt_session").value)
    response = say(there, is_data_analysis=True)
    assert (response.status_code, response.json["workflow"]) == (200, "normal")
    assert list((tmp_path / "b").iterdir()) == []


@pytest.mark.parametrize("mode", ["flag-file", "session"])
def test_clear_mode_ends_data_analysis(start, upload, say, model, mode):
    model.message("hello")
    client = start(MODE_DETECTION=mode).client()
    upload(client)
    assert client.get("/api/data-analysis/status").json == {
        "status": "success",
        "has_file": True,
        "filename": "wards.csv",
        "session_id": upload(client).json["session_id"],
        "mode": "data-analysis",
        "instance": "A",
    }
    assert client.post("/api/data-analysis/clear-mode").status_code == 200
    state = client.get("/api/data-analysis/status").json
    assert (state["mode"], state["has_file"]) == ("normal", False)
    assert say(client).json["workflow"] == "normal"


def test_a_session_id_in_the_body_is_not_read(instance, upload, say, model):
    model.message("hello")
    victim = upload(instance.client()).json["session_id"]
    reply = say(instance.client(), "show my data", session_id=victim, is_data_analysis=True)
    assert reply.json["workflow"] == "normal"
    assert instance.evidence()[-1]["session"]["id"] != victim


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {}},
        {"json": {"message": ""}},
        {"json": {"message": "  "}},
        {"json": {"message": 5}},
        {"json": ["message"]},
        {"data": "message=hello"},
        {"data": "{", "content_type": "application/json"},
    ],
)
def test_no_message(client, sent):
    response = client.post("/send_message", **sent)
    assert response.status_code == 400
    assert response.json == {"status": "error", "message": "No message provided"}


def test_half_a_character_pair_is_no_error(client, say, model):
    model.message("hello")
    response = client.post("/send_message", data='{"message": "\\ud800 x"}', content_type="application/json")
    assert response.status_code == 200
    assert model.requests[0]["messages"][-1]["content"] == "? x"


@pytest.fixture
def other_worker(start):
    """Another worker of the instance, asked by the same user: it has not seen what the first has."""

    def make(client):
        other = start().client()
        other.set_cookie("chatmrpt_session", client.get_cookie("chatmrpt_session").value)
        return other

    return make


def test_damaged_data_is_said_and_not_answered(client, other_worker, upload, say, tmp_path):
    upload(client)
    (path,) = tmp_path.rglob("data_analysis.csv")
    path.write_bytes(b"ward,cases,tested\nAlpha,99,40\n")
    response = say(other_worker(client))
    assert (response.status_code, response.json["status"]) == (500, "error")
    assert "wards.csv" in response.json["message"]


def test_a_worker_reads_and_parses_a_file_once(instance, other_worker, upload, say, model, monkeypatch):
    parsed, parse = [], dataset.parse
    monkeypatch.setattr(dataset, "parse", lambda *file: parsed.append(file) or parse(*file))
    model.message("done")
    here = instance.client()
    upload(here)
    say(here)
    assert len(parsed) == 1, "the upload's own worker has it"
    there = other_worker(here)
    for _ in range(2):
        assert say(there).status_code == 200
    assert len(parsed) == 2, "another worker reads it once"
    operations = [[event["op"] for event in record["storage"]] for record in instance.evidence()[1:]]
    assert operations == [
        ["stat", "stat", "recall"],
        ["stat", "stat", "recall", "stat", "read"],
        ["stat", "stat", "recall"],
    ]


@pytest.mark.parametrize("name", ["rows.xlsx", "rows.json", "rows.csv"])
@pytest.mark.parametrize("kept", ["local", "s3"])
def test_another_worker_answers_from_the_same_rows(
    request, start, other_worker, upload, say, model, monkeypatch, name, kept
):
    """A workbook's rows are kept in columns, which the other workers read in place of parsing it again."""
    frame = pd.DataFrame(
        {
            "ward": ["A", None, "Ç"],
            "n": [1, 2, 3],
            "x": [0.5, None, 2.0],
            "on": [True, False, True],
            "day": pd.to_datetime(["2024-01-05", "2024-01-06", "2024-01-07"]),
        }
    )
    workbook = io.BytesIO()
    frame.to_excel(workbook, index=False)
    data = {
        "rows.xlsx": workbook.getvalue(),
        "rows.json": frame.to_json(orient="records", date_format="iso").encode(),
        "rows.csv": frame.to_csv(index=False).encode(),
    }[name]
    env = request.getfixturevalue("s3") if kept == "s3" else {}
    here, there = start(**env), start(**env)
    uploader, reader = here.client(), there.client()
    seen = []
    monkeypatch.setattr(
        agent, "analyse", lambda model, message, past, turns, data, now: seen.append(data) or REPLY
    )
    assert upload(uploader, data, name).json["file_size"] == len(data)
    reader.set_cookie("chatmrpt_session", uploader.get_cookie("chatmrpt_session").value)
    for client in (uploader, reader):
        assert say(client).status_code == 200
    pd.testing.assert_frame_equal(*seen, check_exact=True)
    written = [event["where"] for event in here.evidence()[0]["storage"] if event["op"] == "write"]
    columnar = [where for where in written if "data_analysis.arrow" in where]
    assert len(columnar) == (not name.endswith("csv"))
    assert any(where.removesuffix(".zst").endswith(f"/{name}") for where in written) is (
        kept == "local" or bool(columnar)
    )


def test_a_column_of_anything_stays_in_its_workbook(client, other_worker, upload, say, model, tmp_path):
    model.message("done")
    upload(client, b'[{"a": 1, "b": "x"}, {"a": "two", "b": null}]', "mixed.json")
    assert [path.name for path in tmp_path.rglob("data_analysis.*")] == ["data_analysis.json"]
    assert say(other_worker(client)).status_code == 200


def test_what_is_remembered_is_never_what_has_been_replaced(client, other_worker, upload, say, model):
    model.message("done")
    upload(client)
    there = other_worker(client)
    say(there)
    upload(client, b"region,deaths\nNorth,1\n")
    say(there)
    asked = [request["messages"][0]["content"] for request in model.requests[-2:]]
    assert 'Columns: ["ward", "cases", "tested"]' in asked[0], "a guess, while the store is asked"
    assert 'Columns: ["region", "deaths"]' in asked[1]


def test_what_is_remembered_is_no_answer_once_the_flag_is_gone(start, upload, say, model):
    instance = start(MODE_DETECTION="session")
    client = instance.client()
    model.message("done")
    upload(client)
    assert say(client).json["message"] == "done"
    instance.app.extensions["v3"].storage.clear_flag(instance.evidence()[-1]["session"]["id"])
    response = say(client)
    assert (response.json["status"], response.json["tools_used"]) == ("info", [])
    assert response.json["message"].startswith("Please upload")


def test_a_store_that_is_away_is_told_though_the_model_has_answered(
    client, instance, upload, say, model, monkeypatch
):
    model.message("done")
    upload(client)
    say(client)
    storage, asked = type(instance.app.extensions["v3"].storage), []

    def away(self, session_id):
        asked.append(session_id)
        if len(asked) > 1:  # the first decides the mode
            raise StoreDown("storage (local)", "gone")
        return flag(self, session_id)

    flag = storage.flag
    monkeypatch.setattr(storage, "flag", away)
    response = say(client)
    assert response.status_code == 503
    assert "storage (local)" in response.json["message"]


@pytest.mark.parametrize(
    ("switch", "names"), [("on", {"ChatMRPT-Session", "ChatMRPT-Instance"}), ("off", set())]
)
def test_the_stickiness_cookies_of_the_failed_attempt(start, upload, switch, names):
    response = upload(start(STICKINESS_COOKIE=switch).client())
    lines = [line for line in response.headers.getlist("Set-Cookie") if line.startswith("ChatMRPT-")]
    assert {line.partition("=")[0] for line in lines} == names
    assert all("Max-Age=3600" in line and "HttpOnly" in line and "SameSite=Lax" in line for line in lines)
