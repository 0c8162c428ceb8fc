"""Uploads in a bucket: the S3 option, for any S3 endpoint.

Data is kept compressed, for what travels is what a chat on another instance waits for (docs/performance.md).
The flag object is put with a condition, so that of two uploads at once one wins and the other is told
(S3 conditional writes: If-None-Match and If-Match on PutObject). Endpoint, credentials and region come
from the AWS_* variables, or from the instance's role (obstore's ``S3Config``).
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import BinaryIO, NamedTuple

import pyarrow as pa
from obstore.exceptions import AlreadyExistsError, BaseError, NotModifiedError, PreconditionError
from obstore.store import S3Store

from reference_app.errors import StorageConflict, StoreDown
from reference_app.evidence import storage_event
from reference_app.settings import Settings
from reference_app.storage.base import (
    FLAG_NAME,
    PART,
    Copy,
    Flag,
    checked,
    generation_named,
    read_published,
    superseded,
)

AT_ONCE = 2
"""Parts of an upload under way at the same time, each of S3's least size, 5 MiB."""

CODEC = pa.Codec("zstd", compression_level=1)
"""At the fastest level: a table becomes a fifth, and what is compressed already costs next to nothing."""

NO_BUCKET = "NoSuchBucket"
"""S3's code in an answer 404: not the object is missing but all of them are (S3 API, error codes)."""


MOST_SEEN = 1000
"""Flags that a worker remembers, a kilobyte each."""


def open_storage(settings: Settings) -> S3Storage:
    """The bucket S3_BUCKET."""
    assert settings.s3_bucket is not None  # settings demand it for this strategy
    try:
        store = S3Store(
            settings.s3_bucket,
            client_options={
                "allow_http": True,  # where the endpoint says http
                "connect_timeout": timedelta(seconds=2),
                "read_timeout": timedelta(seconds=10),
            },
            retry_config={"max_retries": 1, "retry_timeout": timedelta(seconds=20)},
        )
    except BaseError as error:
        raise StoreDown("storage (s3)", _gist(error)) from error
    return S3Storage(store, settings.s3_bucket)


class _Seen(NamedTuple):
    """A flag object as this worker saw it last."""

    etag: str | None
    content: bytes


