"""The scripted LLM through the real client, whole and streamed: its tools, its words, its refusals."""

import json
import re

import openai
import pytest
import requests

from harness import ports
from harness.errors import HarnessError
from harness.services import llm
from reference_app.analysis import tools

SYSTEM = 'You are an analyst.\nColumns: ["ward", "cases", "tested", "month", "ward name"]\nRows: 3'
OFFERED = tools.schemas()
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def question(text):
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]


def after_tool(result):
    """A conversation whose last message is a tool's result."""
    function = {"name": "aggregate", "arguments": "{}"}
    call = {"id": "call-1", "type": "function", "function": function}
    content = result if isinstance(result, str) else json.dumps(result)
    return [
        *question("sum of cases by ward"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call-1", "content": content},
    ]


def aggregate(by, statistic, column=None, denominator=None):
    columns = {"column": column, "denominator": denominator}
    given = {name: value for name, value in columns.items() if value}
    return "aggregate", {"group_by": by, "statistic": statistic, **given}


def rows(column, operator, value):
    return "filter_rows", {"column": column, "operator": operator, "value": value}


def top(column, n, order="top"):
    return "top_rows", {"column": column, "n": n, "order": order}


def trend(column, statistic="sum"):
    return "trend", {"period_column": "month", "column": column, "statistic": statistic}


INTENTS = [
    ("What is the sum of cases by ward?", aggregate("ward", "sum", "cases")),
    ("TOTAL Cases per WARD", aggregate("ward", "sum", "cases")),
    ("average tested by ward name", aggregate("ward name", "mean", "tested")),
    ("the mean of `tested` by 'ward'", aggregate("ward", "mean", "tested")),
    ('sum of "a column not listed" by ward', aggregate("ward", "sum", "a column not listed")),
    ("the rate of cases to tested by ward", aggregate("ward", "rate", "cases", "tested")),
    ("how many rows for each ward?", aggregate("ward", "count")),
    ("trend of cases by month", trend("cases")),
    ("trend of the average cases by month", trend("cases", "mean")),
    ("trend of the highest cases by month", trend("cases")),
    ("top 3 by cases", top("cases", 3)),
    ("the highest cases", top("cases", 5)),
    ("Which ward has the most cases?", top("cases", 1)),
    ("which ward has the lowest cases", top("cases", 1, "bottom")),
    ("bottom 12 of tested", top("tested", 12, "bottom")),
    ('rows where ward is "Alpha Town"', rows("ward", "==", "Alpha Town")),
    ("rows where cases >= 20", rows("cases", ">=", 20)),
    ("rows where cases < -2.5?", rows("cases", "<", -2.5)),
    ("where ward contains alp", rows("ward", "contains", "alp")),
    ("which distinct values has ward?", ("distinct_values", {"column": "ward"})),
    ("show the first 3 rows", ("head", {"n": 3})),
    ("show rows", ("head", {"n": 5})),
    ("tell me about the data", ("describe_data", {})),
]


@pytest.mark.parametrize(("text", "call"), INTENTS, ids=[text for text, _ in INTENTS])
def test_a_question_becomes_a_call(ask, text, call):
    answer = ask(messages=question(text), tools=OFFERED)
    assert (answer.calls, answer.text, answer.reason) == ([call], None, "tool_calls")


def test_a_tool_is_called_only_if_it_and_its_arguments_are_offered(ask):
    head = [tool for tool in OFFERED if tool["function"]["name"] == "head"]
    answer = ask(messages=question("the sum of cases by ward"), tools=head)
    assert (answer.calls, answer.reason) == ([], "stop")
    assert answer.text.startswith("I have no tool that answers this.")
    small = json.loads(json.dumps(OFFERED))
    for tool in small:
        tool["function"]["parameters"]["properties"].pop("denominator", None)
    answer = ask(messages=question("the rate of cases to tested by ward"), tools=small)
    assert answer.calls == [("describe_data", {})]


@pytest.mark.parametrize("parallel", [True, False])
def test_one_call_at_a_time_in_parallel_or_not(ask, parallel):
    asked = {"messages": question("sum of cases by ward"), "tools": OFFERED, "tool_choice": "auto"}
    answer = ask(**asked, parallel_tool_calls=parallel)
    assert answer.calls == [aggregate("ward", "sum", "cases")]


def test_tools_that_may_not_be_chosen_are_not(ask):
    answer = ask(messages=question("sum of cases by ward"), tools=OFFERED, tool_choice="none")
    assert (answer.calls, answer.reason) == ([], "stop")


@pytest.mark.parametrize("factor", [1, 7, 0.5])
def test_the_numbers_of_an_answer_are_those_of_the_result(ask, factor):
    table = [["Alpha", 10 * factor], ["Beta", 31 * factor]]
    answer = ask(messages=after_tool({"columns": ["ward", "sum of cases"], "rows": table}), tools=OFFERED)
    assert answer.calls == []
    assert answer.text == f"ward, sum of cases: Alpha: {10 * factor}; Beta: {31 * factor}."


def test_a_wide_result_is_worded_in_full(ask):
    table = {"columns": ["ward", "cases", "note"], "rows": [["Älpha", 10, None]], "row_count": 1}
    assert ask(messages=after_tool(table)).text == "ward, cases, note: ward Älpha, cases 10, note null."


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"columns": ["ward"], "rows": [], "row_count": 0}, "There are no such rows."),
        ({"error": "there is no column 'x'", "allowed": []}, "I could not compute that: there is no column"),
        ({"columns": ["a", "b"], "rows": [["x", 1]], "truncated": True, "row_count": 9}, "(of 9 rows)"),
        ("not JSON", "The tool answered: not JSON"),
        ("[1]", "The tool answered: [1]"),
    ],
)
def test_other_results(ask, result, said):
    assert said in ask(messages=after_tool(result)).text


