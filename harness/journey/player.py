"""Plays a journey: fresh users, each with a browser's cookie jar; each request goes where it is told."""

from __future__ import annotations

import secrets
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3

from harness.client import TIMEOUT
from harness.errors import HarnessError
from harness.journey import client, places
from harness.journey.answer import Answer
from harness.journey.body import Sent, prepared
from harness.journey.cookies import Jar
from harness.journey.model import RANDOM, Journey, Request, filled

MAX_REDIRECTS = 10
USER_AGENT = "second-instance-harness"


@dataclass
class Performance:
    """One play of a journey: its users, the values known so far, and the answers.

    Args:
        http: the connections, which any number of performances may share.
        host: the Host header and the cookies' host, whichever instance is asked; None for the one asked.
        headers: sent with every request.
    """

    journey: Journey
    http: urllib3.PoolManager = field(default_factory=urllib3.PoolManager)
    host: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    answers: list[Answer] = field(default_factory=list)
    failure: str | None = None
    """Why it ended before its end."""
    _jars: dict[str, Jar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.values[RANDOM] = secrets.token_hex(6)
        self.values |= {name: filled(text, self.values) for name, text in self.journey.variables.items()}

    def jar(self, user: str) -> Jar:
        """The cookies of a user, who comes with an empty jar."""
        return self._jars.setdefault(user, Jar())

    def play(self, route: Callable[[int], str]) -> None:
        """Play the journey; it ends at the first answer that is not as it must be.

        Args:
            route: the address (``http://127.0.0.1:8000``) for the request of that number, asked just before
                it is sent; whoever restarts an instance between two requests does it there.
        """
        if self.journey.story is not None:
            try:
                self.journey.story(client.Client(self, lambda: route(len(self.answers))))
            except HarnessError:
                raise  # from the route: not the story's affair
            except Exception as error:  # whatever the author's code raises: that is how the story ends
                self.failure = _told(error, self.journey)
            return
        for number, request in enumerate(self.journey.requests):
            answer = self.send(request, route(number))
            if not answer.ok:
                self.failure = f"{request}: {answer.error or '; '.join(answer.failures)}"
                return

    def lose(self, names: Iterable[str]) -> None:
        """Let every user lose the cookies of these names."""
        for jar in self._jars.values():
            jar.lose(names)

    def send(self, request: Request, base: str) -> Answer:
        """Send one request to ``base``; what the network does is in the answer, never raised."""
        sent = prepared(request, self.values)
        sent.headers.update({"User-Agent": USER_AGENT, **self.headers, **sent.headers})
        answer = Answer(request, f"{sent.method} {sent.path}", base)
        start = time.perf_counter()
        try:
            answer = self._exchange(answer, sent)
        except (urllib3.exceptions.HTTPError, OSError) as error:
            answer = replace(answer, error=f"{type(error).__name__}: {error}")
        else:
            answer = self._judged(answer)
        answer = replace(answer, seconds=time.perf_counter() - start)
        self.answers.append(answer)
        return answer

    def _exchange(self, answer: Answer, sent: Sent) -> Answer:
        """Send it; where the request asks for it, follow the redirects that stay on the site."""
        jar = self.jar(answer.request.user)
        scheme, own = urlsplit(answer.base)[:2]
        host = self.host or own
        hops: list[str] = []
        while True:
            url = f"{scheme}://{host}{sent.path}"
            got = self.http.request(
                sent.method,
                answer.base + sent.path,
                body=sent.body,
                headers={**sent.headers, **jar.header(url), "Host": host},
                redirect=False,
                retries=False,
                timeout=TIMEOUT,
            )
            refused = jar.keep(url, got.headers.getlist("Set-Cookie"))
            location = got.get_redirect_location() if answer.request.redirects else None
            to = urlsplit(urljoin(url, location or ""))
            if not location or to.netloc not in (own, host) or len(hops) == MAX_REDIRECTS:
                break
            sent = sent.redirected(got.status, to._replace(scheme="", netloc="", fragment="").geturl())
            hops.append(f"{got.status} {sent.path}")
        return replace(
            answer,
            status=got.status,
            headers=tuple(got.headers.iteritems()),
            body=got.data,
            cookies=jar.values,
            cookies_refused=refused,
            hops=tuple(hops),
        )

    def _judged(self, answer: Answer) -> Answer:
        """The answer with what its request captures, and with what does not hold."""
        captured, failures = {}, []
        for capture in answer.request.captures:
            try:
                captured[capture.name] = places.value(answer, capture.place)
            except places.NotThere as missing:
                failures.append(f"capture {capture.name}: {missing}")
        self.values |= captured
        for assertion in answer.request.assertions:
            asked = replace(assertion, value=filled(assertion.value, self.values))
            if found := places.broken(answer, asked):
                failures.append(found)
        return replace(answer, captured=captured, failures=tuple(failures))


def play(journey: Journey, route: Callable[[int], str], **how: Any) -> Performance:
    """Play a journey once, by fresh users; ``how``: further fields of ``Performance``."""
    performance = Performance(journey, **how)
    performance.play(route)
    return performance


def _told(error: Exception, journey: Journey) -> str:
    """The error, and the line of the journey that it came from."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if journey.source is not None and Path(frame.filename) == journey.source
    ]
    place = f"{journey.source}:{lines[-1]}: " if lines else ""
    return f"{place}{type(error).__name__}: {error}".rstrip(": ")
