"""Reads a journey declared in TOML: docs/journeys.md has all keys."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Mapping, Set
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import soupsieve

from harness import toml_file
from harness.errors import HarnessError
from harness.journey import places
from harness.journey.model import (
    RANDOM,
    SOURCES,
    TESTS,
    Assertion,
    Capture,
    Journey,
    Place,
    Request,
    Upload,
    names,
)
from harness.toml_file import Table

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
BODIES = ("json", "form", "files", "body")
KEYS = (
    "user",
    "method",
    "path",
    "query",
    "label",
    "headers",
    *BODIES,
    "redirects",
    "status",
    "capture",
    "assert",
)


def read(path: Path) -> Journey:
    """The journey of a TOML file. Raises HarnessError; see ``harness.journey.reading.load``."""
    top = Table(path, "", toml_file.read(path))
    top.only("name", "vars", "request")
    variables = _strings(top.table("vars"))
    _known(top, "vars", variables, {RANDOM})
    known = {RANDOM, *variables}
    requests = []
    for table in top.tables("request"):
        request = _request(table)
        for key in table.data:
            if key not in ("capture", "assert"):
                _known(table, key, table.data[key], known)
        known |= {capture.name for capture in request.captures}
        _known(table, "assert", table.data.get("assert"), known)
        requests.append(request)
    if not requests:
        raise HarnessError(f"{path}: no [[request]]: nothing to send")
    return Journey(top.text("name", path.stem), tuple(requests), variables=variables, source=path)


def _request(table: Table) -> Request:
    table.only(*KEYS)
    method = table.choice("method", METHODS, "GET")
    path = table.text("path")
    if not path.startswith(("/", "{{")):
        raise HarnessError(
            f"{table.where('path')}: {path!r}: a path begins with a slash, or with {{{{name}}}}"
        )
    if query := _pairs(table.table("query")):
        path += ("&" if "?" in path else "?") + urlencode(query, safe="{}", quote_via=quote)
    bodies = [key for key in BODIES if key in table.data]
    if len(bodies) > 1 and set(bodies) != {"form", "files"}:
        raise HarnessError(
            f"{table.where(bodies[1])}: beside {bodies[0]}: one body only; form and files go together"
        )
    if bodies and method in ("GET", "HEAD"):
        raise HarnessError(f'{table.where(bodies[0])}: a {method} sends no body; set method = "POST"')
    captures = [_capture(table.table("capture"), name) for name in table.table("capture").data]
    assertions = [_assertion(one) for one in table.tables("assert")]
    if "status" in table.data:
        status = table.number("status", 200, 599)
        assertions.insert(0, Assertion(Place("status"), "equals", status))
    return Request(
        method=method,
        path=path,
        user=table.text("user", "user"),
        label=table.text("label", f"{method} {table.text('path')}"),
        headers=_strings(table.table("headers")),
        json=table.data.get("json"),
        form=tuple(_pairs(table.table("form"))),
        files=tuple(_upload(table.table("files"), name) for name in table.table("files").data),
        body=table.text("body") if "body" in table.data else None,
        captures=tuple(captures),
        assertions=tuple(assertions),
        redirects=_switch(table, "redirects", True),
    )


def _upload(files: Table, field: str) -> Upload:
    """``"rows.csv"``: the file beside the journey; or a table that says what is in it."""
    if isinstance(files.data[field], str):
        return _file(files, field, files.text(field))
    table = files.table(field)
    table.only("name", "path", "text", "type")
    if ("path" in table.data) == ("text" in table.data):
        raise HarnessError(f"{files.where(field)}: either path or text says what is in the file")
    if "path" in table.data:
        upload = _file(table, "path", table.text("path"))
        name = table.text("name", upload.name)
    else:
        name = table.text("name")
        upload = Upload(field, name, table.text("text"))
    return replace(upload, field=field, name=name, type=table.text("type", _type(name)))


def _file(table: Table, field: str, text: str) -> Upload:
    path = table.path.parent / text
    try:
        return Upload(field, path.name, path.read_bytes(), _type(path.name))
    except OSError as error:
        raise HarnessError(f"{table.where(field)}: {path}: cannot be read: {error.strerror}") from error


def _capture(captures: Table, name: str) -> Capture:
    if not name.isidentifier() or name == RANDOM:
        raise HarnessError(f"{captures.where(name)}: {name!r} is not a name that {{{{...}}}} can hold")
    table = captures.table(name)
    table.only(*SOURCES, "attribute")
    return Capture(name, _place(table))


def _assertion(table: Table) -> Assertion:
    """What must hold of a place of the answer, or where none is named of its body."""
    table.only(*SOURCES, "attribute", *TESTS)
    place = _place(table) if set(SOURCES) & set(table.data) else Place("body")
    tests = [test for test in TESTS if test in table.data]
    if len(tests) != 1:
        raise HarnessError(f"{table.where('')}: exactly one of {', '.join(TESTS)} says what must hold")
    value = table.data[tests[0]]
    if tests[0] == "exists":
        value = _switch(table, "exists", True)
    elif tests[0] == "matches":
        _compiled(table, "matches")
    return Assertion(place, tests[0], value)


def _place(table: Table) -> Place:
    sources = [source for source in SOURCES if source in table.data]
    if len(sources) != 1:
        raise HarnessError(f"{table.where('')}: exactly one of {', '.join(SOURCES)} says where to look")
    (source,) = sources
    if "attribute" in table.data and source != "css":
        raise HarnessError(f"{table.where('attribute')}: only an element that css finds has attributes")
    where = table.text(source)
    if source == "regex":
        _compiled(table, "regex")
    try:
        if source == "json":
            places.steps(where)
        elif source == "css":
            soupsieve.compile(where)
    except (ValueError, soupsieve.SelectorSyntaxError) as error:
        raise HarnessError(f"{table.where(source)}: {str(error).splitlines()[0]}") from error
    return Place(source, where, table.text("attribute") if "attribute" in table.data else "")


def _compiled(table: Table, key: str) -> None:
    try:
        re.compile(table.text(key))
    except re.error as error:
        raise HarnessError(
            f"{table.where(key)}: {table.data[key]!r} is no regular expression: {error}"
        ) from error


def _switch(table: Table, key: str, default: bool) -> bool:
    value = table.data.get(key, default)
    if not isinstance(value, bool):
        raise HarnessError(f"{table.where(key)}: {value!r} is neither true nor false")
    return value


def _pairs(table: Table) -> list[tuple[str, str]]:
    """Names and values; a list gives a name several values."""
    found = []
    for name, value in table.data.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict | list | bool):
                raise HarnessError(
                    f"{table.where(name)}: {one!r}: a text or a number is needed, or a list of them"
                )
            found.append((name, str(one)))
    return found


def _strings(table: Table) -> Mapping[str, str]:
    return {name: table.text(name) for name in table.data}


def _known(table: Table, key: str, part: Any, known: Set[str]) -> None:
    for name in names(part):
        if name not in known:
            raise HarnessError(
                toml_file.not_one_of(table.where(key), f"{{{{{name}}}}}", sorted(known), "name here")
            )


def _type(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
