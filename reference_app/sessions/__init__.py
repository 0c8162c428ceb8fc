"""Where the app keeps who you are. Adding a strategy is a file here and a line in the table.

Each module has ``install(app, settings) -> SessionStrategy``; it is imported only when chosen.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reference_app.sessions.guarded import Guarded, demand_session

if TYPE_CHECKING:
    from flask import Flask

    from reference_app.settings import Settings

STRATEGIES = {
    "signed-cookie": "reference_app.sessions.signed_cookie",
    "filesystem": "reference_app.sessions.filesystem",
    "redis": "reference_app.sessions.redis",
    "memory": "reference_app.sessions.memory",
}

COOKIE = "chatmrpt_session"
SERVER_SIDE_HISTORY = 16_000


@dataclass(frozen=True)
class SessionStrategy:
    """A strategy at work.

    Attributes:
        check: raises StoreDown when the store does not answer.
        history_bytes: how much of the chat's history a session may carry.
    """

    check: Callable[[], None]
    history_bytes: int = SERVER_SIDE_HISTORY


def install(app: Flask, settings: Settings) -> SessionStrategy:
    """Install the chosen strategy.

    Raises:
        StoreDown: its store does not answer.
    """
    app.config.update(
        SESSION_COOKIE_NAME=COOKIE,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=24 * 60 * 60,
        SESSION_REFRESH_EACH_REQUEST=False,  # or a mere reader writes back what an upload has changed
    )
    module = importlib.import_module(STRATEGIES[settings.session_strategy])
    strategy: SessionStrategy = module.install(app, settings)
    app.session_interface = Guarded(app.session_interface, settings.session_strategy)
    app.before_request(demand_session)
    return strategy
