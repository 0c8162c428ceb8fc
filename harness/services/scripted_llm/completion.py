"""From a chat request to what the model does: call a tool, or say something."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.services.scripted_llm import script, wording
from harness.services.scripted_llm.script import Call


@dataclass(frozen=True)
class Turn:
    """The model's turn: a call, or text."""

    text: str | None = None
    call: Call | None = None

    @property
    def finish_reason(self) -> str:
        return "tool_calls" if self.call else "stop"


def take_turn(request: Mapping[str, Any], fault: str) -> Turn:
    """What the model does with this conversation."""
    messages = request["messages"]
    last = messages[-1]
    if last.get("role") == "tool":
        return Turn(text=wording.from_result(_content(last), invent=fault == "invent"))
    question = _latest(messages, "user")
    tools = request.get("tools")
    if not tools or request.get("tool_choice") == "none":
        return Turn(text=wording.without_data(question))
    call = script.choose(question, _latest(messages, "system"), tools)
    if call is None:
        return Turn(text="I have no tool that answers this. Name the column, as in: the sum of X by Y.")
    if fault == "wrong-parser":
        text = json.dumps({"name": call.name, "parameters": call.arguments}, ensure_ascii=False)
        return Turn(text=text)
    return Turn(call=call)


def count_tokens(request: Mapping[str, Any]) -> int:
    """About four characters a token, as a rule of thumb for English."""
    return len(json.dumps([request["messages"], request.get("tools")], ensure_ascii=False)) // 4


def message(turn: Turn) -> dict[str, Any]:
    """vLLM's message: content null beside a call, no key ``tool_calls`` without one."""
    base = {
        "role": "assistant",
        "content": turn.text,
        "refusal": None,
        "annotations": None,
        "reasoning": None,
    }
    return base | ({"tool_calls": [tool_call(turn.call)]} if turn.call else {})


def tool_call(call: Call) -> dict[str, Any]:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return {
        "id": f"chatcmpl-tool-{uuid.uuid4().hex}",
        "type": "function",
        "function": {"name": call.name, "arguments": arguments},
    }


def _latest(messages: list[Mapping[str, Any]], role: str) -> str:
    return next((_content(one) for one in reversed(messages) if one.get("role") == role), "")


def _content(one: Mapping[str, Any]) -> str:
    content = one.get("content")
    if isinstance(content, list):  # the parts form of the API
        return "".join(part.get("text", "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""
