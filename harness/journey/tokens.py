"""Finds values of a recording that an earlier answer gave, so that each play takes its own.

What counts: a form's hidden field that is sent under its name; a link or redirect that is followed; an id
that JSON gave; a long text with digits in it, wherever an answer has it. What the user typed (it was sent
before any answer had it) stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urljoin, urlsplit

from bs4 import BeautifulSoup

from harness.journey.answer import Answer
from harness.journey.model import RANDOM, Capture, Place, Request

ID = re.compile(r"\d+|[0-9a-fA-F-]{8,}")
"""A number, hexadecimal digits, a UUID."""
TOKEN = re.compile(r"(?=.*\d)[\w.~+/=:-]{12,}")
"""A text that nobody types: twelve characters or more, a digit among them."""
ID_KEY = re.compile(r"(.*[_-])?(id|uuid|pk)|.*Id")
PATH = "path"
"""What a part of a path is called, which has no name."""
CONTEXT = 30
"""Characters before a token by which it is found again in a page's text."""

Change = Callable[[str, str], Any]
"""From a value and what it is called to what is sent in its place."""


@dataclass
class _Answers:
    """The answers so far: their structured values, and their texts."""

    values: dict[str, tuple[int, Place]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    redirects: dict[str, int] = field(default_factory=dict)
    typed: set[str] = field(default_factory=set)

    def learn(self, answer: Answer) -> None:
        for value, place in _values(answer):
            if value not in self.typed:
                self.values.setdefault(value, (len(self.texts), place))
        if location := answer.header("Location"):
            to = urlsplit(urljoin(answer.request.path, location))
            self.redirects[to._replace(scheme="", netloc="", fragment="").geturl()] = len(self.texts)
        self.texts.append(answer.text)

    def find(self, value: str, label: str) -> tuple[int, Place] | None:
        """The number of the answer that gave a value, and where in it; None for no token, or a typed one."""
        if value in self.typed:
            return None
        number, place = self.values.get(value, (0, Place("body")))
        hidden = place.where in (f'input[name="{label}"]', label)
        identity = ID.fullmatch(value) and _is_id(label) and _is_id(place.where)
        if value in self.values and (hidden or identity or TOKEN.fullmatch(value)):
            return number, place
        if TOKEN.fullmatch(value):
            for number, text in enumerate(self.texts):
                if (at := text.find(value)) >= 0:
                    before = text[max(0, at - CONTEXT) : at].splitlines()
                    return number, Place("regex", re.escape(before[-1] if before else "") + r"([\w.~+/=:-]+)")
        return None

    def find_path(self, path: str) -> tuple[int, Place] | None:
        """The answer that redirected or linked to a path in which an id stands."""
        parts = [(part, _is_value(part)) for part in re.split(r"([/?&=])", path)]
        if not any(is_value for _, is_value in parts):
            return None
        if path in self.redirects:
            return self.redirects[path], Place("header", "Location")
        loose = "".join(r"[^/?&=\"'#]+" if is_value else re.escape(part) for part, is_value in parts)
        pattern = rf"""(?:href|action|src)=["']({loose})["']"""
        for number, text in enumerate(self.texts):
            found = re.search(pattern, text)
            if found is not None and found[1].replace("&amp;", "&") == path:
                return number, Place("regex", pattern)
        return None


def carry_over(recorded: Sequence[tuple[Request, Answer]]) -> list[Request]:
    """The requests of a recording, with captures in place of what earlier answers gave."""
    answers = _Answers()
    requests = [request for request, _ in recorded]
    names: dict[tuple[int, Place], str] = {}

    def captured(found: tuple[int, Place], label: str) -> str:
        if found not in names:
            names[found] = _name(label, {RANDOM, *names.values()})
            number, place = found
            capture = Capture(names[found], place)
            requests[number] = replace(requests[number], captures=(*requests[number].captures, capture))
        return f"{{{{{names[found]}}}}}"

    def change(value: str, label: str) -> str:
        found = answers.find(value, label)
        if found is None:
            answers.typed.add(value)
            return value
        return captured(found, label)

    for number, (request, answer) in enumerate(recorded):
        if (found := answers.find_path(request.path)) is not None:
            requests[number] = replace(request, path=captured(found, "location"))
        else:
            requests[number] = replace(request, path=_changed_path(request.path, change))
        requests[number] = _changed(requests[number], change)
        answers.learn(answer)
    return requests


def _values(answer: Answer) -> Iterator[tuple[str, Place]]:
    """Every value that an answer gives under a name."""
    for name, value in answer.cookies.items():
        yield value, Place("cookie", name)
    for name, value in answer.headers:
        if TOKEN.fullmatch(value) and name.lower() not in ("etag", "set-cookie", "location", "date"):
            yield value, Place("header", name)
    if "html" in (answer.header("Content-Type") or ""):
        page = BeautifulSoup(answer.text, "html.parser")
        for element in page.select("input[type=hidden][name][value]"):
            yield str(element["value"]), Place("css", f'input[name="{element["name"]}"]', "value")
        for element in page.select("meta[name][content]"):
            yield str(element["content"]), Place("css", f'meta[name="{element["name"]}"]', "content")
        return
    try:
        leaves = list(_leaves(answer.json(), ""))
    except ValueError:
        return
    for leaf, path in leaves:
        yield str(leaf), Place("json", path)


def _leaves(part: Any, path: str) -> Iterator[tuple[str | int, str]]:
    if isinstance(part, dict):
        for name, inner in part.items():
            plain = re.fullmatch(r"\w+", name)
            yield from _leaves(inner, f"{path}.{name}".lstrip(".") if plain else f'{path}["{name}"]')
    elif isinstance(part, list):
        for number, inner in enumerate(part):
            yield from _leaves(inner, f"{path}[{number}]")
    elif isinstance(part, str | int) and not isinstance(part, bool):
        yield part, path


def _changed_path(path: str, change: Change) -> str:
    parts = urlsplit(path)
    segments = [str(change(one, PATH)) if one else one for one in parts.path.split("/")]
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = [(name, change(value, name)) for name, value in pairs]
    text = urlencode(query, safe="{}", quote_via=quote) if query != pairs else parts.query
    return parts._replace(path="/".join(segments), query=text).geturl()


def _changed(request: Request, change: Change) -> Request:
    headers = {}
    for name, value in request.headers.items():
        scheme, space, rest = value.rpartition(" ")  # Authorization: Bearer TOKEN
        headers[name] = f"{scheme}{space}{change(rest, name)}" if rest else value
    return replace(
        request,
        headers=headers,
        form=tuple((name, change(value, name)) for name, value in request.form),
        json=_changed_json(request.json, "", change),
    )


def _changed_json(part: Any, label: str, change: Change) -> Any:
    if isinstance(part, dict):
        return {name: _changed_json(inner, name, change) for name, inner in part.items()}
    if isinstance(part, list):
        return [_changed_json(inner, label, change) for inner in part]
    if isinstance(part, str | int) and not isinstance(part, bool):
        became = change(str(part), label)
        return part if became == str(part) else became
    return part


def _is_value(part: str) -> bool:
    return bool(ID.fullmatch(part) or TOKEN.fullmatch(part))


def _is_id(label: str) -> bool:
    """Whether a key, or the last one of a JSON path, is called like an id."""
    last = re.split(r"[.\]\[\"]+", label.rstrip('"]'))[-1]
    return label == PATH or ID_KEY.fullmatch(last) is not None


def _name(label: str, taken: set[str]) -> str:
    """A name for a capture, after what the value is called where it is sent."""
    plain = re.sub(r"\W+", "_", label).strip("_").lower() or "value"
    plain = "id" if plain == PATH else plain if plain.isidentifier() else f"value_{plain}"
    number, name = 1, plain
    while name in taken:
        number += 1
        name = f"{plain}_{number}"
    return name
