"""A browser's cookies for requests that are sent without a browser."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from http.cookiejar import CookieJar

import urllib3

from harness.client import BrowserPolicy


class Jar:
    """One user's cookies, by the browser's rules."""

    def __init__(self) -> None:
        self._policy = BrowserPolicy()
        self._jar = CookieJar(self._policy)

    def header(self, url: str) -> dict[str, str]:
        """The Cookie header of a request; nothing where no cookie goes there."""
        request = _request(url)
        self._jar.add_cookie_header(request)
        return dict(request.unredirected_hdrs)

    def keep(self, url: str, answer: urllib3.BaseHTTPResponse) -> tuple[str, ...]:
        """Keep the cookies of an answer from that URL; the names of those that are refused."""
        self._policy.refused.clear()
        self._jar.extract_cookies(answer, _request(url))  # type: ignore[arg-type]
        return tuple(self._policy.refused)

    def clear(self) -> None:
        self._jar.clear()

    @property
    def values(self) -> Mapping[str, str]:
        """Values by name."""
        return {cookie.name: cookie.value or "" for cookie in self._jar}


def _request(url: str) -> urllib.request.Request:
    """What http.cookiejar asks about."""
    return urllib.request.Request(url)  # noqa: S310 (nothing is opened)
