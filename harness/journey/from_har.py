"""Reads a journey recorded by a browser: a HAR file, as its developer tools save it.

    entries --drop static files, other sites--> requests --tokens.carry_over--> captures in place of tokens

Format: http://www.softwareishard.com/blog/har-12-spec/ (HAR 1.2).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, urlsplit

from harness.errors import HarnessError
from harness.journey import tokens
from harness.journey.answer import Answer
from harness.journey.model import Journey, Request, Upload

STATIC = re.compile(
    r"\.(css|m?js|map|png|jpe?g|gif|svg|ico|webp|avif|woff2?|ttf|otf|mp[34]|webm|wasm|webmanifest)$", re.I
)
STATIC_TYPES = (
    "text/css",
    "text/javascript",
    "application/javascript",
    "image/",
    "font/",
    "audio/",
    "video/",
)
STARTED = re.compile(r'(?<!\\)"startedDateTime"\s*:')
UNSENT = re.compile(
    r":.*|host|cookie|connection|content-length|user-agent|accept-(encoding|language)|sec-.*|origin|referer"
    r"|priority|pragma|cache-control|if-.*|upgrade-insecure-requests|dnt|te|proxy-.*",
    re.I,
)
"""Headers that the browser or the connection decides, not the page."""


@dataclass(frozen=True)
class _Entry:
    """One entry of the recording, and where it stands for messages."""

    where: str
    request: Mapping[str, Any]
    response: Mapping[str, Any]

    @property
    def url(self) -> SplitResult:
        return urlsplit(str(self.request["url"]))

    @property
    def type(self) -> str:
        return str(self.response.get("content", {}).get("mimeType", "")).partition(";")[0].strip()


def read(path: Path) -> Journey:
    """The journey of a HAR file. Raises HarnessError; see ``harness.journey.reading.load``."""
    entries = list(_entries(path))
    pages = [entry for entry in entries if entry.url.scheme in ("http", "https")]
    site = pages[0].url.netloc if pages else ""
    kept = [entry for entry in pages if entry.url.netloc == site and not _is_static(entry)]
    if not kept:
        raise HarnessError(f"{path}: log.entries: none of {len(entries)} requests is a page's or an API's")
    recorded = [(_request(entry, path.parent), _answer(entry)) for entry in kept]
    notes = [f"{len(kept)} of {len(entries)} recorded requests, of {site}"]
    if had := kept[0].request.get("cookies"):
        notes.append(f"it began with the cookie {had[0]['name']}: record in a private window to have none")
    requests = tokens.carry_over(recorded)
    for request in requests:
        notes += [f"{{{{{one.name}}}}} is taken from {one.place} of {request}" for one in request.captures]
    return Journey(path.stem, tuple(requests), source=path, notes=tuple(notes))


def _entries(path: Path) -> Iterator[_Entry]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        log = json.loads(text)
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise HarnessError(f"{path}: not a HAR file: {error}") from error
    except json.JSONDecodeError as error:
        raise HarnessError(f"{path}:{error.lineno}: not a HAR file: {error.msg}") from error
    try:
        found = log["log"]["entries"]
    except (KeyError, TypeError):
        raise HarnessError(f"{path}: log.entries: missing: not a HAR file") from None
    lines = _lines(text)
    for number, entry in enumerate(found):
        line = f":{lines[number]}" if len(lines) == len(found) else ""
        where = f"{path}{line}: log.entries[{number}]"
        try:
            request, response = entry["request"], entry["response"]
            urlsplit(request["url"]), request["method"], response["status"]
        except (KeyError, TypeError, ValueError) as error:
            raise HarnessError(f"{where}: no request with url and method, or no response: {error}") from error
        yield _Entry(where, request, response)


def _lines(text: str) -> list[int]:
    """The line of each entry: of its startedDateTime, which every entry has one of, after those of pages."""
    lines, line, at = [], 1, 0
    for found in STARTED.finditer(text, max(0, text.find('"entries"'))):
        line += text.count("\n", at, found.start())
        at = found.start()
        lines.append(line)
    return lines


def _is_static(entry: _Entry) -> bool:
    """A file that is the same for everybody, or no request of a page at all."""
    method, status = entry.request["method"], entry.response["status"]
    if method == "OPTIONS" or status in (0, 101):  # a preflight, one that was blocked, a WebSocket
        return True
    if method not in ("GET", "HEAD"):
        return False
    return bool(STATIC.search(entry.url.path)) or entry.type.startswith(STATIC_TYPES)


def _request(entry: _Entry, folder: Path) -> Request:
    sent = entry.request
    path = entry.url._replace(scheme="", netloc="", fragment="").geturl() or "/"
    headers = {
        one["name"]: one["value"] for one in sent.get("headers", []) if not UNSENT.fullmatch(one["name"])
    }
    kind = str((sent.get("postData") or {}).get("mimeType", ""))
    if kind.startswith(("multipart/", "application/json", "application/x-www-form-urlencoded")):
        headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
    return Request(sent["method"], path, headers=headers, redirects=False, **_body(entry, folder))


def _body(entry: _Entry, folder: Path) -> dict[str, Any]:
    """What the request sent, as fields of ``Request``."""
    posted = entry.request.get("postData")
    if not posted:
        kind = _header(entry.request, "content-type")
        if kind.startswith("multipart/"):
            raise HarnessError(
                f"{entry.where}: the body of {entry.request['method']} {entry.url.path} is not in the "
                "recording; save it from the browser's developer tools, or declare the journey in TOML"
            )
        return {}
    kind, text = str(posted.get("mimeType", "")), str(posted.get("text", ""))
    params = posted.get("params") or []
    if kind.startswith("application/json"):
        try:
            return {"json": json.loads(text)}
        except ValueError:
            return {"body": text}
    if kind.startswith("application/x-www-form-urlencoded"):
        return {"form": tuple(parse_qsl(text, True)) or tuple(_pair(one) for one in params)}
    if not kind.startswith("multipart/form-data"):
        return {"body": text} if text else {}
    if not text:
        parts = [(one["name"], one.get("fileName"), one.get("value", "").encode()) for one in params]
    else:
        parts = list(_parts(kind, text))
    form = tuple((name, content.decode()) for name, file, content in parts if file is None)
    files = [_upload(entry.where, folder, name, file, content) for name, file, content in parts if file]
    return {"form": form, "files": tuple(files)}


def _parts(kind: str, text: str) -> Iterator[tuple[str, str | None, bytes]]:
    """Name, file name and content of each part of a multipart body."""
    message = message_from_bytes(f"Content-Type: {kind}\r\n\r\n{text}".encode())
    for part in message.walk():
        if part.get_content_disposition() == "form-data":
            content = part.get_payload(decode=True)
            name = str(part.get_param("name", "", "content-disposition"))
            yield name, part.get_filename(), content if isinstance(content, bytes) else b""


def _upload(where: str, folder: Path, field: str, name: str, content: bytes) -> Upload:
    beside = folder / Path(name).name
    if beside.is_file():
        return Upload(field, name, beside.read_bytes())
    if not content:
        raise HarnessError(
            f"{where}: the content of {name!r} is not in the recording (browsers leave it out); "
            f"put the file beside it, as {beside}"
        )
    return Upload(field, name, content)


def _header(message: Mapping[str, Any], name: str) -> str:
    headers = message.get("headers", [])
    return next((str(one["value"]) for one in headers if one["name"].lower() == name), "")


def _pair(param: Mapping[str, Any]) -> tuple[str, str]:
    return str(param["name"]), str(param.get("value", ""))


def _answer(entry: _Entry) -> Answer:
    response = entry.response
    content = response.get("content", {})
    text = str(content.get("text", ""))
    body = base64.b64decode(text) if content.get("encoding") == "base64" else text.encode()
    headers = tuple((one["name"], one["value"]) for one in response.get("headers", []))
    cookies = {one["name"]: one["value"] for one in response.get("cookies", [])}
    request = Request(entry.request["method"], entry.url.path)
    return Answer(request, "", "", response["status"], headers, body, cookies=cookies)
