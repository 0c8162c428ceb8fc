"""What a start or a request can fail of, apart from programming errors; each with its HTTP status."""

from __future__ import annotations


class ConfigError(Exception):
    """A variable is missing or wrong; the message names it, what was found and what is allowed."""


class BadUpload(Exception):
    """The file is missing, empty, unreadable or of a type that is not taken (400)."""


class StoreDown(Exception):
    """A store that the app depends on does not answer (503).

    Args:
        store: its name for the user, e.g. ``session store (redis)``.
    """

    def __init__(self, store: str, reason: object) -> None:
        super().__init__(f"{store} is not available: {reason}")
        self.store = store


class StorageConflict(Exception):
    """Another upload of the same session was published first (409)."""


class CorruptData(Exception):
    """What is stored is not what was uploaded (500, with words)."""
