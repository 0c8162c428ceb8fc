"""What a journey that is written in Python sends its requests with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from harness.journey.answer import Answer
from harness.journey.model import RANDOM, Request, Upload

if TYPE_CHECKING:
    from harness.journey.player import Performance


class Client:
    """One user's browser.

    Args:
        route: the address for the next request, asked once for each.
    """

    def __init__(self, performance: Performance, route: Callable[[], str], user: str = "user") -> None:
        self._performance, self._route, self._user = performance, route, user

    @property
    def random(self) -> str:
        """Twelve hexadecimal digits, others in each play: for names that must be new."""
        return str(self._performance.values[RANDOM])

    def user(self, name: str) -> Client:
        """Another person, with a browser of their own."""
        return Client(self._performance, self._route, name)

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        files: Mapping[str, tuple[str, bytes | str]] | None = None,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
        redirects: bool = True,
        label: str = "",
    ) -> Answer:
        """Send one request; ``files`` maps a form's field to a file's name and content."""
        uploads = [
            Upload(name, file, content.encode() if isinstance(content, str) else content)
            for name, (file, content) in (files or {}).items()
        ]
        request = Request(
            method, path, self._user, label, headers or {}, json, tuple((form or {}).items()),
            tuple(uploads), body, redirects=redirects,
        )  # fmt: skip
        answer = self._performance.send(request, self._route())
        if answer.error:
            raise ConnectionError(f"{answer.sent}: {answer.error}")
        return answer

    def get(self, path: str, **sent: Any) -> Answer:
        return self.request("GET", path, **sent)

    def post(self, path: str, **sent: Any) -> Answer:
        return self.request("POST", path, **sent)

    def put(self, path: str, **sent: Any) -> Answer:
        return self.request("PUT", path, **sent)

    def delete(self, path: str, **sent: Any) -> Answer:
        return self.request("DELETE", path, **sent)
