"""What a chat request must look like; vLLM, too, has pydantic say so."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field, ValidationError

from harness.services.scripted_llm import errors


class _Part(BaseModel):
    text: str = ""


class _Message(BaseModel):
    role: str
    content: str | list[_Part] | None = None


class _Parameters(BaseModel):
    properties: dict[str, Any] = {}


class _Function(BaseModel):
    name: str
    parameters: _Parameters = _Parameters()


class _Tool(BaseModel):
    function: _Function


class _StreamOptions(BaseModel):
    include_usage: bool = False


class _Request(BaseModel):
    messages: list[_Message] = Field(min_length=1)
    tools: list[_Tool] | None = Field(None, min_length=1)
    stream_options: _StreamOptions | None = None


def validated(body: Any) -> dict[str, Any]:
    """The request as it was sent, if it is one.

    Raises:
        Refused: it is not; 400, with the first thing that is wrong and where.
    """
    if not isinstance(body, dict):
        raise errors.invalid("body", "Input should be a valid JSON object")
    try:
        _Request.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise errors.invalid(place, f"{place}: {first['msg']}") from error
    if body.get("tool_choice") not in (None, "none") and not body.get("tools"):
        raise errors.invalid("tool_choice", "When using `tool_choice`, `tools` must be set.")
    return body
