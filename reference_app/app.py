"""The application factory: wiring only."""

from __future__ import annotations

import os
from collections.abc import Mapping

from flask import Flask, Response, jsonify, request, session
from werkzeug.exceptions import HTTPException

from reference_app import errors, evidence, sessions, settings, storage
from reference_app.analysis.llm import Model
from reference_app.routes import Services, routes

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}


def create_app(env: Mapping[str, str] | None = None) -> Flask:
    """The app, configured by ``env`` (default: the process's environment).

    Raises:
        ConfigError: the configuration is wrong. StoreDown: a store it names does not answer.
    """
    config = settings.from_env(os.environ if env is None else env)
    app = Flask("reference_app")
    app.config.update(SECRET_KEY=config.secret_key, MAX_CONTENT_LENGTH=config.max_content_length)
    strategy = sessions.install(app, config)
    app.extensions["v3"] = Services(config, strategy, storage.open_storage(config), Model(config))
    app.register_blueprint(routes)
    evidence.install(app, config.instance_name, config.session_strategy, config.evidence_log)
    app.before_request(_keep_session)
    app.after_request(_secure)
    _install_error_answers(app)
    return app


def _keep_session() -> None:
    if request.path != "/health":
        session.permanent = True


def _secure(response: Response) -> Response:
    response.headers.extend(HEADERS)
    return response


def _install_error_answers(app: Flask) -> None:
    """Errors are JSON, with words for the user; never a trace."""

    def answer(status: int, message: str) -> tuple[Response, int]:
        evidence.put(error=message)
        return jsonify(status="error", message=message), status

    app.register_error_handler(errors.BadUpload, lambda error: answer(400, str(error)))
    app.register_error_handler(errors.StorageConflict, lambda error: answer(409, str(error)))
    app.register_error_handler(errors.StoreDown, lambda error: answer(503, str(error)))
    app.register_error_handler(errors.CorruptData, lambda error: answer(500, str(error)))

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[Response, int]:
        if error.code == 413:
            return answer(413, f"The file is larger than {app.config['MAX_CONTENT_LENGTH']} bytes")
        return answer(error.code or 500, error.description or error.name)

    @app.errorhandler(Exception)
    def failed(error: Exception) -> tuple[Response, int]:
        app.logger.exception("unexpected error", exc_info=error)
        return answer(500, "An unexpected error occurred")
