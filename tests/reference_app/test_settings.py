"""Every wrong variable is one clear line, and no secret is in it."""

from pathlib import Path

import pytest

from reference_app.errors import ConfigError
from reference_app.settings import SYNC_FAULTS, Settings, Sync


def message(env):
    with pytest.raises(ConfigError) as caught:
        Settings.from_env(env)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_defaults(env):
    settings = Settings.from_env(env)
    assert (settings.session_strategy, settings.storage_strategy) == ("signed-cookie", "local")
    assert (settings.mode_detection, settings.max_content_length) == ("flag-file", 33_554_432)
    assert settings.frame_cache_bytes == 134_217_728
    assert (settings.llm_max_turns, settings.llm_stream, settings.stickiness_cookie) == (6, False, False)
    assert settings.shared_root_must_be_mount is True


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "UPLOAD_ROOT", "OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_MODEL"]
)
@pytest.mark.parametrize("value", [None, ""])
def test_required(env, name, value):
    env = {key: text for key, text in env.items() if key != name} | ({} if value is None else {name: value})
    assert message(env).startswith(f"{name} is not set")


@pytest.mark.parametrize(
    ("strategy", "name"),
    [
        ({"SESSION_STRATEGY": "filesystem"}, "SESSION_FILE_DIR"),
        ({"SESSION_STRATEGY": "redis"}, "REDIS_URL"),
        ({"STORAGE_STRATEGY": "shared"}, "SHARED_ROOT"),
        ({"STORAGE_STRATEGY": "s3"}, "S3_BUCKET"),
        ({"STORAGE_STRATEGY": "instance-sync"}, "SYNC_SSH_CONFIG"),
        ({"STORAGE_STRATEGY": "instance-sync", "SYNC_SSH_CONFIG": "/c"}, "SYNC_PEERS"),
        ({"STORAGE_STRATEGY": "instance-sync", "UPLOAD_ROOT": ""}, "UPLOAD_ROOT"),
    ],
)
def test_required_by_strategy(env, strategy, name):
    text = message(env | strategy)
    assert text.startswith(f"{name} is not set")
    assert next(iter(strategy.values())) in text


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SESSION_STRATEGY", "cookie", "signed-cookie, filesystem, redis, memory"),
        ("STORAGE_STRATEGY", "nfs", "local, shared, s3, instance-sync"),
        ("MODE_DETECTION", "guess", "flag-file, session"),
        ("STICKINESS_COOKIE", "yes", "off, on"),
        ("LLM_STREAM", "true", "off, on"),
        ("SHARED_ROOT_MUST_BE_MOUNT", "maybe", "yes, no"),
        ("MAX_CONTENT_LENGTH", "32M", "whole number"),
        ("MAX_CONTENT_LENGTH", "0", "whole number"),
        ("LLM_MAX_TURNS", "-1", "whole number"),
        ("LLM_TIMEOUT_SECONDS", "soon", "seconds"),
        ("LLM_TIMEOUT_SECONDS", "nan", "seconds"),
        ("UPLOAD_ROOT", "uploads", "absolute"),
        ("OPENAI_BASE_URL", "gpu:8000", "URL"),
        ("INSTANCE_NAME", "A\r\nX-Evil: 1", "visible ASCII"),
    ],
)
def test_wrong_value_is_named_and_shown(env, name, value, said):
    text = message(env | {name: value})
    assert text.startswith(f"{name} is ")
    assert repr(value) in text
    assert said in text


SYNC = {
    "STORAGE_STRATEGY": "instance-sync",
    "SYNC_PEERS": "A, B,C",
    "SYNC_SSH_CONFIG": "/ssh_config",
    "SYNC_AS": "original",
}


def test_sync_is_read_where_it_is_chosen(env):
    assert Settings.from_env(env).sync is None
    assert Settings.from_env(env | SYNC).sync == Sync(
        ("B", "C"), Path("/ssh_config"), original=True, faults=frozenset(), seconds=10.0
    )
    some = Settings.from_env(env | SYNC | {"SYNC_FAULTS": "no-budget, flag-decides"}).sync
    assert some.faults == {"no-budget", "flag-decides"}
    every = Settings.from_env(env | SYNC | {"SYNC_FAULTS": "all", "SYNC_SECONDS": "0.5"}).sync
    assert (every.faults, every.seconds) == (set(SYNC_FAULTS), 0.5)
    repaired = Settings.from_env(env | SYNC | {"SYNC_AS": "", "SYNC_FAULTS": ""}).sync
    assert (repaired.original, repaired.faults) == (False, frozenset())


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SYNC_PEERS", ",", "A,B"),
        ("SYNC_PEERS", "B,,C", "separated by commas"),
        ("SYNC_PEERS", "B C", "separated by commas"),
        ("SYNC_PEERS", "-oProxyCommand=id", "names of hosts"),
        ("SYNC_PEERS", "B\nC", "names of hosts"),
        ("SYNC_SSH_CONFIG", "ssh_config", "absolute"),
        ("SYNC_AS", "new", "repaired, original"),
        ("SYNC_FAULTS", "slow", "all, or any of no-session-folder, skips-dotfiles, flag-decides"),
        ("SYNC_FAULTS", "no-budget,", "allowed: all"),
        ("SYNC_SECONDS", "0", "seconds above 0"),
    ],
)
def test_a_wrong_sync_value_is_named_and_shown(env, name, value, said):
    text = message(env | SYNC | {name: value})
    assert text.startswith(f"{name} is {value!r}")
    assert said in text


def test_what_is_repaired_has_no_faults(env):
    text = message(env | SYNC | {"SYNC_AS": "repaired", "SYNC_FAULTS": "no-budget"})
    assert text.startswith("SYNC_FAULTS is 'no-budget'")
    assert "SYNC_AS=original" in text


def test_short_key_is_not_shown(env):
    text = message(env | {"SECRET_KEY": "hunter2hunter2"})
    assert text.startswith("SECRET_KEY has 14 characters")
    assert "hunter2" not in text
