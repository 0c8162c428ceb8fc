"""A user: one browser's cookie jar, requests that go through the balancer or to a chosen worker."""

from __future__ import annotations

import http.cookiejar
import http.cookies
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any
from urllib.request import Request

import requests
from requests.cookies import RequestsCookieJar

from harness.observe import Observation

COOKIE_LIMIT = 4096
"""Bytes of a cookie's name, value and attributes that browsers keep (RFC 6265 section 6.1)."""

TIMEOUT = 120.0
PIN_HEADER = "X-Harness-Pin"


class BrowserPolicy(http.cookiejar.DefaultCookiePolicy):
    """The rules by which a browser refuses a cookie, where Python's own are laxer.

    Too large (RFC 6265 section 6.1), and names that begin with ``__Secure-`` or ``__Host-`` without
    what they promise (RFC 6265bis section 4.1.3). Secure cookies over http are kept back by Python.
    """

    def __init__(self) -> None:
        super().__init__()
        self.refused: list[str] = []

    def set_ok(self, cookie: http.cookiejar.Cookie, request: Request) -> bool:
        accepted = super().set_ok(cookie, request) and not self._refuses(cookie)
        if not accepted:
            self.refused.append(cookie.name)
        return accepted

    @staticmethod
    def _refuses(cookie: http.cookiejar.Cookie) -> bool:
        if len(cookie.name.encode()) + len((cookie.value or "").encode()) > COOKIE_LIMIT:
            return True
        if cookie.name.startswith("__Secure-") and not cookie.secure:
            return True
        if cookie.name.startswith("__Host-"):
            return not cookie.secure or cookie.domain_specified or cookie.path != "/"
        return False


class User:
    """One person with one browser.

    Args:
        name: for the report.
        url: the balancer.
        route: asked for each request that names no target: an instance or instance/worker to pin it
            to, or None for the balancer's choice.
        record: called with every finished observation.
        only: pin every request to this one, whatever was asked.
    """

    def __init__(
        self,
        name: str,
        url: str,
        route: Callable[[], str | None],
        record: Callable[[Observation], None],
        only: str | None = None,
    ) -> None:
        self.name, self._only = name, only
        self._url, self._route, self._record = url, route, record
        self._policy = BrowserPolicy()
        self._http = requests.Session()
        self._http.trust_env = False  # a proxy or .netrc of this machine is no part of the journey
        self._http.cookies = RequestsCookieJar(policy=self._policy)
        self._jar: http.cookiejar.CookieJar = self._http.cookies

    def request(
        self, method: str, path: str, *, label: str, to: str | None = None, **sent: Any
    ) -> Observation:
        """Send one request; ``sent`` goes to ``requests``. Never raises for what the network does."""
        pinned = self._only or to or self._route()
        seen = Observation(uuid.uuid4().hex, self.name, label, method, path, pinned)
        headers = {"X-Request-Id": seen.request_id, **({PIN_HEADER: pinned} if pinned else {})}
        seen.cookies_sent = tuple(sorted(cookie.name for cookie in self._jar))
        self._policy.refused.clear()
        seen.started = time.time()
        start = time.perf_counter()
        try:
            answer = self._http.request(method, self._url + path, headers=headers, timeout=TIMEOUT, **sent)
        except requests.RequestException as error:
            seen.error = f"{type(error).__name__}: {error}"
        else:
            note(seen, answer)
        seen.seconds = time.perf_counter() - start
        seen.cookies_refused = tuple(self._policy.refused)
        self._record(seen)
        return seen

    def drop_cookies(self, names: Iterable[str] | None = None) -> None:
        """Lose the cookies of these names; all of them without names."""
        drop_cookies(self._jar, names)

    def close(self) -> None:
        self._http.close()


def drop_cookies(jar: http.cookiejar.CookieJar, names: Iterable[str] | None) -> None:
    """Take the cookies of these names out of a jar; all of them without names."""
    lost = None if names is None else set(names)
    for cookie in list(jar):
        if lost is None or cookie.name in lost:
            jar.clear(cookie.domain, cookie.path, cookie.name)


def note(seen: Observation, answer: requests.Response) -> None:
    """Write down what an answer showed."""
    seen.status = answer.status_code
    seen.instance, _, worker = answer.headers.get("X-Served-By", "").partition("/")
    seen.instance, seen.worker = seen.instance or None, worker or None
    seen.upstream = answer.headers.get("X-Upstream-Addr")
    seen.cookies_set = tuple(sorted(cookie.name for cookie in answer.cookies))
    seen.cookie_attributes = _attributes(answer)
    sent = http.cookies.SimpleCookie(answer.request.headers.get("Cookie", ""))
    seen.cookies_kept = tuple(name for name in seen.cookies_sent if name not in sent)
    seen.cookies_sent = tuple(sorted(sent))
    try:
        seen.reply = answer.json()
    except ValueError:
        seen.reply = answer.text[:2000]


def _attributes(answer: requests.Response) -> dict[str, str]:
    """What an answer says of each cookie that it sets, but for its value."""
    found = {}
    for line in answer.raw.headers.getlist("Set-Cookie"):
        pair, _, attributes = line.partition(";")
        found[pair.partition("=")[0].strip()] = attributes.strip()
    return found
