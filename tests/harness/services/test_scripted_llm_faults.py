"""Each fault of the scripted LLM as vLLM would show it; and requests that are no requests."""

import json
import re
import time

import openai
import pytest
import requests

from harness.errors import HarnessError
from harness.processes import PythonLauncher
from harness.services import LLM_FAULTS, llm
from reference_app.analysis import tools

OFFERED = tools.schemas()
QUESTION = [{"role": "user", "content": 'sum of "cases" by "ward"'}]
CALL = ("aggregate", {"group_by": "ward", "statistic": "sum", "column": "cases"})
RESULT = {"columns": ["ward", "cases"], "rows": [["Alpha", 10], ["Beta", 3.5]]}
AFTER_TOOL = [*QUESTION, {"role": "tool", "tool_call_id": "1", "content": json.dumps(RESULT)}]
REFUSED = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
LONG = r"This model's maximum context length is 16 tokens\. However, your prompt contains \d{3,} input tokens"
BROKEN_OFF = r"Connection error|incomplete chunked read"  # by the client's version

ERRORS = [
    ("no-tool-flags", 400, "BadRequestError", None, re.escape(REFUSED)),
    ("no-tool-flags-flat", 400, "BadRequestError", None, re.escape(REFUSED)),
    ("unknown-model", 404, "NotFoundError", "model", "The model `.*` does not exist"),
    ("context-too-long", 400, "BadRequestError", "input_tokens", LONG),
    ("server-error", 500, "InternalServerError", None, "EngineCore encountered"),
    ("overloaded", 503, "ServiceUnavailableError", None, "The server cannot take"),
]


@pytest.mark.parametrize(("name", "status", "kind", "param", "message"), ERRORS)
def test_a_fault_that_refuses(ask, fault, name, status, kind, param, message):
    fault(name)
    with pytest.raises(openai.APIStatusError) as refused:
        ask(messages=QUESTION, tools=OFFERED)
    assert refused.value.status_code == status
    body = refused.value.response.json()
    if name.endswith("-flat"):
        assert body.pop("object") == "error"
    else:
        (only, body) = body.popitem()
        assert only == "error"
    assert re.match(message, body.pop("message"))
    assert body == {"type": kind, "param": param, "code": status}


@pytest.mark.parametrize("name", ["no-tool-flags", "no-tool-flags-flat"])
def test_without_the_flags_it_talks_as_long_as_there_are_no_tools(ask, fault, name):
    fault(name)
    assert ask(messages=QUESTION).text
    assert ask(messages=QUESTION, tools=OFFERED, tool_choice="none").text


def test_another_model_is_listed_and_answers_to_its_name(client, server, fault):
    fault("unknown-model")
    (listed,) = client.models.list()
    assert listed.id != server.model
    answer = client.chat.completions.create(model=listed.id, messages=QUESTION)
    assert answer.model == listed.id


def test_a_prompt_may_be_too_long_without_any_fault(ask):
    with pytest.raises(openai.BadRequestError, match="maximum context length is 8192 tokens"):
        ask(messages=[{"role": "user", "content": "word " * 8000}])


def test_a_dead_engine_is_not_healthy(server, fault):
    fault("server-error")
    health = server.base_url.removesuffix("/v1") + "/health"
    assert requests.get(health, timeout=5, headers=key(server)).status_code == 503
    assert requests.get(health, timeout=5).status_code == 200


def test_the_wrong_parser_leaves_the_call_in_the_text(ask, fault):
    fault("wrong-parser")
    answer = ask(messages=QUESTION, tools=OFFERED)
    assert (answer.calls, answer.reason) == ([], "stop")
    assert json.loads(answer.text) == {"name": CALL[0], "parameters": CALL[1]}


def test_an_invented_answer_has_none_of_the_numbers(ask, fault):
    fault("invent")
    assert ask(messages=QUESTION, tools=OFFERED).calls == [CALL]
    invented = ask(messages=AFTER_TOOL).text
    assert re.fullmatch(r"ward, cases: Alpha: \d{9}; Beta: \d{9}\.", invented)
    assert ask(messages=AFTER_TOOL).text != invented
    fault("none")
    assert ask(messages=AFTER_TOOL).text == "ward, cases: Alpha: 10; Beta: 3.5."


def test_a_cut_answer(ask, fault):
    fault("cut-stream")
    with pytest.raises(Exception, match=BROKEN_OFF) as broken:
        ask(messages=AFTER_TOOL)
    assert "incomplete chunked read" in f"{broken.value} {broken.value.__cause__}"


def test_a_stream_is_cut_when_it_has_begun(client, server, fault):
    fault("cut-stream")
    chunks = iter(client.chat.completions.create(model=server.model, messages=AFTER_TOOL, stream=True))
    assert next(chunks).choices[0].delta.role == "assistant"
    assert next(chunks).choices[0].delta.content == "ward, cases:"
    with pytest.raises(Exception, match=BROKEN_OFF):
        next(chunks)


def test_no_answer_in_time_though_it_is_healthy(client, server, fault):
    fault("timeout")
    with pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(model=server.model, messages=QUESTION, timeout=0.3)
    assert [model.id for model in client.models.list()] == [server.model]


def control(server, **sent):
    url = server.base_url.removesuffix("/v1") + "/control/fault"
    return requests.put(url, timeout=5, headers=key(server), **sent)


def key(server):
    return {"Authorization": f"Bearer {server.api_key}"}


