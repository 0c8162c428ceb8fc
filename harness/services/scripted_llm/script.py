"""From a question to a tool call: one table of intents, first match wins.

Names of columns stand in the question in quotes, or are found in it among the columns that the system
message lists on its line ``Columns: [...]``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

QUOTED = re.compile(r'"([^"]+)"|`([^`]+)`|\'([^\']+)\'')
COUNTED = re.compile(r"\b(\d{1,3})\b")


@dataclass(frozen=True)
class Call:
    """A tool call to make."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """A question: its words in lower case without the column names, and those names in order."""

    words: str
    columns: tuple[str, ...]

    @property
    def number(self) -> int | None:
        found = COUNTED.search(self.words)
        return int(found[1]) if found else None


def read(text: str, system: str) -> Question:
    """Find the columns of a question, and set them apart from its words."""
    known = sorted(_columns(system), key=len, reverse=True)
    pattern = "|".join([QUOTED.pattern, *(rf"\b({re.escape(name)})\b" for name in known)])
    spelling = {name.lower(): name for name in known}
    columns: list[str] = []

    def note(match: re.Match[str]) -> str:
        name = next(group for group in match.groups() if group is not None)
        columns.append(spelling.get(name.lower(), name))
        return "_"

    words = re.sub(pattern, note, text, flags=re.IGNORECASE)
    return Question(words.lower(), tuple(columns))


def _columns(system: str) -> list[str]:
    found = re.search(r"^Columns: (\[.*\])\s*$", system, re.MULTILINE)
    try:
        names = json.loads(found[1]) if found else []
    except ValueError:
        return []
    return [name for name in names if isinstance(name, str) and name]


def _rate(asked: Question) -> Call | None:
    if "rate" not in asked.words or len(asked.columns) < 3:
        return None
    column, denominator, by = asked.columns[:3]
    grouped = {"group_by": by, "statistic": "rate", "column": column, "denominator": denominator}
    return Call("aggregate", grouped)


def _trend(asked: Question) -> Call | None:
    if "trend" not in asked.words or len(asked.columns) < 2:
        return None
    statistic = "mean" if _says(asked, "average", "mean") else "sum"
    column, period = asked.columns[:2]
    return Call("trend", {"period_column": period, "column": column, "statistic": statistic})


def _extreme(asked: Question) -> Call | None:
    if not _says(asked, "top", "highest", "most", "bottom", "lowest", "least") or not asked.columns:
        return None
    order = "bottom" if _says(asked, "bottom", "lowest", "least") else "top"
    default = 1 if asked.words.startswith("which") else 5
    return Call("top_rows", {"column": asked.columns[-1], "n": asked.number or default, "order": order})


def _grouped(asked: Question) -> Call | None:
    if len(asked.columns) < 2:
        return None
    statistic = "mean" if _says(asked, "average", "mean") else "sum" if _says(asked, "sum", "total") else None
    if statistic is None:
        return None
    return Call(
        "aggregate", {"group_by": asked.columns[1], "statistic": statistic, "column": asked.columns[0]}
    )


def _count(asked: Question) -> Call | None:
    if not _says(asked, "how many", "count", "number of") or not asked.columns:
        return None
    return Call("aggregate", {"group_by": asked.columns[-1], "statistic": "count"})


def _filter(asked: Question) -> Call | None:
    found = re.search(r"where _ (is|=|==|!=|>=|<=|>|<|contains) (.+?)[?.]?$", asked.words)
    if found is None or not asked.columns:
        return None
    value: Any = found[2].strip()
    if value == "_":  # the value stood in quotes, too
        value = asked.columns[1]
    elif re.fullmatch(r"-?\d+(\.\d+)?", value):
        value = float(value) if "." in value else int(value)
    operator = "==" if found[1] in ("is", "=") else found[1]
    return Call("filter_rows", {"column": asked.columns[0], "operator": operator, "value": value})


def _distinct(asked: Question) -> Call | None:
    if not _says(asked, "distinct", "different", "unique", "are there") or not asked.columns:
        return None
    return Call("distinct_values", {"column": asked.columns[0]})


def _head(asked: Question) -> Call | None:
    if not _says(asked, "first", "show") or "row" not in asked.words:
        return None
    return Call("head", {"n": asked.number or 5})


def _describe(asked: Question) -> Call | None:
    return Call("describe_data", {})


INTENTS: tuple[Callable[[Question], Call | None], ...] = (
    _rate,
    _trend,
    _filter,
    _extreme,
    _grouped,
    _distinct,
    _count,
    _head,
    _describe,
)


def choose(text: str, system: str, tools: Sequence[Mapping[str, Any]]) -> Call | None:
    """The call for a question; None when no intent fits the tools offered.

    Args:
        tools: as in the request: ``{"type": "function", "function": {name, parameters, ...}}``.
    """
    asked = read(text, system)
    for intent in INTENTS:
        call = intent(asked)
        if call is not None and _offered(call, tools):
            return call
    return None


def _offered(call: Call, tools: Sequence[Mapping[str, Any]]) -> bool:
    for tool in tools:
        function = tool.get("function") or {}
        if function.get("name") == call.name:
            return set(call.arguments) <= set((function.get("parameters") or {}).get("properties") or {})
    return False


def _says(asked: Question, *phrases: str) -> bool:
    return any(re.search(rf"\b{phrase}\b", asked.words) for phrase in phrases)
