"""The disk of an instance of any app: a copy of the app's folder and a TMPDIR, as on a host of its own.

A/app/    the copy; the command runs here        B/app/
A/tmp/    TMPDIR                                  B/tmp/
          what is shared is a link:  A/app/uploads -> shared/app/uploads <- B/app/uploads
"""

from __future__ import annotations

import fnmatch
import os
import shutil
from collections import defaultdict
from collections.abc import Collection, Iterator
from pathlib import Path

from harness.anyapp import AnyApp
from harness.errors import HarnessError

SKIPPED = (".git", ".hg", "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".tox", "results")
"""What is not copied: no app needs it to run."""

LINKED = (".venv", "venv", "env", "node_modules")
"""Installed packages, which an app reads and does not write: a link will do."""

MAX_BYTES = 256 * 2**20
"""What a copy may hold."""

MAX_SOURCE = 2**20
"""A larger file is no source text."""


def make(app: AnyApp, root: Path, common: Path) -> None:
    """The disk of an instance in ``root``; what is shared lies in ``common``. One that is there stays.

    Raises:
        HarnessError: the app's folder is too large to copy.
    """
    if root.exists():
        return
    root.mkdir()
    (root / "tmp").mkdir()
    if app.copy:
        _copy(app, root / "app")
    for name in app.shared:
        _share(root / name, common / name, folder=name.endswith("/"))


def workplace(app: AnyApp, root: Path) -> Path:
    """The folder that the command runs in."""
    return root / "app" if app.copy else app.folder


def written(app: AnyApp, root: Path) -> tuple[str, ...]:
    """What an app has written on its own disk, in the form of ``AnyApp.shared``.

    A file beside the app's own is named; files in a folder are the folder's, or that of the topmost new
    one around them.
    """
    found: dict[Path, list[Path]] = defaultdict(list)
    for path in _files(root):
        relative = path.relative_to(root)
        home = Path("app") if relative.parts[0] == "app" else Path()
        if home == Path() or not _unchanged(path, app.folder / relative.relative_to(home)):
            found[home / relative.relative_to(home).parts[0]].append(relative)
    return tuple(_name(app, top, files) for top, files in sorted(found.items()))


def naming(app: AnyApp, name: str) -> tuple[str, ...]:
    """The name, where one of the app's own files has it."""
    left_out = {*SKIPPED, *LINKED}
    for path in _files(app.folder, left_out):
        if path.stat().st_size < MAX_SOURCE and name.encode() in path.read_bytes():
            return (name,)
    return ()


def _copy(app: AnyApp, target: Path) -> None:
    total = 0

    def ignore(folder: str, names: list[str]) -> set[str]:
        nonlocal total
        left_out = {name for name in names if name in (*SKIPPED, *LINKED) or _matches(app, folder, name)}
        for name in set(names) - left_out:
            path = Path(folder, name)
            total += path.lstat().st_size if path.is_file() else 0
        if total > MAX_BYTES:
            raise HarnessError(
                f"{app.source}: {app.folder} holds more than {MAX_BYTES >> 20} MiB, too much for a copy for "
                f"each instance: name what the app does not write in exclude = [...] of harness.toml, or "
                "set copy = false there"
            )
        return left_out

    shutil.copytree(app.folder, target, symlinks=True, ignore=ignore)
    for name in LINKED:
        if (app.folder / name).is_dir():
            (target / name).symlink_to(app.folder / name)


def _matches(app: AnyApp, folder: str, name: str) -> bool:
    relative = str(Path(folder, name).relative_to(app.folder))
    return any(
        fnmatch.fnmatch(relative, pattern) or fnmatch.fnmatch(name, pattern) for pattern in app.exclude
    )


def _share(own: Path, common: Path, folder: bool) -> None:
    """Put a link in place of a file or folder; what the app came with is there for all, too."""
    own, common = Path(str(own).rstrip("/")), Path(str(common).rstrip("/"))
    common.parent.mkdir(parents=True, exist_ok=True)
    own.parent.mkdir(parents=True, exist_ok=True)
    if own.exists():
        if common.exists():
            shutil.rmtree(own) if own.is_dir() else own.unlink()
        else:
            shutil.move(own, common)
    if folder:
        common.mkdir(exist_ok=True)
    own.symlink_to(common)


def _files(root: Path, left_out: Collection[str] = SKIPPED) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        names[:] = [name for name in names if name not in left_out]
        yield from (path for name in files if not (path := Path(folder, name)).is_symlink())


def _unchanged(path: Path, source: Path) -> bool:
    """Whether a file is as it was copied, which keeps its time (shutil.copy2)."""
    try:
        return path.stat().st_mtime_ns == source.stat().st_mtime_ns
    except OSError:
        return False


def _name(app: AnyApp, top: Path, files: list[Path]) -> str:
    if files == [top]:
        return str(top)
    around = Path(os.path.commonpath([file.parent for file in files]))
    if top.parts[0] != "app":
        return f"{top}/"
    while around != top and not (app.folder / around.relative_to("app")).exists():
        if (app.folder / around.parent.relative_to("app")).exists():
            break
        around = around.parent
    return f"{around}/"
