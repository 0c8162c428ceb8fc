"""The endpoints: upload, chat, status, health, the page."""

from __future__ import annotations

import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, BinaryIO, cast

import pandas as pd
from flask import Blueprint, Response, current_app, jsonify, render_template, request, session

from reference_app import dataset, evidence, history, modes
from reference_app.analysis import agent
from reference_app.analysis.llm import LLMTrouble, Model
from reference_app.errors import BadUpload, StoreDown
from reference_app.frames import Frames
from reference_app.sessions import SessionStrategy
from reference_app.settings import Settings
from reference_app.storage.base import Flag, Storage

routes = Blueprint("routes", __name__)

NO_DATA = "Please upload your data file first. Click the upload button to choose one."
STICKY_SECONDS = 3600


@dataclass(frozen=True)
class Services:
    """What the endpoints work with."""

    settings: Settings
    sessions: SessionStrategy
    storage: Storage
    frames: Frames
    model: Model
    aside: ThreadPoolExecutor  # for what a request does beside what it waits for


def services() -> Services:
    found: Services = current_app.extensions["v3"]
    return found


@routes.get("/")
def page() -> str:
    return render_template(
        "chat.html", max_bytes=services().settings.max_content_length, accepted=list(dataset.READERS)
    )


@routes.post("/api/data-analysis/upload")
def upload() -> Response:
    use = services()
    sent = request.files.get("file")
    if sent is None:
        raise BadUpload("No file provided")
    if not sent.filename:
        raise BadUpload("No file selected")
    name = dataset.safe_name(sent.filename)
    suffix = dataset.suffix_of(name)
    data = cast(BinaryIO, sent.stream)  # werkzeug's: on disk where it is large (default_stream_factory)
    frame = dataset.parse(suffix, data)
    size = data.seek(0, os.SEEK_END)
    session_id = _own_session_id()
    with dataset.standard(suffix, data, frame) as (suffix, standard):
        flag = Flag.of(name, suffix, standard)
        copies = use.storage.publish(session_id, flag, standard, None if standard is data else data)
    use.frames.put(flag.sha256, frame)
    session.update(has_data_analysis_file=True, data_analysis_filename=name, history=[])
    columns = [str(column) for column in frame.columns]
    answer = jsonify(
        status="success",
        message=f"{name} uploaded: {len(frame)} rows, {len(columns)} columns",
        session_id=session_id,
        filename=name,
        file_size=size,
        metadata={"rows": len(frame), "columns": len(columns), "column_names": columns},
        **({"copies": copies} if copies else {}),
        instance=use.settings.instance_name,
    )
    if use.settings.stickiness_cookie:  # the failed attempt of the report: nothing reads these
        for cookie, value in (
            ("ChatMRPT-Session", session_id),
            ("ChatMRPT-Instance", use.settings.instance_name),
        ):
            answer.set_cookie(cookie, value, max_age=STICKY_SECONDS, httponly=True, samesite="Lax")
    return answer


@routes.post("/send_message")
def send_message() -> tuple[Response, int]:
    start = time.perf_counter()
    body = request.get_json(silent=True)
    hints: dict[str, Any] = body if isinstance(body, dict) else {}
    message = hints.get("message")
    if not isinstance(message, str) or not message.strip():
        return jsonify(status="error", message="No message provided"), 400
    use = services()
    message = message.encode("utf-8", "replace").decode()  # half a character pair is no text to anyone
    session_id = _own_session_id()
    workflow = modes.decide(use.settings.mode_detection, session, use.storage, hints)
    past: history.Messages = session.get("history", [])
    try:
        if workflow == modes.DATA_ANALYSIS:
            answer = _analyse(use, session_id, message, past)
        else:
            answer = _reply(agent.converse(use.model, message, past))
    except LLMTrouble as trouble:
        evidence.put(error=trouble.marker)
        return jsonify(_trouble(trouble, workflow) | _served(use, workflow, start)), 503
    if answer["status"] == "success":
        session["history"] = history.extended(past, message, answer["response"], use.sessions.history_bytes)
    return jsonify(answer | _served(use, workflow, start)), 200


@routes.get("/api/data-analysis/status")
def status() -> Response:
    use = services()
    session_id = _known_session_id()
    flag = use.storage.flag(session_id) if session_id else None
    return jsonify(
        status="success",
        has_file=flag is not None,
        filename=flag.filename if flag else None,
        session_id=session_id,
        mode=modes.decide(use.settings.mode_detection, session, use.storage, {}),
        instance=use.settings.instance_name,
    )


