"""What every storage does, and the flag that publishes a data set.

    <root>/<session id>/.data_analysis_mode                     the flag: names the generation
    <root>/<session id>/<generation>/data_analysis.<suffix>     what is read: the upload, or its rows
    <root>/<session id>/<generation>/<file name>                the upload; if that is what is read, it is
                                                                a link in folders, not there in a bucket

Data first, flag last: replacing the flag replaces the whole data set, or nothing of it. An upload passes
through in parts; no storage has all of it in memory.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import BinaryIO, Protocol

from reference_app.errors import CorruptData

FLAG_NAME = ".data_analysis_mode"
FLAG_SIZE = 1024
"""Bytes of every flag. A network file system's client that remembers a file's size for a second reads
that many bytes of what another instance has put in its place; so all flags have one size."""

ABANDONED_AFTER = 600.0
"""Seconds after which no upload can still be at work on a generation that no flag names."""

PART = 1024 * 1024
"""Bytes of a file that are in memory at a time."""

SESSION_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Flag:
    """What the flag says: which generation is the session's data set, and how to know it again."""

    generation: str
    filename: str
    standard_name: str
    size: int
    sha256: str
    uploaded_at: float

    @classmethod
    def of(cls, filename: str, suffix: str, data: BinaryIO) -> Flag:
        """The flag for a new generation."""
        size, digest = _measured(data)
        return cls(uuid.uuid4().hex, filename, f"data_analysis{suffix}", size, digest, time.time())

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode().ljust(FLAG_SIZE)

    @classmethod
    def from_bytes(cls, text: bytes) -> Flag:
        """Read a flag back.

        Raises:
            CorruptData: it is not one.
        """
        try:
            flag = cls(**json.loads(text))
            checked(flag.generation)  # it becomes part of a path
        except (ValueError, TypeError) as error:
            raise CorruptData(f"the flag of this data set cannot be read: {error}") from error
        return flag

    def verify(self, data: BinaryIO) -> BinaryIO:
        """The data from its beginning, if it is what was uploaded; closed if it is not.

        Raises:
            CorruptData: it is not.
        """
        size, digest = _measured(data)
        if (size, digest) != (self.size, self.sha256):
            data.close()
            raise CorruptData(
                f"{self.filename}: {size} bytes are stored, {self.size} were uploaded, or others"
            )
        data.seek(0)
        return data


@dataclass(frozen=True)
class Copy:
    """What came of copying an upload to another place."""

    place: str
    ok: bool
    outcome: str


class Storage(Protocol):
    """Keeps one data set for each session. Every method raises StoreDown when it cannot."""

    name: str

    def check(self) -> None:
        """Whether it can be reached."""

    def publish(
        self, session_id: str, flag: Flag, data: BinaryIO, original: BinaryIO | None = None
    ) -> list[Copy]:
        """Replace the session's data set. Raises StorageConflict if another upload won.

        Args:
            data: what the flag describes.
            original: the file as uploaded, where that is another.

        Returns the copies made, where it has to travel; none where every instance sees it anyway.
        """

    def flag(self, session_id: str) -> Flag | None:
        """The session's flag."""

    def where(self, session_id: str) -> str:
        """Where the flag would be."""

    def read(self, session_id: str) -> tuple[Flag, BinaryIO] | None:
        """The session's data set, verified; the caller closes it. Raises CorruptData."""

    def clear_flag(self, session_id: str) -> None:
        """Take the flag away; what it named is replaced by the next upload."""


def parts(data: BinaryIO) -> Iterator[bytes]:
    """A file from its beginning, part by part."""
    data.seek(0)
    while part := data.read(PART):
        yield part


def _measured(data: BinaryIO) -> tuple[int, str]:
    """Size and SHA-256 of a file."""
    size, digest = 0, hashlib.sha256()
    for part in parts(data):
        size += len(part)
        digest.update(part)
    return size, digest.hexdigest()


def read_published(
    flag: Callable[[], Flag | None], get: Callable[[Flag], BinaryIO | None]
) -> tuple[Flag, BinaryIO] | None:
    """The data set that the flag names; asks again when a new upload has just replaced it.

    Raises:
        CorruptData: what is stored is not what was uploaded, or is gone although the flag names it.
    """
    last = None
    while (current := flag()) is not None:
        if (data := get(current)) is not None:
            return current, current.verify(data)
        if current.generation == last:
            raise CorruptData(f"{current.filename}: the flag is there, the data is not")
        last = current.generation
    return None


def generation_named(flag: Callable[[], Flag | None]) -> str | None:
    """The generation that the flag names; None where there is none, or an unreadable one."""
    try:
        current = flag()
    except CorruptData:
        return None
    return current.generation if current else None


def superseded(generation: str, modified: float, current: str, previous: str | None) -> bool:
    """Whether a generation can go: the one just replaced, or one that was abandoned.

    Any other may be an upload that another instance is about to publish.
    """
    return generation != current and (generation == previous or time.time() - modified > ABANDONED_AFTER)


def checked(session_id: str) -> str:
    """A session id that may be part of a path or key.

    Raises:
        ValueError: it is not 32 hex digits.
    """
    if not SESSION_ID.fullmatch(session_id):
        raise ValueError("not a session id of this app")
    return session_id
