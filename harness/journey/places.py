"""Finds a value in an answer: by JSON path, header, cookie, CSS selector or pattern."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from bs4 import BeautifulSoup

from harness.journey.model import Assertion, Place

if TYPE_CHECKING:
    from harness.journey.answer import Answer

STEP = re.compile(r"""\.?([^.\[\]"']+)|\[(\d+)\]|\["([^"]+)"\]|\['([^']+)'\]""")
"""A step of a JSON path: ``name``, ``[0]``, ``["any key"]``."""


class NotThere(LookupError):
    """The answer has no such value."""


def value(answer: Answer, place: Place) -> Any:
    """The value; of JSON in its own type, of all else a text.

    Raises:
        NotThere: with what was found instead.
    """
    match place.source:
        case "status":
            return answer.status
        case "body":
            return answer.text
        case "json":
            return _in_json(answer, place.where)
        case "header":
            found = answer.header(place.where)
        case "cookie":
            found = answer.cookies.get(place.where)
        case "css":
            element = BeautifulSoup(answer.text, "html.parser").select_one(place.where)
            if element is None:
                raise NotThere(f"no element {place.where} in {_start(answer)}")
            if not place.attribute:
                return element.get_text(strip=True)
            attribute = element.get(place.attribute)
            found = " ".join(attribute) if isinstance(attribute, list) else attribute
        case _:
            match = re.search(place.where, answer.text)
            found = None if match is None else match[1 if match.re.groups else 0]
    if found is None:
        raise NotThere(f"no {place} in {_start(answer)}")
    return found


def broken(answer: Answer, assertion: Assertion) -> str | None:
    """What an answer shows instead of what must hold; None where it holds."""
    try:
        found = value(answer, assertion.place)
    except NotThere as missing:
        if assertion.test == "exists" and assertion.value is False:
            return None
        return f"{assertion}: {missing}"
    match assertion.test:
        case "equals":
            holds = found == assertion.value or str(found) == assertion.value
        case "contains":
            holds = str(assertion.value) in (found if isinstance(found, str) else json.dumps(found))
        case "matches":
            holds = re.search(str(assertion.value), str(found)) is not None
        case _:
            holds = assertion.value is True
    return None if holds else f"{assertion}: found {brief(str(found))}"


def steps(path: str) -> list[str | int]:
    """The steps of a JSON path; ``$`` and ``$.`` at its start mean nothing.

    Raises:
        ValueError: it is no path.
    """
    rest, found = path.removeprefix("$"), []
    while rest:
        match = STEP.match(rest)
        if match is None:
            raise ValueError(f"{path!r} is not a path like rows[0].id")
        name = match[1] or match[3] or match[4]
        found.append(int(match[2]) if match[2] else name)
        rest = rest[match.end() :]
    return found


def brief(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:117]}..."


def _in_json(answer: Answer, path: str) -> Any:
    try:
        found = answer.json()
    except ValueError:
        raise NotThere(f"no JSON: {_start(answer)}") from None
    for step in steps(path):
        try:
            found = found[step]
        except (LookupError, TypeError):
            raise NotThere(f"no {path} in {_start(answer)}") from None
    return found


def _start(answer: Answer) -> str:
    return f"the answer {answer.status} {brief(answer.text)!r}"
