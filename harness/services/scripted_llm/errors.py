"""vLLM's error bodies (0.33: entrypoints/openai, renderers/online_renderer.py)."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify


class Refused(Exception):
    """A request that is answered with an error body.

    Args:
        status: HTTP status, repeated in the body as ``code``.
        kind: vLLM's name of the error.
        flat: the body that vLLM sent before 0.10.1, without the outer ``error``.
    """

    def __init__(
        self, status: int, kind: str, message: str, param: str | None = None, *, flat: bool = False
    ) -> None:
        super().__init__(message)
        self.status, self.flat = status, flat
        self.error = {"message": message, "type": kind, "param": param, "code": status}

    def response(self) -> Response:
        body: dict[str, Any] = {"object": "error", **self.error} if self.flat else {"error": self.error}
        answer = jsonify(body)
        answer.status_code = self.status
        return answer


def no_tool_flags(*, flat: bool = False) -> Refused:
    text = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
    return Refused(400, "BadRequestError", text, flat=flat)


def unknown_model(model: object, served: str) -> Refused:
    text = f"The model `{model}` does not exist. Valid aliases: {served}."
    return Refused(404, "NotFoundError", text, "model")


def context_too_long(limit: int, tokens: int) -> Refused:
    text = (
        f"This model's maximum context length is {limit} tokens. However, your prompt contains {tokens} "
        "input tokens, which exceeds this limit even without any output tokens. Please reduce the length "
        "of the input prompt."
    )
    return Refused(400, "BadRequestError", text, "input_tokens")


def invalid(param: str, detail: str) -> Refused:
    return Refused(400, "Bad Request", f"1 validation error:\n  {detail}", param)
