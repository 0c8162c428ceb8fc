"""What can be set on a balancer, on gunicorn, and on one instance alone, apart from the app's strategies.

This is where things go wrong in practice: a line of nginx.conf, a time-out, a package that one host
lacks, a release that one host missed. A topology without such lines has the defaults.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.errors import HarnessError
from harness.toml_file import Table, not_one_of

GUNICORN = (
    "timeout",
    "graceful_timeout",
    "max_requests",
    "threads",
    "preload_app",
    "limit_request_field_size",
    "limit_request_line",
)
"""Settings of gunicorn that a topology may have; whole numbers, 1 for yes (gunicorn's docs, Settings)."""

MAX_SETTING = 1_000_000
HARMLESS = re.compile(r"[\w ./:=*$~^-]+")
"""What may stand in a line of nginx.conf: nothing that ends the line or opens a block."""


@dataclass(frozen=True)
class Nginx:
    """Lines of nginx.conf; what is empty is left to nginx's default.

    Attributes:
        body_limit: ``client_max_body_size``; by default above the app's own limit.
        header_buffer: size of the one buffer for a request's headers, e.g. ``1k``.
        answer_buffer: ``proxy_buffer_size``, which an answer's headers must fit in.
        retry: ``proxy_next_upstream``, e.g. ``error timeout non_idempotent``.
        rate: requests a client address may make, e.g. ``5r/s``; more are answered 503.
        cache: how long answers to GET are kept for everybody, e.g. ``10s``.
        sticky: options of the balancer's own cookie.
        cookie_flags: ``proxy_cookie_flags``, e.g. ``chatmrpt_session secure``.
        cookie_path: what the ``/`` of the app's cookies becomes.
        strips: headers of requests that do not reach the app.
        hides: headers of answers that do not reach the client.
        servers: parameters of an instance's ``server`` line: ``down``, ``backup``, ``weight=3``.
        stale: instances whose address in the balancer's list is one where nobody is any more.
        routes: instances that take all requests to paths that begin so, whatever the affinity.
    """

    body_limit: str = "34m"
    header_buffer: str = ""
    answer_buffer: str = ""
    retry: str = ""
    rate: str = ""
    cache: str = ""
    sticky: str = "expires=1h path=/"
    cookie_flags: str = ""
    cookie_path: str = ""
    strips: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    servers: Mapping[str, str] = field(default_factory=dict)
    stale: tuple[str, ...] = ()
    routes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Own:
    """What one instance has that the others have not; ``{name}`` is filled in by the runtime.

    Attributes:
        wsgi: another ``module:callable``.
        code: folder with another release of the app's package.
        missing: Python modules that are not installed there.
        before: shell commands in its root folder, each time before it starts.
        after: shell commands in its root folder, once it serves.
        jobs: shell commands that run beside it, such as a cron job's loop.
        llm: a misconfiguration of the model server that it asks.
        gunicorn: settings of its gunicorn.
    """

    wsgi: str = ""
    code: str = ""
    missing: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    llm: str = ""
    gunicorn: Mapping[str, int] = field(default_factory=dict)


def nginx(table: Table, instances: Iterable[str]) -> Nginx:
    """Read a table ``nginx``.

    Raises:
        HarnessError: a key or value that is not allowed.
    """
    fields = Nginx.__dataclass_fields__
    table.only(*fields)
    names = tuple(instances)
    servers, routes = table.env("servers"), table.env("routes")
    for key, found in [*(("servers", one) for one in servers), *(("routes", one) for one in routes.values())]:
        if found not in names:
            raise HarnessError(not_one_of(table.where(key), found, names))
    lists = {key: table.texts(key) for key in ("strips", "hides")}
    texts = {key: _optional(table, key, str(one.default)) for key, one in fields.items() if one.type == "str"}
    lines = {**texts, **{f"servers.{name}": text for name, text in servers.items()}}
    lines |= {key: " ".join(found) for key, found in lists.items()} | {"routes": " ".join(routes)}
    for key, text in lines.items():
        if text and not HARMLESS.fullmatch(text):
            raise HarnessError(f"{table.where(key)}: {text!r} cannot stand in a line of nginx.conf")
    written: dict[str, Any] = {**texts, **lists}
    return Nginx(**written, servers=servers, stale=table.texts("stale", names), routes=routes)


def gunicorn(table: Table) -> dict[str, int]:
    """Read a table ``gunicorn``. Raises HarnessError."""
    table.only(*GUNICORN)
    return {key: table.number(key, 1, MAX_SETTING) for key in table.data}


def own(table: Table, llm_faults: Iterable[str]) -> Own:
    """Read the table of one instance. Raises HarnessError."""
    table.only(*Own.__dataclass_fields__)
    return Own(
        wsgi=_optional(table, "wsgi"),
        code=_optional(table, "code"),
        missing=table.texts("missing"),
        before=table.texts("before"),
        after=table.texts("after"),
        jobs=table.texts("jobs"),
        llm=table.choice("llm", llm_faults) if table.data.get("llm") else "",
        gunicorn=gunicorn(table.table("gunicorn")),
    )


def _optional(table: Table, key: str, default: str = "") -> str:
    return table.text(key, default) if table.data.get(key, default) else ""
