"""Data sets in a tree of folders, for any file system."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from reference_app.errors import StoreDown
from reference_app.evidence import storage_event
from reference_app.storage.base import (
    FLAG_NAME,
    Copy,
    Flag,
    checked,
    generation_named,
    parts,
    read_published,
    superseded,
)


class FileTree:
    """A storage beneath one root folder. Asking never creates a folder.

    Args:
        guard: called before every access; raises OSError if the root is not what it should be.
    """

    def __init__(self, name: str, root: Path, guard: Callable[[], None] = lambda: None) -> None:
        self.name, self._root, self._guard = name, root, guard

    def check(self) -> None:
        with self._down():
            descriptor, path = tempfile.mkstemp(prefix=".check-", dir=self._root)
            os.close(descriptor)
            Path(path).unlink()

    def publish(
        self, session_id: str, flag: Flag, data: BinaryIO, original: BinaryIO | None = None
    ) -> list[Copy]:
        home = self._home(session_id)
        folder = home / flag.generation
        previous = generation_named(lambda: self.flag(session_id))
        with self._down():
            folder.mkdir(parents=True)
            try:
                self._write(folder / flag.filename, parts(original or data))
                if original is not None:
                    self._write(folder / flag.standard_name, parts(data))
                elif flag.filename != flag.standard_name:
                    self._link(folder / flag.filename, folder / flag.standard_name, flag.size)
                self._write(home / FLAG_NAME, [flag.to_bytes()])
            except BaseException:
                if generation_named(lambda: self.flag(session_id)) != flag.generation:
                    shutil.rmtree(folder, ignore_errors=True)
                raise
        with contextlib.suppress(OSError):  # published; what stays is never read
            for old in home.iterdir():
                if old.is_dir() and superseded(old.name, old.stat().st_mtime, flag.generation, previous):
                    shutil.rmtree(old, ignore_errors=True)
        return []

    def flag(self, session_id: str) -> Flag | None:
        with self._down():
            opened = self._open("stat", self._home(session_id) / FLAG_NAME)
            if opened is None:
                return None
            with opened:
                return Flag.from_bytes(opened.read())

    def where(self, session_id: str) -> str:
        return str(self._home(session_id) / FLAG_NAME)

    def read(self, session_id: str) -> tuple[Flag, BinaryIO] | None:
        home = self._home(session_id)
        with self._down():
            return read_published(
                lambda: self.flag(session_id),
                lambda flag: self._open("read", home / flag.generation / flag.standard_name),
            )

    def clear_flag(self, session_id: str) -> None:
        path = self._home(session_id) / FLAG_NAME
        with self._down(), storage_event("delete", str(path)):
            path.unlink(missing_ok=True)

    def _home(self, session_id: str) -> Path:
        return self._root / checked(session_id)

    def _write(self, path: Path, content: Iterable[bytes]) -> None:
        """Atomically: a temporary file beside it, flushed to the disk, then renamed (rename(2))."""
        with storage_event("write", str(path)) as event:
            descriptor, temporary = tempfile.mkstemp(prefix=".new-", dir=path.parent)
            try:
                with os.fdopen(descriptor, "wb") as out:
                    out.writelines(content)
                    out.flush()
                    os.fsync(out.fileno())
                    size = out.tell()
                Path(temporary).replace(path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
            event |= {"found": True, "bytes": size}

    def _link(self, path: Path, name: Path, size: int) -> None:
        """The same file under another name; a copy where the file system has no links (link(2))."""
        try:
            with storage_event("write", str(name)) as event:
                os.link(path, name)
                event |= {"found": True, "bytes": size}
        except OSError:
            with path.open("rb") as data:
                self._write(name, parts(data))

    def _open(self, operation: str, path: Path) -> BinaryIO | None:
        with storage_event(operation, str(path)) as event:
            try:
                opened = path.open("rb")
            except FileNotFoundError:
                event["found"] = False
                return None
            event |= {"found": True, "bytes": os.fstat(opened.fileno()).st_size}
            return opened

    @contextlib.contextmanager
    def _down(self) -> Iterator[None]:
        try:
            self._guard()
            yield
        except OSError as error:
            raise StoreDown(f"storage ({self.name})", error) from error
