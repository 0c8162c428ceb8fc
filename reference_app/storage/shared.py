"""Uploads on a file system that every instance mounts, at one mount root: the EFS option."""

from __future__ import annotations

import os
from pathlib import Path

from reference_app.errors import ConfigError
from reference_app.settings import Settings
from reference_app.storage.files import FileTree


def open_storage(settings: Settings) -> FileTree:
    """The tree beneath SHARED_ROOT.

    Raises:
        ConfigError: it is no folder, or nothing is mounted there: what is written beneath a missing
            mount stays on this instance, and nobody notices.
    """
    root = settings.shared_root
    assert root is not None  # settings demand it for this strategy
    if not root.is_dir():
        raise ConfigError(f"SHARED_ROOT is {str(root)!r}, which is not a folder; mount the file system there")
    try:
        _demand_mount(settings)
    except OSError as error:
        raise ConfigError(
            f"SHARED_ROOT is {str(root)!r}, where nothing is mounted; mount the file system, or set "
            "SHARED_ROOT_MUST_BE_MOUNT=no if every instance sees this folder some other way"
        ) from error
    return FileTree("shared", root, guard=lambda: _demand_mount(settings))


def _demand_mount(settings: Settings) -> None:
    """A mount can go away later, too; then the folder beneath it would answer in its place."""
    root = settings.shared_root
    if settings.shared_root_must_be_mount and root is not None and not _mounted(root):
        raise OSError(f"nothing is mounted at {root}")


def _mounted(root: Path) -> bool:
    inside = [folder for folder in (root, *root.parents) if folder != Path(folder.anchor)]
    return any(os.path.ismount(folder) for folder in inside)
