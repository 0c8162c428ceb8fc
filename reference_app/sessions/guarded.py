"""A session interface that says when its store fails.

Flask opens the session before any handler and saves it after all of them: there an error of the store
becomes a bare 500, and a store that swallows its errors looks like a logout. Here both become a 503
that names the store.
"""

from __future__ import annotations

from flask import Flask, Request, Response, g, jsonify
from flask.sessions import SessionInterface, SessionMixin

from reference_app import evidence
from reference_app.errors import StoreDown

NEED_SESSION = ("/api/", "/send_message")
"""Paths that have a session; the page and the health checks must answer without the store."""


class Guarded(SessionInterface):
    """Wraps a strategy's own interface.

    Args:
        inner: the interface that does the work.
        name: the strategy's, for messages.
    """

    def __init__(self, inner: SessionInterface, name: str) -> None:
        self._inner, self._store = inner, f"session store ({name})"

    def open_session(self, app: Flask, request: Request) -> SessionMixin | None:
        if not request.path.startswith(NEED_SESSION):
            return None
        try:
            return self._inner.open_session(app, request)
        except Exception as error:  # whatever a client library raises: there is no session, and it is known
            g.session_trouble = self._trouble(error)
            return None

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        try:
            self._inner.save_session(app, session, response)
        except Exception as error:  # the answer is made already, and what it says is not so
            message = str(self._trouble(error))
            evidence.put(error=message)
            response.status_code = 503
            response.set_data(jsonify(status="error", message=message).get_data())
            response.mimetype = "application/json"

    def _trouble(self, error: Exception) -> StoreDown:
        return error if isinstance(error, StoreDown) else StoreDown(self._store, error)


def demand_session() -> None:
    """Before a request: refuse it if its session could not be opened, rather than take it for a new one."""
    trouble: StoreDown | None = g.pop("session_trouble", None)
    if trouble is not None:
        raise trouble
