"""Data sets as bytes, for tests: a storage takes and gives open files."""

from __future__ import annotations

import io

from reference_app.storage.base import Copy, Flag, Storage


def flag_of(data: bytes, name: str = "rows.csv") -> Flag:
    return Flag.of(name, ".csv", io.BytesIO(data))


def publish(storage: Storage, session_id: str, flag: Flag, data: bytes) -> list[Copy]:
    return storage.publish(session_id, flag, io.BytesIO(data))


def read(storage: Storage, session_id: str) -> tuple[Flag, bytes] | None:
    """The flag and the whole of the data."""
    if (found := storage.read(session_id)) is None:
        return None
    with found[1] as data:
        return found[0], data.read()
