"""A browser's cookies for requests that are sent without a browser."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterable, Mapping
from email.message import Message
from http.cookiejar import CookieJar

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

    def keep(self, url: str, lines: Iterable[str]) -> tuple[str, ...]:
        """Keep the cookies of an answer from that URL, by its Set-Cookie lines; names of those refused."""
        self._policy.refused.clear()
        answer = Message()
        for line in lines:
            answer["Set-Cookie"] = line
        self._jar.extract_cookies(_Answer(answer), _request(url))  # type: ignore[arg-type]
        return tuple(self._policy.refused)

    def lose(self, names: Iterable[str]) -> None:
        """Lose the cookies of these names."""
        lost = set(names)
        for cookie in list(self._jar):
            if cookie.name in lost:
                self._jar.clear(cookie.domain, cookie.path, cookie.name)

    @property
    def values(self) -> Mapping[str, str]:
        """Values by name."""
        return {cookie.name: cookie.value or "" for cookie in self._jar}


class _Answer:
    """What http.cookiejar looks at of an answer."""

    def __init__(self, headers: Message) -> None:
        self._headers = headers

    def info(self) -> Message:
        return self._headers


def _request(url: str) -> urllib.request.Request:
    """What http.cookiejar asks about."""
    return urllib.request.Request(url)  # noqa: S310 (nothing is opened)
