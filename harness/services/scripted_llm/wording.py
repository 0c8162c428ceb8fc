"""What the model says in words: from a tool's result, or without any data."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from typing import Any

NUMBER = re.compile(r"\d+(?:\.\d+)?")


def from_result(content: str, *, invent: bool = False) -> str:
    """An answer that has every value of the result just as it came, and nothing else.

    Args:
        content: the tool's result, JSON ``{columns, rows, ...}`` or ``{error, ...}``.
        invent: put numbers of the model's own in place of the tool's.
    """
    try:
        result = json.loads(content)
    except ValueError:
        return f"The tool answered: {content}"
    if not isinstance(result, dict):
        return f"The tool answered: {content}"
    if "error" in result:
        return f"I could not compute that: {result['error']}"
    columns, rows = result.get("columns") or [], result.get("rows") or []
    if not all(isinstance(one, list) for one in (columns, rows)) or not all(
        isinstance(row, list) for row in rows
    ):
        return f"The tool answered: {content}"
    text = _rows(columns, rows)
    if result.get("truncated"):
        text += f" (of {result.get('row_count')} rows)"
    return NUMBER.sub(lambda _: str(random.randint(100_000_000, 999_999_999)), text) if invent else text  # noqa: S311


def _rows(columns: list[Any], rows: list[Any]) -> str:
    if not rows:
        return "There are no such rows."
    lines = [_line(columns, row) for row in rows]
    return f"{', '.join(map(_text, columns))}: " + "; ".join(lines) + "."


def _line(columns: list[Any], row: list[Any]) -> str:
    if len(row) == 2:  # a name and its number
        return f"{_text(row[0])}: {_text(row[1])}"
    return ", ".join(f"{_text(name)} {_text(value)}" for name, value in zip(columns, row, strict=False))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def without_data(question: str) -> str:
    """Generic words, without a number: what the normal workflow's model says."""
    lower = question.lower()
    for said, answer in GENERIC:
        if said(lower):
            return answer
    return (
        "I'm ChatMRPT, an assistant for malaria programmes. I can explain malaria indicators, risk "
        "mapping and how to plan interventions. Tell me what you would like to know."
    )


def _any(*words: str) -> Callable[[str], bool]:
    pattern = re.compile(rf"\b({'|'.join(words)})\b")
    return lambda text: pattern.search(text) is not None


GENERIC: tuple[tuple[Callable[[str], bool], str], ...] = (
    (
        _any("what is malaria"),
        "Malaria is an illness caused by Plasmodium parasites, which infected Anopheles mosquitoes pass "
        "on. It can be prevented and treated.",
    ),
    (_any("hello", "hi", "hey"), "Hello! I'm ChatMRPT. How can I help with your malaria programme?"),
    (
        _any("sum", "total", "rate", "average", "top", "data", "ward"),
        "I'd be glad to help. In general, totals and rates by area show where malaria burden is "
        "concentrated; compare areas before you choose an intervention.",
    ),
)
