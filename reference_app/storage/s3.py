"""Uploads in a bucket: the S3 option, for any S3 endpoint.

The flag object is put with a condition, so that of two uploads at once one wins and the other is told
(S3 conditional writes: If-None-Match and If-Match on PutObject). Endpoint, credentials and region come
from boto3's own environment variables.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from reference_app.errors import StorageConflict, StoreDown
from reference_app.evidence import storage_event
from reference_app.settings import Settings
from reference_app.storage.base import (
    FLAG_NAME,
    Copy,
    Flag,
    checked,
    generation_named,
    read_published,
    superseded,
)

MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
CONFLICT = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})


def open_storage(settings: Settings) -> S3Storage:
    """The bucket S3_BUCKET."""
    assert settings.s3_bucket is not None  # settings demand it for this strategy
    config = Config(
        connect_timeout=2,
        read_timeout=10,
        retries={"max_attempts": 2, "mode": "standard"},
        s3={"addressing_style": "path"},
    )
    try:
        client = boto3.client("s3", config=config)
    except (BotoCoreError, ValueError) as error:
        raise StoreDown("storage (s3)", error) from error
    return S3Storage(client, settings.s3_bucket)


class S3Storage:
    """A storage in one bucket, keys under ``sessions/<session id>/``."""

    name = "s3"

    def __init__(self, client: Any, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def check(self) -> None:
        with self._down():
            self._client.head_bucket(Bucket=self._bucket)

    def publish(self, session_id: str, flag: Flag, data: bytes) -> list[Copy]:
        home = self._home(session_id)
        previous = generation_named(lambda: self.flag(session_id))
        current = self._etag(f"{home}{FLAG_NAME}")
        for name in dict.fromkeys((flag.filename, flag.standard_name)):
            self._put(f"{home}{flag.generation}/{name}", data)
        condition = {"IfMatch": current} if current else {"IfNoneMatch": "*"}
        try:
            self._put(f"{home}{FLAG_NAME}", flag.to_bytes(), **condition)
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
        content = self._get("stat", f"{self._home(session_id)}{FLAG_NAME}")
        return None if content is None else Flag.from_bytes(content)

    def where(self, session_id: str) -> str:
        return self._url(f"{self._home(session_id)}{FLAG_NAME}")

    def read(self, session_id: str) -> tuple[Flag, bytes] | None:
        home = self._home(session_id)
        return read_published(
            lambda: self.flag(session_id),
            lambda flag: self._get("read", f"{home}{flag.generation}/{flag.standard_name}"),
        )

    def clear_flag(self, session_id: str) -> None:
        key = f"{self._home(session_id)}{FLAG_NAME}"
        with self._down(), storage_event("delete", self._url(key)):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def _home(self, session_id: str) -> str:
        return f"sessions/{checked(session_id)}/"

    def _url(self, key: str) -> str:
        return f"s3://{self._bucket}/{key}"

    def _put(self, key: str, data: bytes, **condition: str) -> None:
        with self._down(), storage_event("write", self._url(key)) as event:
            try:
                self._client.put_object(Bucket=self._bucket, Key=key, Body=data, **condition)
            except ClientError as error:
                if _code(error) in CONFLICT or (condition and _code(error) in MISSING):
                    raise StorageConflict("another upload of this session was published first") from error
                raise
            event |= {"found": True, "bytes": len(data)}

    def _get(self, operation: str, key: str) -> bytes | None:
        with self._down(), storage_event(operation, self._url(key)) as event:
            try:
                data: bytes = self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
            except ClientError as error:
                if _code(error) not in MISSING:
                    raise
                event["found"] = False
                return None
            event |= {"found": True, "bytes": len(data)}
            return data

    def _etag(self, key: str) -> str | None:
        with self._down():
            try:
                etag: str = self._client.head_object(Bucket=self._bucket, Key=key)["ETag"]
            except ClientError as error:
                if _code(error) not in MISSING:
                    raise
                return None
            return etag

    def _remove(self, home: str, unwanted: Callable[[str, float], bool]) -> None:
        """Best effort: what stays is never read, for no flag names it."""
        with contextlib.suppress(BotoCoreError, ClientError):
            listing = self._client.list_objects_v2(Bucket=self._bucket, Prefix=home)
            for entry in listing.get("Contents", []):
                generation, slash, _ = entry["Key"].removeprefix(home).partition("/")
                if slash and unwanted(generation, entry["LastModified"].timestamp()):
                    self._client.delete_object(Bucket=self._bucket, Key=entry["Key"])

    @contextlib.contextmanager
    def _down(self) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise StoreDown(f"storage (s3, bucket {self._bucket})", error) from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