class S3Storage:
    """A storage in one bucket, keys under ``sessions/<session id>/``."""

    name = "s3"

    def __init__(self, store: S3Store, bucket: str) -> None:
        self._store, self._bucket = store, bucket
        self._seen: dict[str, _Seen] = {}

    def check(self) -> None:
        with self._down():
            next(self._store.list("check/", chunk_size=1), None)

    def publish(
        self, session_id: str, flag: Flag, data: BinaryIO, original: BinaryIO | None = None
    ) -> list[Copy]:
        home = self._home(session_id)
        etag, previous = self._current(session_id)
        if original is not None:
            self._put(_key(home, flag.generation, flag.filename), original)
        self._put(_key(home, flag.generation, flag.standard_name), data)
        try:
            self._put_flag(f"{home}{FLAG_NAME}", flag, etag)
        except StorageConflict:
            # a retry of a put whose answer was lost conflicts with itself
            if generation_named(lambda: self.flag(session_id)) != flag.generation:
                self._remove(home, lambda generation, _: generation == flag.generation)
                raise
        self._remove(
            home, lambda generation, modified: superseded(generation, modified, flag.generation, previous)
        )
        return []

    def flag(self, session_id: str) -> Flag | None:
        seen = self._look(session_id)
        return None if seen is None else Flag.from_bytes(seen.content)

    def where(self, session_id: str) -> str:
        return self._url(f"{self._home(session_id)}{FLAG_NAME}")

    def read(self, session_id: str) -> tuple[Flag, BinaryIO] | None:
        home = self._home(session_id)

        def get(flag: Flag) -> BinaryIO | None:
            packed = self._get(_key(home, flag.generation, flag.standard_name))
            return packed and _unpacked(packed)

        return read_published(lambda: self.flag(session_id), get)

    def clear_flag(self, session_id: str) -> None:
        key = f"{self._home(session_id)}{FLAG_NAME}"
        with self._down(), storage_event("delete", self._url(key)):
            self._store.delete(key)

    def _home(self, session_id: str) -> str:
        return f"sessions/{checked(session_id)}/"

    def _url(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"

    def _current(self, session_id: str) -> tuple[str | None, str | None]:
        """ETag of the flag that is to be replaced, and the generation that it names."""
        if (seen := self._look(session_id)) is None:
            return None, None
        return seen.etag, generation_named(lambda: Flag.from_bytes(seen.content))

    def _look(self, session_id: str) -> _Seen | None:
        """The flag as it is now; sent only if it is another than the one seen last (If-None-Match)."""
        key = f"{self._home(session_id)}{FLAG_NAME}"
        last = self._seen.pop(session_id, None)
        with self._down(), storage_event("stat", self._url(key)) as event:
            try:
                answer = self._store.get(key, options={"if_none_match": last.etag} if last else None)
                seen = _Seen(answer.meta["e_tag"], answer.bytes().to_bytes())
                event |= {"found": True, "bytes": len(seen.content)}
            except NotModifiedError:
                assert last is not None  # only then is it asked for
                seen = last
                event |= {"found": True, "bytes": 0}
            except FileNotFoundError as error:
                if NO_BUCKET in str(error):
                    raise
                event["found"] = False
                return None
        self._seen[session_id] = seen
        if len(self._seen) > MOST_SEEN:
            self._seen.pop(next(iter(self._seen)))
        return seen

    def _put(self, key: str, data: BinaryIO) -> None:
        """In parts (S3 multipart upload) where it is longer than one."""
        with (
            self._down(),
            storage_event("write", self._url(key)) as event,
            tempfile.SpooledTemporaryFile(PART) as packed,
        ):
            data.seek(0)
            while part := data.read(PART):  # a frame for each: RFC 8878 section 3.1
                packed.write(CODEC.compress(part, asbytes=True))
            size = packed.tell()
            packed.seek(0)
            self._store.put(key, packed, max_concurrency=AT_ONCE)
            event |= {"found": True, "bytes": size}

    def _put_flag(self, key: str, flag: Flag, etag: str | None) -> None:
        """In place of the flag with that ETag, or of none."""
        content = flag.to_bytes()
        with self._down(), storage_event("write", self._url(key)) as event:
            try:
                self._store.put(key, content, mode={"e_tag": etag} if etag else "create", use_multipart=False)
            except (AlreadyExistsError, PreconditionError, FileNotFoundError) as error:
                if NO_BUCKET in str(error):
                    raise
                raise StorageConflict("another upload of this session was published first") from error
            event |= {"found": True, "bytes": len(content)}

    def _get(self, key: str) -> BinaryIO | None:
        with self._down(), storage_event("read", self._url(key)) as event:
            try:
                content = io.BytesIO()
                content.writelines(self._store.get(key).stream(min_chunk_size=PART))
            except FileNotFoundError as error:
                if NO_BUCKET in str(error):
                    raise
                event["found"] = False
                return None
            event |= {"found": True, "bytes": content.tell()}
            content.seek(0)
            return content

    def _remove(self, home: str, unwanted: Callable[[str, float], bool]) -> None:
        """Best effort: what stays is never read, for no flag names it."""
        with contextlib.suppress(BaseError, OSError):
            with storage_event("list", self._url(home)):
                entries = self._store.list(home).collect()
            for entry in entries:
                generation, slash, _ = entry["path"].removeprefix(home).partition("/")
                if slash and unwanted(generation, entry["last_modified"].timestamp()):
                    with storage_event("delete", self._url(entry["path"])):
                        self._store.delete(entry["path"])

    @contextlib.contextmanager
    def _down(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            raise StoreDown(f"storage (s3, bucket {self._bucket})", _gist(error)) from error


def _key(home: str, generation: str, name: str) -> str:
    return f"{home}{generation}/{name}.zst"


def _unpacked(packed: BinaryIO) -> BinaryIO:
    """The data; of what is no such file as much as there is, which the flag will not verify."""
    data = io.BytesIO()
    with contextlib.suppress(OSError), pa.CompressedInputStream(packed, CODEC.name) as unpacked:
        while part := unpacked.read(PART):
            data.write(part)
    return data


def _gist(error: Exception) -> str:
    """What was asked, and the answer's status; its body and the library's own view of it left out."""
    return str(error).partition("\n")[0].partition(": <?xml")[0]
