"""Sessions in Redis. Redis away stops the start; nothing falls back to local state."""

from __future__ import annotations

from typing import Any

import redis
from flask import Flask
from flask_session import Session

from reference_app.errors import ConfigError, StoreDown
from reference_app.evidence import session_store_event
from reference_app.sessions import SessionStrategy
from reference_app.settings import Settings

TIMEOUT = 2.0
NAME = "session store (redis)"


class NotedRedis(redis.Redis):
    """Notes each command in the evidence: with the bytes of the value, whichever way it goes."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        with session_store_event(str(args[0]).lower()) as event:
            answer = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]
            event["bytes"] = sum(len(part) for part in (*args[1:], answer) if isinstance(part, bytes))
            return answer


def install(app: Flask, settings: Settings) -> SessionStrategy:
    """Connect, and keep sessions there."""
    assert settings.redis_url is not None  # settings demand it for this strategy
    try:
        client = NotedRedis.from_url(
            settings.redis_url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT
        )
        check(client)
    except (ValueError, TypeError):  # their messages quote parts of the URL, which holds a password
        raise ConfigError(
            "REDIS_URL is not a Redis URL (not shown: it may hold a password); allowed: "
            "redis://[:password@]host:port/db, rediss://..., unix:///path/to/socket"
        ) from None
    app.config.update(
        SESSION_TYPE="redis", SESSION_REDIS=client, SESSION_KEY_PREFIX=settings.redis_key_prefix
    )
    Session(app)
    return SessionStrategy(check=lambda: check(client))


def check(client: redis.Redis) -> None:
    """Whether Redis answers.

    Raises:
        StoreDown: it does not.
    """
    try:
        client.ping()
    except redis.RedisError as error:
        raise StoreDown(NAME, error) from error
