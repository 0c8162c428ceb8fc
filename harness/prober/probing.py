"""A probe from its first request to its last: what is asked, in order, within the budget.

alone      no cookie, a new connection each   how many backends, spread, drift, clocks, errors
connected  no cookie, one connection          does the connection pin?
jar        all cookies, a new connection each do cookies pin?  which, one by one, if they do
dropped    the jar is lost                    does the pin go with it?
HTTP/2     over https                         is it spoken, does its connection pin?
idle       the jar, after a pause             where asked for
journey    as a browser, then losing the pin  where given
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from harness.errors import HarnessError
from harness.journey import Journey
from harness.journey.cookies import Jar
from harness.prober import drift, pins, spread, state
from harness.prober.backends import Backends, tell_apart
from harness.prober.confidence import Statement
from harness.prober.wire import BudgetSpent, Sample, Wire

LEAST = 20
"""Requests below which nothing can be said."""
ALONE, SHARED, PLAYS = 0.4, 0.1, 3
"""Shares of the budget for the first part and for each later one; plays of each kind of journey."""


@dataclass
class Probe:
    """One probe of a URL, and what it has found so far.

    Args:
        journey: played where it is given; its requests count.
        idle: seconds of a pause; 0 for none.
        tell: called with what is being done.
    """

    wire: Wire
    journey: Journey | None = None
    idle: float = 0.0
    tell: Callable[[str], None] = lambda _: None
    statements: list[Statement] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    """What was not asked, and why."""
    _pinning: list[str] = field(default_factory=list)

    def run(self) -> list[Statement]:
        """Ask everything. Raises HarnessError where the URL does not answer."""
        if self.wire.requests < LEAST:
            raise HarnessError(
                f"--requests {self.wire.requests}: at least {LEAST} are needed to say anything"
            )
        self.tell("without cookies, a new connection each")
        asked = [self.wire.get() for _ in range(int(self.wire.requests * ALONE))]
        alone = [sample for sample in asked if sample.status]
        backends = tell_apart(alone)
        self._say(
            spread.count(alone, backends), spread.spread(alone, backends), spread.failing(asked, backends)
        )
        self._say(*drift.differences(alone, backends), drift.clocks(alone, backends))
        if all(300 <= sample.status < 400 for sample in alone):
            to = alone[0].features.get("header location", "")
            self.left_out.append(
                f"what is behind the redirect to {to}: give the URL of a page that answers itself"
            )
        later: list[tuple[str, Callable[[Backends], None]]] = [
            ("the connection", self._connected),
            ("cookies", self._cookies),
            ("HTTP/2", self._http2),
        ]
        if self.idle:
            later.append((f"{self.idle:g} s without a request", self._idled))
        if self.journey is not None:
            later.append(("the journey", self._journey))
        for name, ask in later:
            self.tell(name)
            try:
                ask(backends)
            except BudgetSpent:
                self.left_out.append(f"{name}: the budget of {self.wire.requests} requests was spent")
        return self.statements

    def _say(self, *found: Statement | None) -> None:
        self.statements += [statement for statement in found if statement is not None]

    @property
    def _share(self) -> int:
        return max(4, int(self.wire.requests * SHARED))

    def _connected(self, backends: Backends) -> None:
        with self.wire.connection() as connection:
            samples = [self.wire.get(connection) for _ in range(self._share)]
        self._say(pins.keeps("connection", "a kept connection without cookies", samples, backends))

    def _cookies(self, backends: Backends) -> None:
        """All cookies together; each alone if they pin; then none."""
        jar = Jar()
        first = self.wire.get(jar=jar)
        if not jar.values:
            self._say(
                Statement("cookies", "no cookie is set, so none pins", "1 request", data={"cookies": []})
            )
            return
        samples = [first, *(self.wire.get(jar=jar) for _ in range(self._share))]
        found = pins.keeps(
            "cookies",
            f"a user with cookies ({', '.join(jar.values)}), on new connections,",
            samples,
            backends,
        )
        self._say(found)
        if not found.data["pins"]:
            return
        for name in first.attributes if len(jar.values) > 1 else ():
            alone = self._with_only(name, first)
            one = pins.keeps("cookies", f"a user with only the cookie {name}", [first, *alone], backends)
            self._say(one)
            self._pinning += [name] if one.data["pins"] else []
        self._pinning = self._pinning or list(jar.values)
        for name in self._pinning:
            self._say(Statement("cookies", pins.lasts(name, first.attributes.get(name, "")), "as it was set"))
        dropped = [self.wire.get() for _ in range(self._share // 2)]
        self._say(pins.keeps("cookies", "a user who drops the cookies", [first, *dropped], backends))

    def _with_only(self, name: str, first: Sample) -> list[Sample]:
        samples = []
        for _ in range(self._share // 2):
            jar = Jar()
            jar.keep(self.wire.url, [f"{name}={first.cookies[name]}; {first.attributes[name]}"])
            samples.append(self.wire.get(jar=jar))
        return samples

    def _http2(self, backends: Backends) -> None:
        if not self.wire.site.startswith("https"):
            self.left_out.append("HTTP/2: browsers speak it over https only")
            return
        with self.wire.connection(http2=True) as connection:
            first = self.wire.get(connection)
            if first.protocol != "HTTP/2":
                self._say(Statement("http2", f"offered HTTP/2, it answers {first.protocol}", "1 request"))
                return
            samples = [first, *(self.wire.get(connection) for _ in range(self._share))]
        self._say(pins.keeps("http2", "an HTTP/2 connection without cookies", samples, backends))

    def _idled(self, backends: Backends) -> None:
        jar = Jar()
        samples: Sequence[Sample] = [self.wire.get(jar=jar)]
        time.sleep(self.idle)
        self._say(pins.after_idle(self.idle, [*samples, self.wire.get(jar=jar)], backends))

    def _journey(self, backends: Backends) -> None:
        assert self.journey is not None
        lost = ", ".join(self._pinning) or "the connection"
        kinds: list[tuple[str, list[str] | None]] = [
            ("for a user who keeps cookies and connection", None),
            (f"for a user who loses {lost} between requests", self._pinning),
        ]
        for what, loses in kinds:
            plays: list[state.Played] = []
            with contextlib.suppress(BudgetSpent):
                for _ in range(PLAYS):
                    plays.append(state.played(self.wire, self.journey, backends, loses))
            if not plays:
                raise BudgetSpent
            self._say(state.keeps_state(what, plays))
