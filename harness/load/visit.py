"""A visit under load: what the run of a scenario is to its story, on Locust's own client.

Nothing here imports Locust, so that a journey can be imported, read and tested without it.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from requests.cookies import RequestsCookieJar

from harness.client import PIN_HEADER, TIMEOUT, BrowserPolicy, drop_cookies, note
from harness.load import WRONG
from harness.observe import Observation

NAP = 0.1
"""Seconds after which somebody who thinks looks whether time is up."""


class VisitEnded(Exception):
    """Something did not hold that the rest of the visit rests on: the person leaves."""


class TimeUp(Exception):
    """No request begins any more."""


@dataclass(frozen=True)
class Terms:
    """What a journey is told about the load.

    Attributes:
        megabytes: how much a person uploads; 0 for as little as the journey can do with.
        think: seconds that people think between two requests, on average.
        dropping: share of the visits that lose the balancer's cookies before each question.
        balancer_cookies: the cookies that carry the balancer's affinity.
    """

    megabytes: int = 0
    think: float = 0.2
    dropping: float = 0.2
    balancer_cookies: tuple[str, ...] = ()


class Visit:
    """One visit: people, requests, judgements. See ``harness.scenario.Stage``.

    Args:
        terms: what the journey is told.
        open_browser: a new ``locust.clients.HttpSession``.
        over: whether time is up.

    Attributes:
        id: of this visit alone.
    """

    def __init__(self, terms: Terms, open_browser: Callable[[], Any], over: Callable[[], bool]) -> None:
        self.id = uuid.uuid4().hex
        self.terms = terms
        self._open_browser, self._over = open_browser, over
        self._people: list[Visitor] = []
        self._pending: Any = None

    def user(self, name: str = "user") -> Visitor:
        """A new person with an empty browser."""
        person = Visitor(name, self, self._open_browser())
        self._people.append(person)
        return person

    def must(self, sentence: str, holds: bool, seen: Observation | None = None, found: str = "") -> None:
        """End the visit where something does not hold, and count its last answer as a failure.

        Raises:
            VisitEnded: it does not.
        """
        if holds:
            return
        if seen is not None and seen.status is not None and seen.status < 400:
            self._pending.failure(WRONG + sentence)
        raise VisitEnded(sentence)

    def answered(self, seen: Observation, wrong: str | None) -> None:
        """Judge the last answer: None where it is right, else the name of what is wrong with it.

        An answer that is an error already stays that one.
        """
        self._pending.request_meta["context"]["judged"] = True
        if wrong is not None and seen.status is not None and seen.status < 400:
            self._pending.failure(WRONG + wrong)

    def chance(self, share: float) -> bool:
        """True in that share of the cases."""
        return random.random() < share  # noqa: S311  nothing is kept secret by it

    def thinks(self) -> None:
        """Think for a while: from half to one and a half times the average.

        Raises:
            TimeUp: meanwhile time is up.
        """
        self.settle()
        end = time.monotonic() + self.terms.think * random.uniform(0.5, 1.5)  # noqa: S311
        while (left := end - time.monotonic()) > 0:
            self.go_on()
            time.sleep(min(left, NAP))

    def go_on(self) -> None:
        """Raises TimeUp once time is up."""
        if self._over():
            raise TimeUp

    def settle(self, answer: Any = None) -> None:
        """Have the last answer counted, and make ``answer`` the last."""
        if self._pending is not None:
            self._pending.__exit__(None, None, None)
        self._pending = answer

    def close(self) -> None:
        self.settle()
        for person in self._people:
            person.close()


class Visitor:
    """A person with a browser on Locust's client; the cookie rules are those of ``harness.client``."""

    def __init__(self, name: str, visit: Visit, http: Any) -> None:
        self.name, self._visit, self._http = name, visit, http
        self._http.cookies = RequestsCookieJar(policy=BrowserPolicy())

    def request(
        self, method: str, path: str, *, label: str, to: str | None = None, **sent: Any
    ) -> Observation:
        """Send one request; Locust counts it under ``label`` once it is judged, or the next one is sent.

        Raises:
            TimeUp: time is up.
        """
        self._visit.settle()
        self._visit.go_on()
        seen = Observation(uuid.uuid4().hex, self.name, label, method, path, to, started=time.time())
        context = {"visit": self._visit.id, "request_id": seen.request_id, "judged": False}
        headers = {"X-Request-Id": seen.request_id, **({PIN_HEADER: to} if to else {})}
        answer = self._http.request(
            method,
            path,
            name=label,
            catch_response=True,
            context=context,
            headers=headers,
            timeout=TIMEOUT,
            **sent,
        )
        answer.__enter__()
        self._visit.settle(answer)
        seen.seconds = answer.request_meta["response_time"] / 1000
        if answer.error is not None:
            seen.error = f"{type(answer.error).__name__}: {answer.error}"
        else:
            note(seen, answer)
        return seen

    def drop_cookies(self, names: Iterable[str] | None = None) -> None:
        """Lose the cookies of these names; all of them without names."""
        drop_cookies(self._http.cookies, names)

    def close(self) -> None:
        self._http.close()
