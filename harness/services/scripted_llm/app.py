"""The HTTP side: vLLM's endpoints, its validation, its stream; and ``/control`` for the faults."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Flask, Response, jsonify, request

from harness.services.scripted_llm import completion, errors
from harness.services.scripted_llm.faults import FAULTS
from harness.services.scripted_llm.validation import validated

MODEL = "meta-llama/Llama-3.1-8B-Instruct"
VERSION = "0.33.0"
PIECE = 12
"""Characters of text in one chunk of a stream."""

NEVER = 120.0
"""Seconds that the fault ``timeout`` holds a request: longer than any client waits here."""


WAITS = {"busy": 0.4, "slow": 1.05}
"""Seconds that a turn takes with these faults; a question about data takes two."""


def create_app(*, model: str = MODEL, fault: str = "none", max_model_len: int = 8192) -> Flask:
    """The server, serving one model name; ``fault`` holds for every API key that was given no other."""
    app = Flask("scripted_llm", static_folder=None)
    faults: dict[str, str] = {}
    requests = itertools.count(1)
    counted = {"requests": 0}
    app.register_error_handler(errors.Refused, lambda refused: refused.response())

    def active() -> str:
        return faults.get(request.headers.get("Authorization", ""), fault)

    @app.get("/health")
    def health() -> Response:
        return Response(status=503 if active() == "server-error" else 200)

    @app.get("/version")
    def version() -> Response:
        return jsonify(version=VERSION)

    @app.get("/v1/models")
    def models() -> Response:
        return jsonify(object="list", data=[_model(_served(model, active()), max_model_len)])

    @app.get("/control")
    def control() -> Response:
        return jsonify(fault=active(), requests=counted["requests"], faults=FAULTS)

    @app.put("/control/fault")
    def switch() -> Response:
        body = request.get_json(silent=True)
        wanted = body.get("fault") if isinstance(body, dict) else None
        if not isinstance(wanted, str) or wanted not in FAULTS:
            answer = jsonify(error=f"no fault {wanted!r}; there are: {', '.join(FAULTS)}")
            answer.status_code = 400
            return answer
        faults[request.headers.get("Authorization", "")] = wanted
        return jsonify(fault=wanted)

    @app.post("/v1/chat/completions")
    def chat() -> Response:
        counted["requests"] = next(requests)
        body = validated(request.get_json(silent=True))
        shown = active()
        _refuse(body, shown, model, max_model_len)
        if shown == "timeout":
            time.sleep(NEVER)
        time.sleep(WAITS.get(shown, 0.0))
        turn = completion.take_turn(body, shown)
        head = _head(_served(model, shown))
        usage = _usage(body, turn)
        if body.get("stream"):
            with_usage = bool((body.get("stream_options") or {}).get("include_usage"))
            chunks = _stream(head, turn, usage if with_usage else None)
            return Response(_cut(chunks) if shown == "cut-stream" else chunks, mimetype="text/event-stream")
        whole = head | {"object": "chat.completion", "usage": usage, "choices": [_choice(turn)]}
        if shown == "cut-stream":
            text = json.dumps(whole)
            return Response(_cut(iter([text[: len(text) // 2]])), mimetype="application/json")
        return jsonify(whole)

    return app


def _refuse(body: Mapping[str, Any], fault: str, model: str, max_model_len: int) -> None:
    """vLLM's order: the model's name is looked at before the tools."""
    served = _served(model, fault)
    if body.get("model") not in (None, "", served):
        raise errors.unknown_model(body.get("model"), served)
    if fault.startswith("no-tool-flags") and body.get("tools") and body.get("tool_choice") != "none":
        raise errors.no_tool_flags(flat=fault.endswith("-flat"))
    tokens = completion.count_tokens(body)
    limit = min(max_model_len, 16) if fault == "context-too-long" else max_model_len
    if tokens > limit:
        raise errors.context_too_long(limit, tokens)
    if fault == "server-error":
        raise errors.Refused(500, "InternalServerError", "EngineCore encountered an issue.")
    if fault == "overloaded":
        raise errors.Refused(503, "ServiceUnavailableError", "The server cannot take the request now.")


def _served(model: str, fault: str) -> str:
    return f"{model}-other" if fault == "unknown-model" else model


def _model(name: str, max_model_len: int) -> dict[str, Any]:
    return {
        "id": name,
        "object": "model",
        "created": int(time.time()),
        "owned_by": "vllm",
        "root": name,
        "parent": None,
        "max_model_len": max_model_len,
        "permission": [],
    }


def _head(model: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{uuid.uuid4().hex}",
        "created": int(time.time()),
        "model": model,
        "system_fingerprint": f"vllm-{VERSION}-scripted",
    }


def _choice(turn: completion.Turn) -> dict[str, Any]:
    reason = {"finish_reason": turn.finish_reason, "stop_reason": None, "token_ids": None}
    return {"index": 0, "message": completion.message(turn), "logprobs": None, **reason}


def _usage(body: Mapping[str, Any], turn: completion.Turn) -> dict[str, Any]:
    prompt, answer = completion.count_tokens(body), len(json.dumps(completion.message(turn))) // 4
    return {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer}


def _stream(head: dict[str, Any], turn: completion.Turn, usage: Mapping[str, Any] | None) -> Iterator[str]:
    """Chunks in vLLM's order: role, pieces, finish reason, usage if asked for, ``[DONE]``."""

    def chunk(delta: Mapping[str, Any], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _event(head | {"object": "chat.completion.chunk", "choices": [choice]})

    yield chunk({"role": "assistant", "content": ""})
    if turn.call is not None:
        call = completion.tool_call(turn.call)
        arguments = call["function"].pop("arguments")
        yield chunk({"tool_calls": [{"index": 0, **call}]})
        for piece in _pieces(arguments):
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    for piece in _pieces(turn.text or ""):
        yield chunk({"content": piece})
    yield chunk({}, turn.finish_reason)
    if usage is not None:
        yield _event(head | {"object": "chat.completion.chunk", "choices": [], "usage": usage})
    yield "data: [DONE]\n\n"


def _pieces(text: str) -> list[str]:
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def _event(data: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"


def _cut(parts: Iterator[str]) -> Iterator[str]:
    """A few parts, then the connection breaks: the chunked body never ends properly."""
    yield from itertools.islice(parts, 2)
    raise ConnectionAbortedError("cut, as the fault asks")
