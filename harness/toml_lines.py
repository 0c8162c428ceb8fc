"""Finds the line of a TOML file that a key stands in: tomllib tells none."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

INDEX = re.compile(r"\[(\d+)\]")


def line_of(path: Path, key: str) -> int | None:
    """The line where ``table.list[2].key`` begins, counted from 1; None where it is not in the file.

    It is the first line with which the file, read up to there, has the key.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    begins = 1
    for number in range(1, len(lines) + 1):
        try:
            data = tomllib.loads("\n".join(lines[:number]))
        except tomllib.TOMLDecodeError:
            continue  # in the middle of a value of several lines
        if _has(data, key):
            return begins
        begins = number + 1
    return None


def _has(data: Any, key: str) -> bool:
    if not key:
        return True
    if isinstance(data, list):
        index = INDEX.match(key)
        return (
            index is not None
            and int(index[1]) < len(data)
            and _has(data[int(index[1])], key[index.end() :].removeprefix("."))
        )
    return isinstance(data, dict) and any(
        key.startswith(name)
        and key[len(name) : len(name) + 1] in ("", ".", "[")
        and _has(inner, key[len(name) :].removeprefix("."))
        for name, inner in data.items()
    )
