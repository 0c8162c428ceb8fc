"""All configuration, read from the environment once and validated."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reference_app import sessions, storage
from reference_app.environment import Reader
from reference_app.errors import ConfigError

MODES = ("flag-file", "session")
SWITCH = ("off", "on")
SYNC = "instance-sync"
SYNC_FAULTS = {
    "no-session-folder": "the destination lacks the session's folder, in push and pull",
    "skips-dotfiles": "the pull copies <session>/*, which leaves the flag behind",
    "flag-decides": "a peer without the flag counts as a peer without the session",
    "no-budget": "every command to every peer has its whole time, one after the other",
    "leaves-ssh": "at a time-out only the command itself is killed; the ssh of an rsync goes on",
    "swallows-outcome": "the upload says that sync was initiated, whatever came of it",
}
"""What was wrong with the original's instance sync; each can be chosen (storage/sync/original.py)."""


@dataclass(frozen=True)
class Sync:
    """SYNC_*, which only the strategy ``instance-sync`` reads.

    Args:
        peers: hosts of the fleet, as the ssh configuration names them; this instance left out.
        original: whether it is done as it was, with ``faults``, or repaired.
        seconds: what an upload or a chat may spend on it; in the original, what a command may take.
    """

    peers: tuple[str, ...]
    ssh_config: Path
    original: bool
    faults: frozenset[str]
    seconds: float

    @classmethod
    def read(cls, read: Reader, instance: str) -> Sync:
        """Read them.

        Raises:
            ConfigError: as in ``Settings.from_env``.
        """
        original = read.choice("SYNC_AS", ("repaired", "original"), "repaired") == "original"
        faults = read.choices("SYNC_FAULTS", SYNC_FAULTS)
        if faults and not original:
            raise ConfigError(
                f"SYNC_FAULTS is {','.join(sorted(faults))!r}, and SYNC_AS is 'repaired', which has none; "
                "allowed with SYNC_AS=original"
            )
        ssh_config = read.path("SYNC_SSH_CONFIG", needed_by=SYNC)
        assert ssh_config is not None
        return cls(
            peers=tuple(peer for peer in read.hosts("SYNC_PEERS", needed_by=SYNC) if peer != instance),
            ssh_config=ssh_config,
            original=original,
            faults=faults,
            seconds=read.seconds("SYNC_SECONDS", 10.0),
        )


@dataclass(frozen=True)
class Settings:
    """Everything the app can be told. Field names are the variables' names in lower case."""

    secret_key: str
    instance_name: str
    session_strategy: str
    session_file_dir: Path | None
    redis_url: str | None
    redis_key_prefix: str
    storage_strategy: str
    upload_root: Path | None
    shared_root: Path | None
    shared_root_must_be_mount: bool
    s3_bucket: str | None
    sync: Sync | None
    mode_detection: str
    stickiness_cookie: bool
    max_content_length: int
    frame_cache_bytes: int
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
        read = Reader(env)
        instance = read.name("INSTANCE_NAME", socket.gethostname())
        session = read.choice("SESSION_STRATEGY", tuple(sessions.STRATEGIES), "signed-cookie")
        kept = read.choice("STORAGE_STRATEGY", tuple(storage.STRATEGIES), "local")
        return cls(
            secret_key=read.secret("SECRET_KEY"),
            instance_name=instance,
            session_strategy=session,
            session_file_dir=read.path("SESSION_FILE_DIR", needed_by=session == "filesystem" and session),
            redis_url=read.needed("REDIS_URL", needed_by=session == "redis" and session),
            redis_key_prefix=read.text("REDIS_KEY_PREFIX", "chatmrpt:"),
            storage_strategy=kept,
            upload_root=read.path("UPLOAD_ROOT", needed_by=kept in ("local", SYNC) and kept),
            shared_root=read.path("SHARED_ROOT", needed_by=kept == "shared" and kept),
            shared_root_must_be_mount=read.choice("SHARED_ROOT_MUST_BE_MOUNT", ("yes", "no"), "yes") == "yes",
            s3_bucket=read.needed("S3_BUCKET", needed_by=kept == "s3" and kept),
            sync=Sync.read(read, instance) if kept == SYNC else None,
            mode_detection=read.choice("MODE_DETECTION", MODES, "flag-file"),
            stickiness_cookie=read.choice("STICKINESS_COOKIE", SWITCH, "off") == "on",
            max_content_length=read.whole("MAX_CONTENT_LENGTH", 32 * 1024 * 1024),
            frame_cache_bytes=read.whole("FRAME_CACHE_BYTES", 128 * 1024 * 1024),
            evidence_log=read.path("EVIDENCE_LOG"),
            openai_base_url=read.url("OPENAI_BASE_URL"),
            openai_api_key=read.text("OPENAI_API_KEY"),
            openai_model=read.text("OPENAI_MODEL"),
            llm_timeout_seconds=read.seconds("LLM_TIMEOUT_SECONDS", 50.0),
            llm_max_turns=read.whole("LLM_MAX_TURNS", 6),
            llm_stream=read.choice("LLM_STREAM", SWITCH, "off") == "on",
        )
