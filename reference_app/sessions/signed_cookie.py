"""Flask's own sessions: everything in a cookie that SECRET_KEY signs."""

from __future__ import annotations

from flask import Flask

from reference_app.sessions import SessionStrategy
from reference_app.settings import Settings

HISTORY_BYTES = 1_500
"""Leaves the whole cookie below the 4,093 bytes that browsers keep (Werkzeug's ``max_cookie_size``)."""


def install(app: Flask, settings: Settings) -> SessionStrategy:
    """Nothing to install: it is Flask's default."""
    return SessionStrategy(check=lambda: None, history_bytes=HISTORY_BYTES)
