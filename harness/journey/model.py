"""What a journey is made of. Texts may hold ``{{name}}``: a variable, or what was captured before."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.journey.client import Client

NAME = re.compile(r"\{\{\s*(\w+)\s*\}\}")
RANDOM = "random"
"""A variable that every journey has: twelve hexadecimal digits, others in each play."""

SOURCES = ("json", "header", "cookie", "css", "regex")
"""Where in an answer a value is captured from."""
PLACES = (*SOURCES, "status", "body")
"""Where in an answer an assertion looks."""
TESTS = ("equals", "contains", "matches", "exists")


@dataclass(frozen=True)
class Place:
    """Where in an answer a value is.

    Attributes:
        source: one of ``PLACES``.
        where: the path in the JSON (``rows[0].id``), the name of the header or cookie, the CSS selector,
            or the pattern, whose first group counts; nothing for status and body.
        attribute: of the element that the selector finds; its text where empty.
    """

    source: str
    where: str = ""
    attribute: str = ""

    def __str__(self) -> str:
        return " ".join(part for part in (self.source, self.where, self.attribute) if part)


@dataclass(frozen=True)
class Capture:
    """A value of an answer that later requests use as ``{{name}}``."""

    name: str
    place: Place


@dataclass(frozen=True)
class Assertion:
    """What must hold of an answer.

    Attributes:
        test: one of ``TESTS``: the value equals, contains, matches (a regular expression), or whether
            there is one at all.
        value: what it is compared with; True or False for ``exists``.
    """

    place: Place
    test: str
    value: Any

    def __str__(self) -> str:
        return f"{self.place} {self.test} {self.value!r}"


@dataclass(frozen=True)
class Upload:
    """A file of a form; in a content that is text, names are filled in."""

    field: str
    name: str
    content: str | bytes
    type: str = "application/octet-stream"


@dataclass(frozen=True)
class Request:
    """One request of a journey.

    Attributes:
        path: with the query, from the root of the site.
        user: who sends it; each has a browser of their own.
        label: in words; method and path where empty.
        json, form, files, body: what is sent; form and files together make one multipart body.
        redirects: whether they are followed, to the same instance, as a part of this request.
    """

    method: str
    path: str
    user: str = "user"
    label: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: tuple[tuple[str, str], ...] = ()
    files: tuple[Upload, ...] = ()
    body: str | bytes | None = None
    captures: tuple[Capture, ...] = ()
    assertions: tuple[Assertion, ...] = ()
    redirects: bool = True

    def __str__(self) -> str:
        return self.label or f"{self.method} {self.path}"

    @property
    def names(self) -> frozenset[str]:
        """What it uses as ``{{name}}``."""
        asked = [assertion.value for assertion in self.assertions]
        sent = [self.path, self.headers, self.json, self.form, self.body, asked]
        return frozenset(names([*sent, *((file.name, file.content) for file in self.files)]))


@dataclass(frozen=True)
class Journey:
    """The requests that users make, in order.

    Attributes:
        requests: what is sent; empty where a Python function decides that as it goes.
        story: that function; None where the requests are known.
        variables: values by name; they may hold ``{{random}}``.
        source: the file it was read from.
        notes: what a person should know of how it was read.
    """

    name: str
    requests: tuple[Request, ...] = ()
    story: Callable[[Client], object] | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    source: Path | None = None
    notes: tuple[str, ...] = ()

    def without(self, index: int) -> Journey | None:
        """The same without one request; None where a later one needs what it captures, or it is a story."""
        rest = self.requests[:index] + self.requests[index + 1 :]
        known = {RANDOM, *self.variables}
        for request in rest:
            if not request.names <= known:
                return None
            known |= {capture.name for capture in request.captures}
        return replace(self, requests=rest) if rest else None


def names(part: Any) -> Iterator[str]:
    """Every ``{{name}}`` in a text, or in the texts of a list or a mapping; bytes have none."""
    if isinstance(part, str):
        yield from NAME.findall(part)
    elif isinstance(part, Mapping):
        yield from names(list(part.items()))
    elif isinstance(part, list | tuple):
        for inner in part:
            yield from names(inner)


def filled(part: Any, values: Mapping[str, Any]) -> Any:
    """The same with every ``{{name}}`` replaced by its value.

    A text that is one name and nothing else becomes the value as it is, so that a number captured from
    JSON goes into JSON as a number. A name that is not known stays as it is.
    """
    if isinstance(part, str):
        if whole := NAME.fullmatch(part):
            return values.get(whole[1], part)
        return NAME.sub(lambda found: str(values.get(found[1], found[0])), part)
    if isinstance(part, Mapping):
        return {filled(key, values): filled(inner, values) for key, inner in part.items()}
    if isinstance(part, list | tuple):
        return [filled(inner, values) for inner in part]
    return part
