"""All configuration, read from the environment once and validated."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reference_app import sessions, storage
from reference_app.errors import ConfigError

MODES = ("flag-file", "session")
SWITCH = ("off", "on")
SHORTEST_KEY = 16
NAME = re.compile(r"[!-~]{1,100}")
"""An instance's name stands in a header of every answer."""


@dataclass(frozen=True)
class Settings:
    """Everything the app can be told. Field names are the variables' names in lower case."""

    secret_key: str
    instance_name: str
    session_strategy: str
    session_file_dir: Path | None
    redis_url: str | None
    storage_strategy: str
    upload_root: Path | None
    shared_root: Path | None
    shared_root_must_be_mount: bool
    s3_bucket: str | None
    mode_detection: str
    stickiness_cookie: bool
    max_content_length: int
    evidence_log: Path | None
    openai_base_url: str
    openai_api_key: str
    openai_model: str
    llm_timeout_seconds: float
    llm_max_turns: int
    llm_stream: bool

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read the settings.

        Raises:
            ConfigError: a variable is missing or has a value that is not allowed.
        """
        read = _Reader(env)
        session = read.choice("SESSION_STRATEGY", tuple(sessions.STRATEGIES), "signed-cookie")
        kept = read.choice("STORAGE_STRATEGY", tuple(storage.STRATEGIES), "local")
        return cls(
            secret_key=read.secret("SECRET_KEY"),
            instance_name=read.name("INSTANCE_NAME", socket.gethostname()),
            session_strategy=session,
            session_file_dir=read.path("SESSION_FILE_DIR", needed_by=session == "filesystem" and session),
            redis_url=read.needed("REDIS_URL", needed_by=session == "redis" and session),
            storage_strategy=kept,
            upload_root=read.path("UPLOAD_ROOT", needed_by=kept == "local" and kept),
            shared_root=read.path("SHARED_ROOT", needed_by=kept == "shared" and kept),
            shared_root_must_be_mount=read.choice("SHARED_ROOT_MUST_BE_MOUNT", ("yes", "no"), "yes") == "yes",
            s3_bucket=read.needed("S3_BUCKET", needed_by=kept == "s3" and kept),
            mode_detection=read.choice("MODE_DETECTION", MODES, "flag-file"),
            stickiness_cookie=read.choice("STICKINESS_COOKIE", SWITCH, "off") == "on",
            max_content_length=read.whole("MAX_CONTENT_LENGTH", 32 * 1024 * 1024),
            evidence_log=read.path("EVIDENCE_LOG"),
            openai_base_url=read.url("OPENAI_BASE_URL"),
            openai_api_key=read.text("OPENAI_API_KEY"),
            openai_model=read.text("OPENAI_MODEL"),
            llm_timeout_seconds=read.seconds("LLM_TIMEOUT_SECONDS", 50.0),
            llm_max_turns=read.whole("LLM_MAX_TURNS", 6),
            llm_stream=read.choice("LLM_STREAM", SWITCH, "off") == "on",
        )


class _Reader:
    """Reads variables, and says what is wrong with one."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def text(self, name: str, default: str | None = None) -> str:
        value = self._env.get(name) or default
        if not value:
            raise ConfigError(f"{name} is not set; set it in the environment")
        return value

    def name(self, name: str, default: str) -> str:
        value = self.text(name, default)
        if not NAME.fullmatch(value):
            raise ConfigError(
                f"{name} is {value!r}; up to 100 visible ASCII characters are needed, no blanks"
            )
        return value

    def url(self, name: str) -> str:
        value = self.text(name)
        if not value.startswith(("http://", "https://")):
            raise ConfigError(f"{name} is {value!r}; a URL is needed, e.g. http://127.0.0.1:8000/v1")
        return value

    def secret(self, name: str) -> str:
        value = self.text(name)
        if len(value) < SHORTEST_KEY:
            raise ConfigError(
                f"{name} has {len(value)} characters; at least {SHORTEST_KEY} are needed, "
                "the same on every instance (python -c 'import secrets; print(secrets.token_hex(32))')"
            )
        return value

    def needed(self, name: str, needed_by: str | bool) -> str | None:
        """A variable that one strategy cannot do without."""
        value = self._env.get(name) or None
        if needed_by and value is None:
            raise ConfigError(f"{name} is not set; the strategy {needed_by!r} needs it")
        return value

    def path(self, name: str, needed_by: str | bool = False) -> Path | None:
        value = self.needed(name, needed_by)
        if value is None:
            return None
        if not Path(value).is_absolute():
            raise ConfigError(f"{name} is {value!r}; an absolute path is needed, whatever the working folder")
        return Path(value)

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.text(name, default)
        if value not in allowed:
            raise ConfigError(f"{name} is {value!r}; allowed: {', '.join(allowed)}")
        return value

    def whole(self, name: str, default: int) -> int:
        value = self.text(name, str(default))
        if not value.isdecimal() or int(value) < 1:
            raise ConfigError(f"{name} is {value!r}; a whole number above 0 is needed")
        return int(value)

    def seconds(self, name: str, default: float) -> float:
        value = self.text(name, str(default))
        try:
            number = float(value)
        except ValueError:
            number = 0.0
        if not 0 < number < 3600:
            raise ConfigError(f"{name} is {value!r}; seconds above 0 and below 3600 are needed")
        return number
