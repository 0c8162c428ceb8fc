"""What came back for one request of a journey."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.journey.model import Request


@dataclass(frozen=True)
class Answer:
    """What came back for one request.

    Attributes:
        request: as declared; ``sent`` is its method and path with every name filled in.
        base: where it went: scheme, host and port.
        status: None where there was no answer; ``error`` says why.
        headers: in their order, a name as often as it came.
        cookies: the user's jar after it.
        hops: redirects that were followed, e.g. ``302 /login``.
        captured: values by name.
        failures: what must hold and does not, and captures that found nothing.
    """

    request: Request
    sent: str
    base: str
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    error: str = ""
    cookies: Mapping[str, str] = field(default_factory=dict)
    cookies_refused: tuple[str, ...] = ()
    hops: tuple[str, ...] = ()
    captured: Mapping[str, Any] = field(default_factory=dict)
    failures: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return not self.error and not self.failures

    @functools.cached_property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self) -> Any:
        """Raises ValueError where the body is not JSON."""
        return json.loads(self.body)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)
