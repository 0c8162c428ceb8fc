"""Each way in which the model server fails has its marker, and none is answered in generic words."""

import json
import socket

import pytest

from reference_app.analysis.agent import arguments
from reference_app.analysis.llm import ToolCall

REFUSED = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
TOO_LONG = "This model's maximum context length is 16 tokens. However, your prompt contains 90 input tokens."


def error(message, code):
    return {"message": message, "type": "BadRequestError", "param": None, "code": code}


def asked(client, upload, say):
    upload(client)
    return say(client, "sum of cases by ward")


def assert_trouble(response, marker, workflow="data-analysis"):
    assert response.status_code == 503, response.text
    reply = response.json
    assert reply["error"]["type"] == marker, reply
    assert (reply["status"], reply["tools_used"], reply["workflow"]) == ("error", [], workflow)
    assert "language model could not answer" in reply["message"]
    assert reply["error"]["detail"] in reply["message"]


BODIES = [
    (400, {"error": error(REFUSED, 400)}, "llm_tools_not_enabled"),
    (400, {"object": "error", **error(REFUSED, 400)}, "llm_tools_not_enabled"),
    (404, {"error": error("The model `x` does not exist.", 404)}, "llm_unknown_model"),
    (400, {"error": error(TOO_LONG, 400)}, "llm_context_too_long"),
    (401, {"error": "Unauthorized"}, "llm_unavailable"),
    (403, {"error": "Forbidden"}, "llm_unavailable"),
    (500, {"error": error("EngineCore encountered an issue.", 500)}, "llm_unavailable"),
    (503, {"error": error("busy", 503)}, "llm_unavailable"),
    (200, {"choices": []}, "llm_unavailable"),
    (200, {"hello": "world"}, "llm_unavailable"),
]


@pytest.mark.parametrize("stream", ["off", "on"])
@pytest.mark.parametrize(("status", "body", "marker"), BODIES[:8])
def test_refusals(start, upload, say, model, stream, status, body, marker):
    model.body(body, status)
    assert_trouble(asked(start(LLM_STREAM=stream).client(), upload, say), marker)
    assert len(model.requests) == 1  # no hidden retries: the user waits, and each is paid for


@pytest.mark.parametrize(("status", "body", "marker"), [body for body in BODIES if body[0] != 400])
def test_refusals_in_the_normal_workflow(client, say, model, status, body, marker):
    model.body(body, status)
    assert_trouble(say(client, "hello"), marker, "normal")


def test_a_page_of_a_proxy(client, upload, say, model):
    model.raw("<html>welcome</html>", mimetype="text/html")
    assert_trouble(asked(client, upload, say), "llm_unavailable")


CALL = '{"name": "top_rows", "parameters": {"column": "cases", "n": 3}}'
LEAKS = [
    CALL,
    f"<|python_tag|>{CALL}",
    f"```json\n{CALL}\n```",
    f"```\n{CALL}\n```",
    '```json\n{"parameters": {}, "name": "head"}\n```',
    f"<tool_call>\n{CALL}\n</tool_call>",
    '<tool_call>{"name": "head", "arguments": {}}</tool_call>',
    '{"parameters": {}, "name": "head"}',
    '{"name": "head", "arguments": "{}"}',
    '{"type": "function", "function": {"name": "head", "parameters": {}}}',
    f"{CALL}; {CALL}",
    f"[{CALL}]",
    f"I will look. {CALL}",
    CALL[:-12],
    '<function=head>{"n": 3}</function>',
]


@pytest.mark.parametrize("content", LEAKS)
def test_a_call_as_text(client, upload, say, model, content):
    model.message(content)
    assert_trouble(asked(client, upload, say), "llm_tool_call_as_text")


@pytest.mark.parametrize("content", ["42", "{}", '{"name": "Kano", "cases": 3}', "`top_rows` says 3", "[1]"])
def test_words_are_no_call(client, upload, say, model, content):
    model.message(content)
    assert asked(client, upload, say).json["response"] == content


def test_nobody_listens(start, upload, say):
    with socket.socket() as closed:  # bound, and never listening
        closed.bind(("127.0.0.1", 0))
        client = start(OPENAI_BASE_URL=f"http://127.0.0.1:{closed.getsockname()[1]}/v1").client()
        assert_trouble(asked(client, upload, say), "llm_unavailable")
        assert client.get("/ready").json["down"] == ["llm"]


@pytest.mark.parametrize("stream", ["off", "on"])
def test_no_answer_in_time(start, upload, say, stream):
    with socket.create_server(("127.0.0.1", 0)) as silent:  # connections wait in its backlog for ever
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        env = {"OPENAI_BASE_URL": url, "LLM_TIMEOUT_SECONDS": "0.05", "LLM_STREAM": stream}
        assert_trouble(asked(start(**env).client(), upload, say), "llm_timeout")


def test_cut_in_the_body(client, upload, say, model):
    model.raw('{"id": "1", "choices": [', content_length="5000")
    assert_trouble(asked(client, upload, say), "llm_cut")


