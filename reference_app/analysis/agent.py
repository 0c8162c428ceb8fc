"""The loop: ask the model, run the tool it calls, show it the result, until it answers in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from reference_app import evidence
from reference_app.analysis import tools
from reference_app.analysis.llm import Answer, LLMTrouble, Model, ToolCall

SYSTEM = (
    "You are a data analyst for malaria programme officers. Answer only from tool results, give every "
    "number exactly as the tool returned it, and never show code."
)
GENERIC = (
    "You are ChatMRPT, an assistant for malaria risk mapping and prevention planning. "
    "You have no data set in this conversation."
)


@dataclass(frozen=True)
class Reply:
    """What the user gets: words, the last tool's table, and the names of the tools that ran."""

    text: str
    table: dict[str, Any] | None
    tools: list[str]


def analyse(
    model: Model,
    question: str,
    history: list[dict[str, str]],
    turns: int,
    data: pd.DataFrame,
    now: Callable[[], pd.DataFrame | None],
) -> Reply | None:
    """Answer a question about the data.

    Args:
        now: the data to answer from, asked when the model has read the question; nothing of an answer from
            other data goes on.

    Returns:
        None where there is no data any more.

    Raises:
        LLMTrouble: the model server failed, said nothing twice, or called tools without end.
    """
    names = json.dumps([str(name) for name in data.columns], ensure_ascii=False)
    system = f"{SYSTEM}\nColumns: {names}\nRows: {len(data)}"
    messages: list[dict[str, Any]] = [{"role": "system", "content": system}, *history]
    messages.append({"role": "user", "content": question})
    table: dict[str, Any] | None = None
    used: list[str] = []
    for _ in range(turns):
        answer = _speak(model, messages, tools.schemas())
        if (current := now()) is not data:
            return None if current is None else analyse(model, question, history, turns, current, now)
        if not answer.calls:
            return Reply(answer.content, table, used)
        call = answer.calls[0]  # Llama's chat template takes one call a turn back, no more
        result = tools.call(call.name, arguments(call), data)
        evidence.note("tools", name=call.name[:64], ok="error" not in result, error=tools.kind(result))
        used.append(call.name)
        if "columns" in result:
            table = {"columns": result["columns"], "rows": result["rows"]}
        messages += [_echo(call), _result(call, result)]
    raise LLMTrouble("llm_turns_exhausted", f"no answer after {turns} turns")


def converse(model: Model, message: str, history: list[dict[str, str]]) -> str:
    """The normal workflow's chat: no tools, no data.

    Raises:
        LLMTrouble: the model server failed, or said nothing twice.
    """
    messages = [{"role": "system", "content": GENERIC}, *history, {"role": "user", "content": message}]
    return _speak(model, messages).content


def arguments(call: ToolCall) -> dict[str, Any]:
    """A call's arguments: models send '', null, and JSON in JSON for them, too."""
    value: Any = call.arguments
    for _ in range(2):
        if isinstance(value, str):
            try:
                value = json.loads(value) if value.strip() else {}
            except ValueError:
                break
    if value is None:
        return {}
    return value if isinstance(value, dict) else {"unreadable": True}  # validation will tell the model


def _speak(
    model: Model, messages: list[dict[str, Any]], offered: list[dict[str, Any]] | None = None
) -> Answer:
    for _ in range(2):  # an empty turn happens when a parser swallows what it cannot read
        answer = model.ask(messages, offered)
        if answer.calls or answer.content.strip():
            return answer
    raise LLMTrouble("llm_empty", "the model neither called a tool nor said anything")


def _echo(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": json.dumps(arguments(call), ensure_ascii=False)}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": call.id, "type": "function", "function": function}],
    }


def _result(call: ToolCall, result: dict[str, Any]) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": call.id, "content": json.dumps(result, ensure_ascii=False)}
