"""What an answer shows of who gave it: named features, each a text."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

MAX_LINES = 200
"""Lines, or values of JSON, of a body that are looked at."""
ALWAYS_OTHER = re.compile(
    r"date|age|expires|content-length|set-cookie|x-request-id|x-amzn-trace-id|cf-ray", re.I
)
"""Headers that say nothing of who answered. A body's length says what its lines say better."""


def features(status: int, headers: Iterable[tuple[str, str]], body: bytes) -> dict[str, str]:
    """``header NAME``, ``cookie NAME``, ``attributes of cookie NAME``, ``status``, ``body ...``."""
    headers = list(headers)
    found = {"status": str(status)}
    found |= {f"header {name.lower()}": value for name, value in headers if not ALWAYS_OTHER.fullmatch(name)}
    for name, value, attributes in cookies(headers):
        found |= {f"cookie {name}": value, f"attributes of cookie {name}": _lasting(attributes)}
    for place, value in itertools.islice(_body(body), MAX_LINES):
        found[f"body {place}"] = value
    return found


def cookies(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Name, value and attributes of each cookie that an answer sets."""
    lines = [value.partition(";") for name, value in headers if name.lower() == "set-cookie"]
    pairs = [(pair.partition("="), attributes) for pair, _, attributes in lines]
    return [(name.strip(), value, attributes.strip()) for (name, _, value), attributes in pairs]


def _lasting(attributes: str) -> str:
    """A cookie's attributes but for the moment of its end, which differs each time."""
    return re.sub(r";?\s*expires=[^;]*", "", attributes, flags=re.I).strip("; ")


def _body(body: bytes) -> Iterator[tuple[str, str]]:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return
    try:
        yield from _leaves(json.loads(text), "")
    except (ValueError, RecursionError):
        for number, line in enumerate(text.splitlines(), start=1):
            yield f"line {number}", line.strip()


def _leaves(part: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(part, dict):
        for name, inner in part.items():
            yield from _leaves(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(part, list):
        for number, inner in enumerate(part):
            yield from _leaves(inner, f"{path}[{number}]")
    else:
        yield path or "value", json.dumps(part) if not isinstance(part, str) else part
