"""Reads a journey from whatever it is written in, by the name's ending."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from harness.errors import HarnessError
from harness.journey import from_har, from_python, from_toml
from harness.journey.model import Journey

READERS: Mapping[str, Callable[[Path], Journey]] = {
    ".toml": from_toml.read,
    ".py": from_python.read,
    ".har": from_har.read,
}


def load(path: Path) -> Journey:
    """The journey of a file.

    Raises:
        HarnessError: it cannot be read, or something in it is not allowed; the message names the file,
            the line, the key, what was found and what is allowed.
    """
    if path.suffix not in READERS:
        raise HarnessError(f"{path}: {path.suffix!r} is no journey's ending; allowed: {', '.join(READERS)}")
    return READERS[path.suffix](path)
