"""What happened while serving a request: one JSON line a request, for whoever looks into a failure.

No secret, no content of a file, no text of a message is ever noted. The line is written after the
session is saved and before the response leaves, by one ``write`` to a file opened for appending, so
that workers' lines do not mix.
"""

from __future__ import annotations

import json
import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask, Response, g, has_request_context, request

from reference_app.errors import ConfigError

REQUEST_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
UNRECORDED = frozenset({"/health"})


def worker() -> str:
    """This worker's number where something gave it one, else its process id."""
    return os.environ.get("WORKER_ID") or str(os.getpid())


def install(app: Flask, instance: str, strategy: str, log: Path | None) -> None:
    """Give every request a record, an ``X-Request-Id`` and an ``X-Served-By``.

    Raises:
        ConfigError: the log cannot be written.
    """
    if log is not None:
        try:
            _append(log, b"")
        except OSError as error:
            raise ConfigError(f"EVIDENCE_LOG is {str(log)!r}, which cannot be written: {error}") from error

    @app.before_request
    def begin() -> None:
        sent = request.headers.get("X-Request-Id", "")
        g.started = time.perf_counter()
        g.evidence = {
            "request_id": sent if REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex,
            "time": time.time(),
            "instance": instance,
            "worker": worker(),
            "pid": os.getpid(),
            "method": request.method,
            "path": request.path,
            "session": {"strategy": strategy, "id": None, "source": "none", "cookie_sent": False},
            "mode": None,
            "session_store": g.setdefault("session_store", []),  # sessions are opened before this
            "storage": [],
            "llm": [],
            "tools": [],
            "sync": [],
            "error": None,
        }
        g.evidence["session"]["cookie_sent"] = app.config["SESSION_COOKIE_NAME"] in request.cookies

    @app.after_request
    def end(response: Response) -> Response:
        record = g.evidence
        response.headers["X-Served-By"] = f"{instance}/{record['worker']}"
        response.headers["X-Request-Id"] = record["request_id"]
        g.response = response
        return response

    @app.teardown_request
    def write(_: BaseException | None) -> None:
        if log is None or request.path in UNRECORDED or "response" not in g:
            return
        record = g.evidence | {
            "status": g.response.status_code,
            "duration_ms": round((time.perf_counter() - g.started) * 1000, 2),
        }
        try:
            _append(log, json.dumps(record, default=str).encode() + b"\n")
        except OSError:  # the user's answer is worth more than the record of it
            app.logger.exception("the evidence of request %s is lost", record["request_id"])


def note(kind: str, **facts: Any) -> None:
    """Add an event to a list of the record: ``storage``, ``llm``, ``tools`` or ``sync``."""
    if has_request_context():
        g.evidence[kind].append(facts)


def put(**facts: Any) -> None:
    """Set a field of the record: ``session``, ``mode`` or ``error``."""
    if has_request_context():
        g.evidence.update(facts)


def note_session(session_id: str, source: str) -> None:
    """Say whose session it is and where its id came from.

    ``cookie``: the session that the cookie names has it; ``minted``: it is new. Minted although a cookie
    was sent: what the cookie names is unknown or unreadable here.
    """
    g.evidence["session"] |= {"id": session_id, "source": source}


@contextmanager
def session_store_event(operation: str) -> Iterator[dict[str, Any]]:
    """Note one call to the store of the sessions with its time; the caller sets ``bytes``.

    Sessions are opened before the request's record begins and saved after its answer is made: these
    events lie on ``g`` from the first of them on.
    """
    event: dict[str, Any] = {"op": operation, "bytes": None}
    start = time.perf_counter()
    try:
        yield event
    finally:
        if has_request_context():
            event["ms"] = round((time.perf_counter() - start) * 1000, 2)
            g.setdefault("session_store", []).append(event)


@contextmanager
def storage_event(operation: str, where: str) -> Iterator[dict[str, Any]]:
    """Note one storage operation with its time; the caller sets ``found`` and ``bytes``."""
    event: dict[str, Any] = {"op": operation, "where": where, "found": None, "bytes": None}
    start = time.perf_counter()
    try:
        yield event
    finally:
        note("storage", **event, ms=round((time.perf_counter() - start) * 1000, 2))


def _append(log: Path, line: bytes) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)