@routes.post("/api/data-analysis/clear-mode")
def clear_mode() -> Response:
    session_id = _known_session_id()
    if session_id:
        services().storage.clear_flag(session_id)
    for key in ("has_data_analysis_file", "data_analysis_filename"):
        session.pop(key, None)
    return jsonify(status="success", message="Data Analysis ended", session_id=session_id)


@routes.get("/health")
def health() -> Response:
    return jsonify(status="ok", instance=services().settings.instance_name)


@routes.get("/ready")
def ready() -> tuple[Response, int]:
    use = services()
    checks = {}
    for name, check in (
        ("session", use.sessions.check),
        ("storage", use.storage.check),
        ("llm", use.model.check),
    ):
        try:
            check()
        except (StoreDown, LLMTrouble) as error:
            checks[name] = {"ok": False, "detail": str(error)}
        else:
            checks[name] = {"ok": True, "detail": ""}
    down = [name for name, result in checks.items() if not result["ok"]]
    answer = jsonify(status="down" if down else "ready", down=down, checks=checks)
    return answer, 503 if down else 200


def _known_session_id() -> str | None:
    """The session's id, from the session alone: what a client writes into a body is not read."""
    known: str | None = session.get("session_id")
    if known is not None:
        evidence.note_session(known, "cookie")
    return known


def _own_session_id() -> str:
    """The session's id, a new one where it has none."""
    if (known := _known_session_id()) is not None:
        return known
    minted = session["session_id"] = uuid.uuid4().hex
    session.permanent = True
    evidence.note_session(minted, "minted")
    return minted


def _analyse(use: Services, session_id: str, message: str, past: history.Messages) -> dict[str, Any]:
    ask = partial(agent.analyse, use.model, message, past, use.settings.llm_max_turns)
    if (guess := use.frames.last(session_id)) is None:
        frame = _frame(use, session_id)
        reply = None if frame is None else ask(frame, lambda: frame)
    else:  # the store is asked while the model reads the question, and has the last word
        now = use.aside.submit(copy_context().run, _frame, use, session_id)
        try:
            reply = ask(guess, now.result)
        finally:
            wait([now])  # its evidence belongs to this request
    if reply is None:  # the session says there is an upload, and this instance has none
        return _reply(NO_DATA) | {"status": "info"}
    return _reply(reply.text) | {"tools_used": ["analyze_data"], "tools": reply.tools, "table": reply.table}


def _frame(use: Services, session_id: str) -> pd.DataFrame | None:
    """The session's data set; read and parsed if this worker does not have what the flag names."""
    flag = use.storage.flag(session_id)
    if flag is None:
        return None
    with evidence.storage_event("recall", f"worker {evidence.worker()}'s memory") as event:
        known = use.frames.get(flag.sha256)
        event["found"] = known is not None
    use.frames.answers(session_id, flag.sha256)
    if known is not None:
        return known
    if (found := use.storage.read(session_id)) is None:
        return None
    flag, data = found
    with data:
        frame = dataset.stored(flag.standard_name, data)
    use.frames.put(flag.sha256, frame)
    return frame


def _reply(text: str) -> dict[str, Any]:
    """The original's shape; its public marker of Data Analysis is ``tools_used``."""
    return {
        "status": "success",
        "message": text,
        "response": text,
        "explanations": [],
        "data_summary": None,
        "tools_used": [],
        "intent_type": None,
        "visualizations": [],
        "tools": [],
        "table": None,
    }


def _trouble(trouble: LLMTrouble, workflow: str) -> dict[str, Any]:
    spared = " Your upload is safe." if workflow == modes.DATA_ANALYSIS else ""
    text = f"The language model could not answer: {trouble.detail}.{spared} Please try again later."
    error = {"type": trouble.marker, "detail": trouble.detail}
    return _reply(text) | {"status": "error", "error": error}


def _served(use: Services, workflow: str, start: float) -> dict[str, Any]:
    seconds = round(time.perf_counter() - start, 4)
    return {
        "workflow": workflow,
        "instance": use.settings.instance_name,
        "worker": evidence.worker(),
        "processing_time": seconds,
        "total_response_time": seconds,
        "response_efficiency": None,
    }
