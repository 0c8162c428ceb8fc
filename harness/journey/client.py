"""What a journey that is written in Python sends its requests with."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from harness.client import TIMEOUT
from harness.errors import PartMissing
from harness.journey.answer import Answer
from harness.journey.model import RANDOM, Request, Upload

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

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

    @property
    def cookies(self) -> Mapping[str, str]:
        """The user's cookies, values by name."""
        return self._performance.jar(self._user).values

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

    @contextlib.contextmanager
    def websocket(self, path: str, **options: Any) -> Iterator[ClientConnection]:
        """A WebSocket with the user's cookies, open for the length of a block; it counts as one request.

        Args:
            options: of ``websockets.sync.client.connect``, e.g. ``subprotocols``.

        Raises:
            PartMissing: the package is not installed. ConnectionError: it was not accepted.
        """
        try:
            from websockets.exceptions import WebSocketException
            from websockets.sync.client import connect
        except ImportError as error:
            raise PartMissing("websockets", str(error), "pip install websockets") from error
        performance, base = self._performance, urlsplit(self._route())
        request = Request("GET", path, self._user, f"WebSocket {path}")
        answer = Answer(request, f"GET {path}", f"{base.scheme}://{base.netloc}")
        site = f"{base.scheme}://{performance.host or base.netloc}{path}"
        headers = performance.jar(self._user).header(site)
        with contextlib.ExitStack() as stack:
            try:
                port = base.port or (443 if base.scheme == "https" else 80)
                sock = stack.enter_context(socket.create_connection((base.hostname, port), timeout=TIMEOUT))
                url = site.replace("http", "ws", 1)
                opened = connect(url, sock=sock, additional_headers=headers, proxy=None, **options)
                connection = stack.enter_context(opened)
            except (OSError, WebSocketException) as error:
                performance.answers.append(replace(answer, error=f"{type(error).__name__}: {error}"))
                raise ConnectionError(f"{answer.sent}: {error}") from error
            performance.answers.append(replace(answer, status=101))
            yield connection
