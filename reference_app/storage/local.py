"""Uploads on the instance's own disk: what the original did."""

from __future__ import annotations

from reference_app.errors import StoreDown
from reference_app.settings import Settings
from reference_app.storage.files import FileTree


def open_storage(settings: Settings) -> FileTree:
    """The tree beneath UPLOAD_ROOT, made if need be."""
    assert settings.upload_root is not None  # settings demand it for the strategies that use this
    try:
        settings.upload_root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreDown(f"storage ({settings.storage_strategy})", error) from error
    return FileTree(settings.storage_strategy, settings.upload_root)
