"""Reads a TOML file and its values, with errors that name file, line, key, value and what is allowed."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.toml_lines import line_of


def read(path: Path) -> dict[str, Any]:
    """The file's tables.

    Raises:
        HarnessError: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise HarnessError(f"{path}: not a TOML file: {error}") from error


@dataclass(frozen=True)
class Table:
    """One TOML table with the path of keys that leads to it, for errors that name the key.

    Its methods raise HarnessError for a key or value that is not allowed.
    """

    path: Path
    key: str
    data: Mapping[str, Any]

    def where(self, key: str) -> str:
        """Where a key stands, for an error: ``FILE:LINE: table.key``; the table's line for one it lacks."""
        full = self.full(key)
        line = line_of(self.path, full) or line_of(self.path, self.key)
        return f"{self.path}{f':{line}' if line else ''}: {full}"

    def full(self, key: str) -> str:
        return ".".join(filter(None, (self.key, key)))

    def only(self, *allowed: str) -> None:
        """Refuse every key but these."""
        for key in self.data:
            if key not in allowed:
                raise HarnessError(not_one_of(self.where(key), key, allowed, "key"))

    def table(self, key: str) -> Table:
        value = self.data.get(key, {})
        if not isinstance(value, dict):
            raise HarnessError(f"{self.where(key)}: {value!r} is not a table")
        return Table(self.path, self.full(key), value)

    def tables(self, key: str) -> list[Table]:
        """The tables of ``[[key]]``; their keys are ``key[0]``, ``key[1]``, ..."""
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise HarnessError(f"{self.where(key)}: {value!r} is not a list of tables: [[{self.full(key)}]]")
        return [Table(self.path, f"{self.full(key)}[{number}]", item) for number, item in enumerate(value)]

    def text(self, key: str, default: str | None = None) -> str:
        value = self.data.get(key, default)
        if not isinstance(value, str) or not value:
            found = "missing" if value is None else f"{value!r}"
            raise HarnessError(f"{self.where(key)}: {found}: a non-empty string is needed")
        return value

    def texts(self, key: str, allowed: Iterable[str] | None = None) -> tuple[str, ...]:
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise HarnessError(f"{self.where(key)}: {value!r} is not a list of strings")
        for item in value:
            if allowed is not None and item not in allowed:
                raise HarnessError(not_one_of(self.where(key), item, allowed))
        return tuple(value)

    def number(self, key: str, default: int, most: int) -> int:
        """A whole number from 1 to ``most``."""
        value = self.data.get(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
            raise HarnessError(f"{self.where(key)}: {value!r} is not a whole number from 1 to {most}")
        return value

    def truth(self, key: str, default: bool) -> bool:
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            raise HarnessError(f"{self.where(key)}: {value!r} is neither true nor false")
        return value

    def choice(self, key: str, allowed: Iterable[str], default: str | None = None) -> str:
        value = self.text(key, default)
        if value not in allowed:
            raise HarnessError(not_one_of(self.where(key), value, allowed))
        return value

    def env(self, key: str) -> dict[str, str]:
        table = self.table(key)
        for name, value in table.data.items():
            if not isinstance(value, str):
                raise HarnessError(f"{table.where(name)}: {value!r}: environment values are strings")
        return dict(table.data)


def not_one_of(where: str, found: str, allowed: Iterable[str], noun: str = "value") -> str:
    """The message for a name that is not among those allowed, with the one that may have been meant."""
    names = list(allowed)
    close = difflib.get_close_matches(found, names, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    return f"{where}: {found!r} is not an allowed {noun}{hint}; allowed: {', '.join(names)}"
