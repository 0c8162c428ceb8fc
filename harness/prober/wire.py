"""One request at a time to a live URL: never more than the budget, never faster than the rate."""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import mktime_tz, parsedate_tz
from importlib.metadata import version
from urllib.parse import urlsplit

import httpx

from harness.errors import HarnessError
from harness.journey.cookies import Jar
from harness.prober.features import cookies, features

TIMEOUT = 30.0
MAX_BODY = 2**20
"""Bytes of an answer's body that are looked at."""
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[\t !-~]*")
USER_AGENT = f"second-instance-probe/{version('second-instance')} (harness probe)"


class BudgetSpent(HarnessError):
    """No further request may be sent."""


@dataclass(frozen=True)
class Sample:
    """One answer.

    Attributes:
        protocol: ``HTTP/1.1`` or ``HTTP/2``.
        features: what the answer shows, by name; see ``features``.
        cookies: values of the cookies it sets, by name; ``attributes`` the rest of their lines.
        date: its Date header as unix time, whole seconds; None without one.
        sent, received: unix time here.
    """

    status: int
    protocol: str
    features: Mapping[str, str]
    cookies: Mapping[str, str]
    attributes: Mapping[str, str]
    date: float | None
    sent: float
    received: float


@dataclass
class Wire:
    """Sends GET requests to one URL.

    Args:
        requests: how many may be sent in all.
        rate: how many a second.
        verify: whether the server's certificate is checked.
        headers: sent with every request beside the User-Agent.

    Raises:
        HarnessError: the URL or a header is none.
    """

    url: str
    requests: int
    rate: float
    verify: bool = True
    headers: Mapping[str, str] = field(default_factory=dict)
    sent: int = 0
    _answered: bool = False
    _next: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise HarnessError(f"{self.url!r} is not a URL; write it whole: https://app.example/")
        for name, value in self.headers.items():
            if not HEADER_NAME.fullmatch(name) or not HEADER_VALUE.fullmatch(value):
                raise HarnessError(
                    f"--header {name!r}: is not of the form 'NAME: VALUE' (RFC 9110, 5.1, 5.5)"
                )
            if name.lower() in ("cookie", "user-agent"):
                raise HarnessError(f"--header {name}: the probe keeps its cookies itself, and says who it is")
        self.headers = {"User-Agent": USER_AGENT, **self.headers}
        self.site = f"{parts.scheme}://{parts.netloc}"
        self._tls = ssl.create_default_context()
        if not self.verify:
            self._tls.check_hostname = False
            self._tls.verify_mode = ssl.CERT_NONE

    @property
    def left(self) -> int:
        return self.requests - self.sent

    def turn(self) -> None:
        """Wait for the next request's turn, and count it. Raises BudgetSpent."""
        if self.left <= 0:
            raise BudgetSpent
        self.sent += 1
        time.sleep(max(0.0, self._next - time.monotonic()))
        self._next = max(self._next, time.monotonic()) + 1.0 / self.rate

    def connection(self, *, http2: bool = False) -> httpx.Client:
        """A new connection, opened with its first request; with HTTP/2 where asked for and spoken."""
        return httpx.Client(
            http2=http2, verify=self._tls, trust_env=False, timeout=TIMEOUT,
            headers=self.headers, limits=httpx.Limits(max_connections=1),
        )  # fmt: skip

    def get(self, over: httpx.Client | None = None, jar: Jar | None = None) -> Sample:
        """One GET, on a new connection where none is given, with a jar's cookies where one is given.

        Without an answer, the sample's status is 0 and it shows nothing.

        Raises:
            BudgetSpent: no request is left. HarnessError: there never was an answer.
        """
        self.turn()
        connection = over or self.connection()
        sent = time.time()
        connection.cookies.clear()  # the jar is the caller's
        try:
            cookies = jar.header(self.url) if jar else {}
            with connection.stream("GET", self.url, headers=cookies) as answer:
                body = _start(answer)
        except httpx.HTTPError as error:
            if self._answered:
                return Sample(0, "", {}, {}, {}, None, sent, time.time())
            raise HarnessError(
                f"{self.url}: no answer: {error or type(error).__name__}{_hint(error)}"
            ) from error
        finally:
            if over is None:
                connection.close()
        if jar is not None:
            jar.keep(self.url, answer.headers.get_list("set-cookie"))
        self._answered = True
        return _sample(answer, body, sent)


def _start(answer: httpx.Response) -> bytes:
    """The body, or of one that is long or does not end its start."""
    read, end = b"", time.monotonic() + TIMEOUT
    for chunk in answer.iter_bytes():
        read += chunk
        if len(read) > MAX_BODY or time.monotonic() > end:
            break
    return read[:MAX_BODY]


def _sample(answer: httpx.Response, body: bytes, sent: float) -> Sample:
    headers = answer.headers.multi_items()
    return Sample(
        status=answer.status_code,
        protocol=answer.http_version,
        features=features(answer.status_code, headers, body),
        cookies={name: value for name, value, _ in cookies(headers)},
        attributes={name: attributes for name, _, attributes in cookies(headers)},
        date=date_of(answer.headers.get("date")),
        sent=sent,
        received=time.time(),
    )


def date_of(header: str | None) -> float | None:
    """Unix time of a Date header; None where it is missing or no date."""
    parsed = None if header is None else parsedate_tz(header)
    try:
        return None if parsed is None else float(mktime_tz(parsed))
    except (ValueError, OverflowError):
        return None


def _hint(error: httpx.HTTPError) -> str:
    return "; --insecure does not check the certificate" if "CERTIFICATE_VERIFY_FAILED" in str(error) else ""