def test_a_fault_is_switched_while_it_runs(server, fault):
    state = server.base_url.removesuffix("/v1") + "/control"
    for name in LLM_FAULTS:
        assert control(server, json={"fault": name}).json() == {"fault": name}
        told = requests.get(state, timeout=5, headers=key(server)).json()
        assert (told["fault"], told["faults"]) == (name, LLM_FAULTS)


@pytest.mark.parametrize(
    "sent",
    [
        {"json": {"fault": "no-such"}},
        {"json": {"fault": None}},
        {"json": {}},
        {"data": b"invent"},
        {"json": ["invent"]},
        {"json": {"fault": ["invent"]}},
    ],
)
def test_an_unknown_fault_is_refused_and_changes_nothing(server, fault, sent):
    fault("invent")
    answer = control(server, **sent)
    assert answer.status_code == 400
    assert "there are: none, no-tool-flags" in answer.json()["error"]
    url = server.base_url.removesuffix("/v1") + "/control"
    assert requests.get(url, timeout=5, headers=key(server)).json()["fault"] == "invent"


def test_the_harness_is_told_of_an_unknown_fault(server):
    with pytest.raises(HarnessError, match=r"scripted LLM: .*no fault 'no-such'; there are: none"):
        server.set_fault("no-such")


@pytest.mark.parametrize("name", ["none", "overloaded"])
def test_it_can_start_with_a_fault(workshop, folder, name):
    with llm.running(PythonLauncher(workshop.root, warm=False), folder, name) as started:
        state = requests.get(started.base_url.removesuffix("/v1") + "/control", timeout=5).json()
    assert state["fault"] == name


@pytest.mark.parametrize(("name", "least"), [("busy", 0.4), ("slow", 1.0)])
def test_a_busy_model_answers_right_and_takes_its_time(ask, fault, name, least):
    usual_text = ask(messages=AFTER_TOOL, tools=OFFERED).text
    fault(name)
    start = time.monotonic()
    assert ask(messages=AFTER_TOOL, tools=OFFERED).text == usual_text
    assert time.monotonic() - start >= least


def test_an_unknown_fault_at_the_start_is_told(workshop, folder):
    launcher = PythonLauncher(workshop.root, warm=False)
    with (
        pytest.raises(HarnessError, match="'no-such' is not one of 'none'"),
        llm.running(launcher, folder, "no-such"),
    ):
        pass


def test_each_key_has_a_fault_of_its_own(server, fault):
    one, other = server.tenant(), server.tenant()
    one.set_fault("no-tool-flags")
    fault("overloaded")
    assert (shown(one), shown(other), shown(server)) == ("no-tool-flags", "none", "overloaded")
    one.set_fault("none")
    assert shown(one) == "none"


def shown(model):
    """The fault that a client with this key meets."""
    with openai.OpenAI(base_url=model.base_url, api_key=model.api_key, max_retries=0) as client:
        try:
            client.chat.completions.create(model=model.model, messages=QUESTION, tools=OFFERED)
        except openai.BadRequestError:
            return "no-tool-flags"
        except openai.InternalServerError:
            return "overloaded"
        return "none"


def call_of(**said):
    return [{"type": "function", "function": said}]


def usual(**changed):
    return {"messages": QUESTION, "tools": OFFERED, **changed}


MALFORMED = {
    "a string": "no object",
    "a list": [],
    "nothing": {},
    "messages: a string": usual(messages="hello"),
    "messages: none": usual(messages=[]),
    "messages: strings": usual(messages=["hello"]),
    "tools: none": usual(tools=[]),
    "tool_choice without tools": {"messages": QUESTION, "tool_choice": "auto"},
    "content: text is a number": usual(messages=[{"role": "user", "content": [{"type": "text", "text": 5}]}]),
    "tools: a string": usual(tools="aggregate"),
    "tools: an object": usual(tools={"name": "aggregate"}),
    "tools: strings": usual(tools=["aggregate"]),
    "function: a string": usual(tools=[{"type": "function", "function": "aggregate"}]),
    "parameters: a string": usual(tools=call_of(name="aggregate", parameters="cases")),
    "properties: a number": usual(tools=call_of(name="aggregate", parameters={"properties": 5})),
    "stream_options: a string": usual(stream=True, stream_options="usage"),
}


@pytest.mark.parametrize(
    "body",
    [pytest.param(body, id=name) for name, body in MALFORMED.items()],
)
def test_a_malformed_request_gets_400(server, body):
    answer = requests.post(f"{server.base_url}/chat/completions", json=body, timeout=5)
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["type"], error["code"]) == ("Bad Request", 400)
    assert error["message"].startswith("1 validation error:\n")


def test_what_is_no_json_gets_400(server):
    for sent in ({"data": b"{", "headers": {"Content-Type": "application/json"}}, {"data": b"{}"}, {}):
        answer = requests.post(f"{server.base_url}/chat/completions", timeout=5, **sent)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "body")


ODD_RESULTS = [{"rows": 5}, {"columns": ["a"], "rows": [1]}, {"columns": 5, "rows": [[1, 2]]}]


@pytest.mark.parametrize("result", ODD_RESULTS)
def test_a_result_that_is_no_table_is_worded_all_the_same(ask, result):
    messages = [*QUESTION, {"role": "tool", "tool_call_id": "1", "content": json.dumps(result)}]
    assert ask(messages=messages).text
