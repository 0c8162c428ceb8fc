"""Sessions in the worker's memory: no other worker knows them, and a restart forgets them."""

from __future__ import annotations

from cachelib import SimpleCache
from flask import Flask
from flask_session import Session

from reference_app.sessions import SessionStrategy
from reference_app.settings import Settings

MOST_SESSIONS = 100_000
"""The library's own limit of 500 would log people out at random under load."""


def install(app: Flask, settings: Settings) -> SessionStrategy:
    """Keep sessions in a dictionary of this process."""
    app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=SimpleCache(threshold=MOST_SESSIONS))
    Session(app)
    return SessionStrategy(check=lambda: None)
