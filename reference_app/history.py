"""The chat's history, which belongs to the session: what was said, newest kept, within a budget."""

from __future__ import annotations

import json

Messages = list[dict[str, str]]


def extended(history: Messages, question: str, answer: str, budget: int) -> Messages:
    """The history with one more exchange; oldest exchanges go when it outgrows ``budget`` bytes."""
    longest = budget // 3  # so that one exchange always fits
    turns = [
        *history,
        {"role": "user", "content": _cut(question, longest)},
        {"role": "assistant", "content": _cut(answer, longest)},
    ]
    while turns and _size(turns) > budget:
        turns = turns[2:]
    return turns


def _cut(text: str, longest: int) -> str:
    while (size := _size(text)) > longest:
        text = text[: len(text) * longest // size]
    return text


def _size(value: object) -> int:
    """Bytes as JSON, which is how a session keeps it: a character outside ASCII takes six or twelve."""
    return len(json.dumps(value))
