"""Reads a TOML file, with errors that name it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from harness.errors import HarnessError


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
