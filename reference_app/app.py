"""The application factory: wiring only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from flask import Flask, Response, jsonify
from werkzeug.exceptions import HTTPException

from reference_app import errors, evidence, sessions, storage
from reference_app.analysis.llm import Model
from reference_app.frames import Frames
from reference_app.routes import Services, routes
from reference_app.settings import Settings

ASIDE = 8
"""Requests of a worker, if it has threads, that ask the store beside the model; begun at first use."""

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
    config = Settings.from_env(os.environ if env is None else env)
    app = Flask("reference_app")
    app.config.update(SECRET_KEY=config.secret_key, MAX_CONTENT_LENGTH=config.max_content_length)
    evidence.install(app, config.instance_name, config.session_strategy, config.evidence_log)
    strategy = sessions.install(app, config)
    app.extensions["v3"] = Services(
        config, strategy, storage.open_storage(config), Frames(config.frame_cache_bytes), Model(config),
        ThreadPoolExecutor(ASIDE),
    )  # fmt: skip
    app.register_blueprint(routes)
    app.after_request(_secure)
    _install_error_answers(app)
    return app


def _secure(response: Response) -> Response:
    response.headers.update(HEADERS)
    return response


def _install_error_answers(app: Flask) -> None:
    """Errors are JSON, with words for the user; never a trace."""

    def answer(status: int, message: str, noted: str | None = None) -> tuple[Response, int]:
        evidence.put(error=noted or message)
        return jsonify(status="error", message=message), status

    # a reader's complaint may quote the file: it is for the user, not for the evidence
    app.register_error_handler(errors.BadUpload, lambda error: answer(400, str(error), "BadUpload"))
    app.register_error_handler(errors.StorageConflict, lambda error: answer(409, str(error)))
    app.register_error_handler(errors.StoreDown, lambda error: answer(503, str(error)))
    app.register_error_handler(errors.CorruptData, lambda error: answer(500, str(error)))

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> tuple[Response, int]:
        if error.code == 413:
            return answer(413, f"Too large: at most {app.config['MAX_CONTENT_LENGTH']} bytes are taken")
        return answer(error.code or 500, error.description or error.name)

    @app.errorhandler(Exception)
    def failed(error: Exception) -> tuple[Response, int]:
        app.logger.exception("unexpected error", exc_info=error)
        return answer(500, "An unexpected error occurred", type(error).__name__)
