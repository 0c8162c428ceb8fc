"""A request with every name filled in, as it goes over the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode, urlsplit

import urllib3

from harness.journey.model import Request, filled


@dataclass(frozen=True)
class Sent:
    """Method, path with query, body and headers."""

    method: str
    path: str
    body: bytes | None
    headers: dict[str, str]

    def redirected(self, status: int, path: str) -> Sent:
        """What a browser sends next (fetch standard, "HTTP-redirect fetch")."""
        if status == 303 or (status in (301, 302) and self.method == "POST"):
            headers = {name: value for name, value in self.headers.items() if name != "Content-Type"}
            return Sent("GET", path, None, headers)
        return replace(self, path=path)


def prepared(request: Request, values: Mapping[str, Any]) -> Sent:
    """Fill the names in and encode the body: a form (multipart where it has files), JSON, or bytes."""
    headers = {name: str(value) for name, value in filled(request.headers, values).items()}
    form = [(name, str(value)) for name, value in filled(request.form, values)]
    body: bytes | None = None
    kind = None
    if request.files:
        files = [
            (file.field, (str(filled(file.name, values)), filled(file.content, values), file.type))
            for file in request.files
        ]
        body, kind = urllib3.encode_multipart_formdata([*form, *files])
    elif request.form:
        body, kind = urlencode(form).encode(), "application/x-www-form-urlencoded"
    elif request.json is not None:
        body, kind = json.dumps(filled(request.json, values)).encode(), "application/json"
    elif request.body is not None:
        body = request.body if isinstance(request.body, bytes) else str(filled(request.body, values)).encode()
    if kind and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = kind
    return Sent(request.method, _path(str(filled(request.path, values))), body, headers)


def _path(found: str) -> str:
    """From the root of the site, of what may be a captured link: whole, or relative to the root."""
    path = urlsplit(found)._replace(scheme="", netloc="", fragment="").geturl()
    return path if path.startswith("/") else f"/{path}"
