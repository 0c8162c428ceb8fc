"""One request as seen from outside, and what the app reported about it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Access:
    """What a request did to something that a user keeps, for the guarantees (``harness.checks``).

    Attributes:
        user: whose session it was; a browser that lost all its cookies is somebody else.
        kind: ``write`` or ``read``.
        thing: what was written or read, e.g. ``the data of user``.
        version: what was sent, or what the answer shows; None where it shows nothing of anybody.
        verb: what the user did, for people: ``uploaded``.
    """

    user: str
    kind: str
    thing: str
    version: str | None
    verb: str = "wrote"


@dataclass
class Observation:
    """One request of a journey.

    Attributes:
        request_id: sent as X-Request-Id; ties the observation to its evidence.
        user: who sent it.
        label: what it was, in words, e.g. ``upload rows.csv``.
        pinned: the instance or instance/worker it was sent to; None through the balancer.
        instance, worker: who served it, from X-Served-By; None if nobody said.
        upstream: the address the balancer chose, from X-Upstream-Addr.
        status: HTTP status; None if there was no answer.
        reply: the JSON answer, or the start of the text.
        cookies_sent, cookies_set: names only.
        cookies_kept: names of cookies in the jar that were not sent, for their path, domain or Secure.
        cookie_attributes: attributes of the cookies set, by name: ``Path=/; HttpOnly``.
        started, seconds: unix time, duration.
        evidence: the app's own record of the request.
        access: what it wrote or read, where the words of the scenario say so.
    """

    request_id: str
    user: str
    label: str
    method: str
    path: str
    pinned: str | None
    instance: str | None = None
    worker: str | None = None
    upstream: str | None = None
    status: int | None = None
    reply: Any = None
    error: str | None = None
    cookies_sent: tuple[str, ...] = ()
    cookies_set: tuple[str, ...] = ()
    cookies_refused: tuple[str, ...] = ()
    cookies_kept: tuple[str, ...] = ()
    cookie_attributes: Mapping[str, str] = field(default_factory=dict)
    started: float = 0.0
    seconds: float = 0.0
    evidence: Mapping[str, Any] = field(default_factory=dict)
    access: Access | None = None

    def value(self, key: str) -> Any:
        """A key of a JSON object reply; None where there is none."""
        return self.reply.get(key) if isinstance(self.reply, dict) else None

    @property
    def text(self) -> str:
        """What the user reads."""
        if isinstance(self.reply, dict):
            return str(self.reply.get("response") or self.reply.get("message") or "")
        return str(self.reply or "")

    @property
    def served_by(self) -> str:
        """Instance and worker for people: ``A/1``, or ``nobody``."""
        return f"{self.instance}/{self.worker}" if self.instance else "nobody"


class EvidenceLog:
    """Reads the JSON lines that instances append, each line once.

    Args:
        paths: the logs.
        names: prefixes of locations and what they are for people, e.g. ``A:/`` for A's root folder;
            applied to each line, so that no record names a temporary folder.
    """

    def __init__(self, paths: Iterable[Path], names: Mapping[str, str]) -> None:
        self._offsets = dict.fromkeys(paths, 0)
        self._names = names
        self._records: dict[str, Mapping[str, Any]] = {}

    def read(self) -> Mapping[str, Mapping[str, Any]]:
        """All records so far, by request id. A line that is not a record is passed over.

        Of a request that was carried out more than once the last record counts, with ``runs``: how often.
        """
        for path, offset in self._offsets.items():
            try:
                with path.open("rb") as log:
                    log.seek(offset)
                    chunk = log.read()
            except FileNotFoundError:
                continue
            whole = chunk[: chunk.rfind(b"\n") + 1]
            self._offsets[path] = offset + len(whole)
            for line in whole.splitlines():
                self._keep(line)
        return self._records

    def _keep(self, line: bytes) -> None:
        try:
            text = line.decode()
            for prefix, name in self._names.items():
                text = text.replace(prefix, name)
            record = json.loads(text)
        except ValueError:
            return
        if isinstance(record, dict) and isinstance(record.get("request_id"), str):
            name = record["request_id"]
            if (earlier := self._records.get(name)) is not None:  # two instances, or one twice, took it
                record["runs"] = earlier.get("runs", 1) + 1
            self._records[name] = record
