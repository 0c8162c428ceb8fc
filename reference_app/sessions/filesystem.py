"""Sessions in files of a folder: shared by whoever sees the folder (Flask-Session on cachelib)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cachelib import FileSystemCache
from flask import Flask
from flask_session import Session

from reference_app.errors import StoreDown
from reference_app.evidence import session_store_event
from reference_app.sessions import SessionStrategy
from reference_app.settings import Settings

NAME = "session store (filesystem)"


class StrictFiles(FileSystemCache):
    """cachelib swallows OSError, so that a folder that is away looks like a logout. This one says so."""

    def get(self, key: str) -> Any:
        self.check()
        with session_store_event("get") as event:
            value = super().get(key)
            event["bytes"] = self._size(key)
            return value

    def set(self, key: str, value: Any, *args: Any, **options: Any) -> bool:
        with session_store_event("set") as event:
            if not super().set(key, value, *args, **options):
                raise StoreDown(NAME, f"{self._path} cannot be written")
            event["bytes"] = self._size(key)
        return True

    def _size(self, key: str) -> int:
        """Bytes of a session's file; none where there is no session."""
        path = Path(self._get_filename(key))
        return path.stat().st_size if path.exists() else 0

    def check(self) -> None:
        if not os.access(self._path, os.R_OK | os.W_OK | os.X_OK):
            raise StoreDown(NAME, f"{self._path} cannot be read and written")


def install(app: Flask, settings: Settings) -> SessionStrategy:
    """Make the folder if need be, and keep sessions there."""
    folder = settings.session_file_dir
    assert folder is not None  # settings demand it for this strategy
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        files = StrictFiles(str(folder), threshold=0)  # no limit: the default forgets all but 500 sessions
    except OSError as error:
        raise StoreDown(NAME, error) from error
    files.check()
    app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=files)
    Session(app)
    return SessionStrategy(check=files.check)
