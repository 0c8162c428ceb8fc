"""Sessions in files of a folder: shared by whoever sees the folder (Flask-Session on cachelib)."""

from __future__ import annotations

import os

from cachelib import FileSystemCache
from flask import Flask
from flask_session import Session

from reference_app.errors import StoreDown
from reference_app.sessions import SessionStrategy
from reference_app.settings import Settings


def install(app: Flask, settings: Settings) -> SessionStrategy:
    """Make the folder if need be, and keep sessions there."""
    folder = settings.session_file_dir
    assert folder is not None  # settings demand it for this strategy

    def check() -> None:
        # cachelib swallows OSError, so that a folder that cannot be written looks like a logout
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise StoreDown("session store (filesystem)", f"{folder} cannot be read and written")

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreDown("session store (filesystem)", error) from error
    check()
    app.config.update(SESSION_TYPE="cachelib", SESSION_CACHELIB=FileSystemCache(str(folder)))
    Session(app)
    return SessionStrategy(check=check)
