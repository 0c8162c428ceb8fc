"""Sessions in Redis. Redis away stops the start; nothing falls back to local state."""

from __future__ import annotations

import redis
from flask import Flask
from flask_session import Session

from reference_app.errors import StoreDown
from reference_app.sessions import SessionStrategy
from reference_app.settings import ConfigError, Settings

TIMEOUT = 2.0
NAME = "session store (redis)"


def install(app: Flask, settings: Settings) -> SessionStrategy:
    """Connect, and keep sessions there."""
    assert settings.redis_url is not None  # settings demand it for this strategy
    try:
        client = redis.Redis.from_url(
            settings.redis_url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
        )
    except ValueError as error:
        raise ConfigError(f"REDIS_URL is not a Redis URL: {error}") from error

    def check() -> None:
        try:
            client.ping()
        except redis.RedisError as error:
            raise StoreDown(NAME, error) from error

    check()
    app.config.update(SESSION_TYPE="redis", SESSION_REDIS=client)
    Session(app)

    @app.errorhandler(redis.RedisError)
    def away(error: redis.RedisError) -> object:
        return app.handle_user_exception(StoreDown(NAME, error))

    return SessionStrategy(check=check)
