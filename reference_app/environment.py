"""Reads variables of the environment, and says what is wrong with one."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from reference_app.errors import ConfigError

SHORTEST_KEY = 16
NAME = re.compile(r"[!-~]{1,100}")
"""An instance's name stands in a header of every answer."""

HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""A host's name stands on ssh's command line, where a dash would begin an option."""


class Reader:
    """Each method raises ConfigError: the variable, its value, and what is needed."""

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

    def hosts(self, name: str, needed_by: str) -> tuple[str, ...]:
        """Names of hosts, separated by commas."""
        value = self.needed(name, needed_by) or ""
        found = tuple(host.strip() for host in value.split(","))
        if not all(HOST.fullmatch(host) for host in found):
            raise ConfigError(f"{name} is {value!r}; names of hosts are needed, separated by commas: A,B")
        return found

    def choices(self, name: str, allowed: Collection[str]) -> frozenset[str]:
        """Any of those allowed, separated by commas; ``all`` of them; none where it is not set."""
        value = self._env.get(name) or ""
        if value == "all":
            return frozenset(allowed)
        found = frozenset(word.strip() for word in value.split(",") if value)
        if found - set(allowed):
            raise ConfigError(f"{name} is {value!r}; allowed: all, or any of {', '.join(allowed)}")
        return found

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