def test_half_a_body_that_claims_to_be_whole(client, upload, say, model):
    model.raw('{"id": "1", "choices": [')
    assert_trouble(asked(client, upload, say), "llm_cut")


def test_no_finish_reason(client, upload, say, model):
    model.message("Alpha: 1", finish=None)
    assert_trouble(asked(client, upload, say), "llm_cut")


@pytest.mark.parametrize("done", [True, False])
def test_a_stream_without_its_end(start, upload, say, model, done):
    model.stream({"content": "Alpha: 1"}, finish=None, done=done)
    assert_trouble(asked(start(LLM_STREAM="on").client(), upload, say), "llm_cut")


def test_a_stream_that_breaks_off(start, upload, say, model):
    chunk = {"id": "1", "choices": [{"index": 0, "delta": {"content": "Al"}, "finish_reason": None}]}
    text = f"data: {json.dumps(chunk)}\n\n"
    model.raw(text, mimetype="text/event-stream", content_length="5000")
    assert_trouble(asked(start(LLM_STREAM="on").client(), upload, say), "llm_cut")


def test_an_error_amid_a_stream(start, upload, say, model):
    body = {"error": error("EngineCore", 500)}
    model.raw(f"data: {json.dumps(body)}\n\ndata: [DONE]\n\n", mimetype="text/event-stream")
    assert_trouble(asked(start(LLM_STREAM="on").client(), upload, say), "llm_cut")


@pytest.mark.parametrize("content", [None, "", " \n"])
def test_empty_twice(client, upload, say, model, content):
    model.message(content)
    assert_trouble(asked(client, upload, say), "llm_empty")
    assert len(model.requests) == 2


def test_empty_once_is_asked_again(client, upload, say, model):
    model.message("")
    model.message("Alpha: 10")
    assert asked(client, upload, say).json["response"] == "Alpha: 10"


def test_empty_in_the_normal_workflow(client, say, model):
    model.message("")
    assert_trouble(say(client, "hello"), "llm_empty", "normal")


def test_calls_without_end(start, upload, say, model):
    model.call(("describe_data", "{}"))
    client = start(LLM_MAX_TURNS="3").client()
    assert_trouble(asked(client, upload, say), "llm_turns_exhausted")
    assert len(model.requests) == 3


def test_a_failed_answer_is_no_history(client, upload, say, model):
    model.body({"error": "Unauthorized"}, 401)
    model.message("hello")
    asked(client, upload, say)
    say(client, "again")
    assert [m["role"] for m in model.requests[-1]["messages"]] == ["system", "user"]


def test_a_stream_with_a_call_in_pieces(start, upload, say, model):
    head = {"index": 0, "id": "call-1", "type": "function", "function": {"name": "top_rows"}}
    pieces = ['{"column": "ca', 'ses", "n": 1}']
    model.stream(
        {"role": "assistant", "content": ""},
        {"tool_calls": [head]},
        *({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces),
        finish="tool_calls",
    )
    model.stream({"content": "Beta"}, {"content": ": 30"})
    reply = asked(start(LLM_STREAM="on").client(), upload, say).json
    assert reply["response"] == "Beta: 30"
    assert reply["table"]["rows"] == [["Beta", 30, 60]]
    assert all(request["stream"] is True for request in model.requests)


def test_of_two_calls_only_the_first_is_run_and_shown(client, upload, say, model):
    model.call(("head", '{"n": 1}'), ("describe_data", "{}"))
    model.message("done")
    assert asked(client, upload, say).json["tools"] == ["head"]
    assert [len(m["tool_calls"]) for m in model.requests[1]["messages"] if m.get("tool_calls")] == [1]


@pytest.mark.parametrize(
    ("name", "text", "allowed"),
    [("rm_rf", "{}", "top_rows"), ("top_rows", '{"column": "State"}', "cases"), ("head", "{broken", "n")],
)
def test_a_wrong_call_is_told_to_the_model(client, upload, say, model, name, text, allowed):
    model.call((name, text))
    model.message("sorry")
    reply = asked(client, upload, say)
    assert (reply.status_code, reply.json["table"]) == (200, None)
    told = json.loads(model.requests[1]["messages"][-1]["content"])
    assert told["error"]
    assert allowed in told["allowed"]
    json.loads(model.requests[1]["messages"][-2]["tool_calls"][0]["function"]["arguments"])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", {}),
        (" ", {}),
        ("null", {}),
        ("{}", {}),
        ('{"n": 3}', {"n": 3}),
        ('"{\\"n\\": 3}"', {"n": 3}),
        ('""', {}),
        ('"null"', {}),
        ("[1]", {"unreadable": True}),
        ("{broken", {"unreadable": True}),
    ],
)
def test_arguments(text, value):
    assert arguments(ToolCall("1", "head", text)) == value


def test_ready_names_a_model_that_is_not_served(client, model):
    model.models = ["other"]
    response = client.get("/ready")
    assert (response.status_code, response.json["down"]) == (503, ["llm"])
    assert "other" in response.json["checks"]["llm"]["detail"]
