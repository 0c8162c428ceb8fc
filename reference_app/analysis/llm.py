"""One exchange with the model, and what can go wrong with it, each with a marker of its own.

Facts about the server's errors: vLLM 0.33 (entrypoints/openai); both shapes of its error body occur.
"""

from __future__ import annotations

import json
import re
import ssl
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import openai

from reference_app import evidence
from reference_app.settings import Settings


class LLMTrouble(Exception):
    """The model server failed; ``marker`` tells how, for programs."""

    def __init__(self, marker: str, detail: str) -> None:
        super().__init__(detail)
        self.marker, self.detail = marker, detail


@dataclass(frozen=True)
class ToolCall:
    """A call as the model made it; ``arguments`` is the JSON text."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Answer:
    """What the model said."""

    content: str
    calls: list[ToolCall] = field(default_factory=list)
    finish_reason: str | None = None


TLS = ssl.create_default_context()
"""Made once where the app is loaded before its workers fork; reading the certificates takes 24 ms of each."""

READY_SECONDS = 5.0
"""How long a readiness check waits: a balancer's patience is shorter than a user's."""

LEAKED_CALL = re.compile(
    r"""<tool_call> | <\|python_tag\|> | <function=
      | \{\s*"name"\s*:\s*"[^"]+"\s*,\s*"(?:parameters|arguments)"\s*:  # also amid prose, or cut off
      | \{\s*"type"\s*:\s*"function"\s*,\s*"(?:function|name)"\s*:
    """,
    re.IGNORECASE | re.VERBOSE,
)
FENCE = re.compile(r"^```(?:json)?\s*(.*?)\s*```$", re.DOTALL)


class Model:
    """The chat endpoint that the settings name. One client for a process, made at first use."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: openai.OpenAI | None = None

    @property
    def _client(self) -> openai.OpenAI:
        if self._made is None:
            self._made = openai.OpenAI(
                base_url=self._settings.openai_base_url,
                api_key=self._settings.openai_api_key,
                timeout=self._settings.llm_timeout_seconds,
                http_client=openai.DefaultHttpxClient(verify=TLS),
                max_retries=0,  # one layer of retries at most, and that one is the user's
            )
        return self._made

    def ask(self, messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None = None) -> Answer:
        """One turn of the model.

        Raises:
            LLMTrouble: with the marker of what went wrong.
        """
        event: dict[str, Any] = {"model": self._settings.openai_model, "ok": False, "finish_reason": None}
        event |= {"tool_calls": [], "error": None, "bytes": _size(messages) + _size(tools or [])}
        start = time.perf_counter()
        try:
            answer = self._complete(messages, tools)
            event |= {
                "ok": True,
                "finish_reason": answer.finish_reason,
                "tool_calls": [c.name for c in answer.calls],
                "bytes": event["bytes"] + len(answer.content) + sum(len(c.arguments) for c in answer.calls),
            }
            if tools and not answer.calls and leaks_call(answer.content):
                raise LLMTrouble("llm_tool_call_as_text", "the tool call arrived as text: wrong tool parser")
            return answer
        except LLMTrouble as trouble:
            event |= {"ok": False, "error": trouble.marker}
            raise
        finally:
            evidence.note("llm", **event, ms=round((time.perf_counter() - start) * 1000, 2))

    def check(self) -> None:
        """Whether the endpoint answers and knows the model.

        Raises:
            LLMTrouble: it does not.
        """
        try:
            patience = min(READY_SECONDS, self._settings.llm_timeout_seconds)
            models = [model.id for model in self._client.models.list(timeout=patience)]
        except Exception as error:
            raise classified(error) from error
        if self._settings.openai_model not in models:
            raise LLMTrouble("llm_unknown_model", f"it serves {', '.join(models) or 'no model'}")

    def _complete(self, messages: list[dict[str, Any]], tools: list[dict[str, Any]] | None) -> Answer:
        request: dict[str, Any] = {
            "model": self._settings.openai_model,
            "messages": messages,
            "temperature": 0,
        }
        if tools:
            request |= {"tools": tools, "parallel_tool_calls": False}
        try:
            if self._settings.llm_stream:
                return assembled(self._client.chat.completions.create(**request, stream=True))
            choice = self._client.chat.completions.create(**request).choices[0]
        except LLMTrouble:
            raise
        except Exception as error:  # a stream also raises what lies below the client library
            raise classified(error) from error
        if choice.finish_reason is None:
            raise LLMTrouble("llm_cut", "the answer ended without a finish reason")
        calls = [
            ToolCall(call.id, call.function.name or "", call.function.arguments or "")
            for call in choice.message.tool_calls or []
            if call.type == "function"
        ]
        return Answer(choice.message.content or "", calls, choice.finish_reason)


def assembled(chunks: Iterable[Any]) -> Answer:
    """The answer that a stream spells out.

    Raises:
        LLMTrouble: the stream ended without a finish reason; the client library does not notice.
    """
    text, finish = "", None
    parts: dict[int, dict[str, str]] = {}
    for chunk in chunks:
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
            for call in choice.delta.tool_calls or []:
                part = parts.setdefault(call.index, {"id": "", "name": "", "arguments": ""})
                part["id"] = call.id or part["id"]
                if call.function is not None:
                    part["name"] += call.function.name or ""
                    part["arguments"] += call.function.arguments or ""
    if finish is None:
        raise LLMTrouble("llm_cut", "the stream ended without a finish reason")
    return Answer(text, [ToolCall(**part) for _, part in sorted(parts.items())], finish)


def classified(error: Exception) -> LLMTrouble:
    """Which trouble an error of the client is."""
    text = str(error)
    if isinstance(error, openai.APITimeoutError) or "Timeout" in type(error).__name__:
        return LLMTrouble("llm_timeout", "the model did not answer in time")
    if isinstance(error, openai.APIStatusError):
        if "--enable-auto-tool-choice" in text or "--tool-call-parser" in text:
            return LLMTrouble("llm_tools_not_enabled", "the model server was started without tool calling")
        if "maximum context length" in text or "context length is only" in text:
            return LLMTrouble("llm_context_too_long", "the conversation is too long for the model")
        if error.status_code == 404:
            return LLMTrouble("llm_unknown_model", "the model server does not know the model")
        return LLMTrouble("llm_unavailable", f"the model server answered {error.status_code}")
    if _broken_off(error) or isinstance(error, json.JSONDecodeError) or type(error) is openai.APIError:
        return LLMTrouble("llm_cut", "the model's answer broke off")
    if isinstance(error, openai.APIConnectionError):
        return LLMTrouble("llm_unavailable", "the model server cannot be reached")
    return LLMTrouble("llm_unavailable", "what answers at the model server's address is no model server")


def _size(said: list[dict[str, Any]]) -> int:
    """Bytes of messages or tools as JSON, which is nearly all of what goes over the wire."""
    return len(json.dumps(said).encode())


def leaks_call(content: str) -> bool:
    """Whether text is a tool call that the server's parser did not recognise."""
    if LEAKED_CALL.search(content):
        return True
    text = content.strip()
    if (fenced := FENCE.match(text)) is not None:
        text = fenced[1]
    try:
        said = json.loads(text)
    except ValueError:
        return False
    if isinstance(said, list) and said:
        said = said[0]
    return isinstance(said, dict) and "name" in said and ("parameters" in said or "arguments" in said)


def _broken_off(error: Exception) -> bool:
    """The connection was there and ended in the middle, unlike one that never was."""
    cause: BaseException | None = error
    while cause is not None:
        if type(cause).__name__ in ("RemoteProtocolError", "ReadError", "DecodingError"):
            return True
        cause = cause.__cause__
    return False
