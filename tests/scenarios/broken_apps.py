"""The reference app, each time with one thing wrong: what the scenarios must notice."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from flask import Flask, request

from reference_app.app import create_app


def generic_on_llm_trouble() -> Flask:
    """As the original: whatever the model server's trouble, a generic answer and HTTP 200."""
    app = create_app()

    @app.after_request
    def hide(response):
        if response.status_code == 503 and request.path == "/send_message":
            response.status_code = 200
            response.set_data(b'{"status": "success", "response": "How can I help?", "tools_used": []}')
        return response

    return app


class Storage:
    """Passes everything on."""

    def __init__(self, real):
        self.real = real

    def __getattr__(self, name):
        return getattr(self.real, name)


class Leaky(Storage):
    @property
    def last(self):
        return Path(os.environ["UPLOAD_ROOT"]) / "last"

    def publish(self, session_id, *upload):
        self.real.publish(session_id, *upload)
        self.last.write_text(session_id)

    def flag(self, session_id):
        return self.real.flag(self.last.read_text()) if self.last.exists() else None

    def read(self, session_id):
        return self.real.read(self.last.read_text())


class Stubborn(Storage):
    def publish(self, session_id, *upload):
        if self.real.flag(session_id) is None:
            self.real.publish(session_id, *upload)


class Forgetful(Storage):
    def __init__(self, real):
        super().__init__(real)
        self.mine = set()

    def publish(self, session_id, *upload):
        self.mine.add(session_id)
        self.real.publish(session_id, *upload)

    def flag(self, session_id):
        return self.real.flag(session_id) if session_id in self.mine else None


def one_upload_for_all() -> Flask:
    """Everybody reads the upload that came last, a stranger too."""
    return _storing(Leaky)


def first_upload_stays() -> Flask:
    """A second upload is accepted and thrown away."""
    return _storing(Stubborn)


def forgets_in_other_worker() -> Flask:
    """A worker knows of the uploads it took, and of no others."""
    return _storing(Forgetful)


def _storing(kind: type[Storage]) -> Flask:
    app = create_app()
    use = app.extensions["v3"]
    app.extensions["v3"] = replace(use, storage=kind(use.storage))
    return app