@pytest.mark.parametrize("text", ["sum of cases by ward", "What is malaria?", "hello", "top 3", "x"])
def test_without_a_result_there_is_no_number(ask, text):
    answer = ask(messages=question(text))
    assert (answer.calls, answer.reason) == ([], "stop")
    assert answer.text
    assert not NUMBER.search(answer.text)


def test_content_may_come_in_parts(ask):
    parts = [{"type": "text", "text": "sum of cases "}, {"type": "text", "text": "by ward"}]
    answer = ask(messages=question(parts), tools=OFFERED)
    assert answer.calls == [aggregate("ward", "sum", "cases")]


def test_models_and_health(client, server):
    (served,) = client.models.list()
    assert (served.id, served.object, served.max_model_len) == (server.model, "model", 8192)
    root = server.base_url.removesuffix("/v1")
    assert requests.get(f"{root}/health", timeout=5).status_code == 200
    assert requests.get(f"{root}/version", timeout=5).json() == {"version": "0.33.0"}
    before = requests.get(f"{root}/control", timeout=5).json()["requests"]
    client.chat.completions.create(model=server.model, messages=question("hello"))
    assert requests.get(f"{root}/control", timeout=5).json()["requests"] == before + 1


def test_what_is_not_there(client, server):
    with pytest.raises(openai.NotFoundError):
        client.embeddings.create(model=server.model, input="x")
    with pytest.raises(openai.NotFoundError, match="The model `other` does not exist"):
        client.chat.completions.create(model="other", messages=question("hello"))
    assert requests.get(f"{server.base_url}/chat/completions", timeout=5).status_code == 405


def test_an_answer_as_vllm_shapes_it(client, server):
    sent = {"model": server.model, "messages": question("sum of cases by ward"), "tools": OFFERED}
    body = json.loads(client.chat.completions.with_raw_response.create(**sent).text)
    assert (body["object"], body["model"]) == ("chat.completion", server.model)
    assert body["id"].startswith("chatcmpl-")
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0
    message = body["choices"][0]["message"]
    assert (message["role"], message["content"]) == ("assistant", None)
    assert message["tool_calls"][0]["id"].startswith("chatcmpl-tool-")
    del sent["tools"]
    body = json.loads(client.chat.completions.with_raw_response.create(**sent).text)
    assert "tool_calls" not in body["choices"][0]["message"]


@pytest.mark.parametrize("usage", [True, False])
def test_a_stream_as_vllm_shapes_it(client, server, usage):
    options = {"stream": True, "stream_options": {"include_usage": usage}}
    text = "".join(f"{number} rows. " for number in range(100, 120))
    sent = {"model": server.model, "messages": after_tool(text), **options}
    with client.chat.completions.create(**sent) as stream:
        chunks = list(stream)
    if usage:
        last = chunks.pop()
        assert last.choices == []
        assert last.usage.total_tokens > 0
    assert len(chunks) > 10
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == f"The tool answered: {text}"
    reasons = [chunk.choices[0].finish_reason for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["stop"]


def test_an_endpoint_that_somebody_else_runs(server, monkeypatch):
    monkeypatch.setenv("OPENAI_MODEL", "theirs")
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    endpoint = llm.external(server.base_url + "/")
    assert endpoint == llm.LLM(server.base_url, "key", "theirs")
    assert endpoint.tenant() == endpoint
    with pytest.raises(HarnessError, match="only the scripted LLM can be misconfigured"):
        endpoint.set_fault("invent")


@pytest.mark.parametrize(
    ("url", "model", "said"),
    [
        ("http://127.0.0.1:8000/v1", None, "OPENAI_MODEL: not set"),
        ("127.0.0.1:8000", "theirs", "'127.0.0.1:8000' is not an http(s) URL"),
        ("http://127.0.0.1:{port}/v1", "theirs", "cannot be reached (ConnectionError)"),
    ],
)
def test_an_endpoint_that_cannot_be_used(url, model, said, monkeypatch):
    monkeypatch.setenv("OPENAI_MODEL", model or "")
    with ports.reserved() as port, pytest.raises(HarnessError, match=re.escape(said)):
        llm.external(url.format(port=port))
