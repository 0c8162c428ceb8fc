"""Whether a journey keeps its state when its requests meet different backends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import urllib3

from harness.journey import Answer, Journey, Performance
from harness.prober.backends import Backends
from harness.prober.confidence import Statement, without_a_miss
from harness.prober.features import features
from harness.prober.wire import Wire


@dataclass(frozen=True)
class Played:
    """A journey played once: who served each request, and the first that was not as it must be."""

    served: tuple[str, ...]
    failure: str | None

    @property
    def route(self) -> str:
        return " ".join(self.served)

    @property
    def crosses(self) -> bool:
        """Whether more than one backend was seen."""
        return len(set(self.served) - {"?"}) > 1


def played(wire: Wire, journey: Journey, backends: Backends, loses: Iterable[str] | None) -> Played:
    """Play a journey once, by a fresh user.

    Args:
        loses: cookies that the user loses before each request, which then goes on a new connection; None
            for a user who keeps everything.

    Raises:
        BudgetSpent: in the middle of it.
    """
    if not wire.verify:
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)  # it was asked for
    with urllib3.PoolManager(cert_reqs="CERT_REQUIRED" if wire.verify else "CERT_NONE") as http:
        names = tuple(loses or ())
        performance = Performance(journey, http, headers=wire.headers)

        def route(_: int) -> str:
            wire.turn()
            if loses is not None:
                http.clear()
                performance.lose(names)
            return wire.site

        performance.play(route)
    failure = performance.failure or next(filter(None, map(_refused, performance.answers)), None)
    return Played(tuple(_served(answer, backends) for answer in performance.answers), failure)


def keeps_state(what: str, plays: Sequence[Played]) -> Statement:
    """Whether all plays of one kind hold; with the first that does not."""
    failed = [one for one in plays if one.failure]
    routes = [one.route for one in plays]
    crossing = sum(one.crosses for one in plays)
    data = {
        "plays": len(plays),
        "failed": len(failed),
        "crossing": crossing,
        "routes": routes,
    }
    seen = f"{len(plays)} plays, {crossing} of them over several backends ({'; '.join(routes)})"
    if failed:
        text = f"the journey breaks {what}, in {len(failed)} of {len(plays)} plays: {failed[0].failure}"
        return Statement("journey", f"{text} (served by {failed[0].route})", seen, good=False, data=data)
    if not crossing:
        return Statement(
            "journey", f"the journey holds {what}, but no play met two backends", seen, data=data
        )
    sure = without_a_miss(crossing, "a play over several backends breaks")
    return Statement(
        "journey", f"the journey keeps its state {what}", f"{seen}; {sure}", good=True, data=data
    )


def _refused(answer: Answer) -> str | None:
    """An error of an answer that the journey itself says nothing about."""
    asserted = any(one.place.source == "status" for one in answer.request.assertions)
    return f"{answer.sent}: {answer.status}" if (answer.status or 0) >= 400 and not asserted else None


def _served(answer: Answer, backends: Backends) -> str:
    return backends.of(features(answer.status or 0, answer.headers, answer.body)) or "?"
