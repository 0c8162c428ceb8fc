"""The specification: what one instance with one worker answers to a journey, played twice or more."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.errors import HarnessError
from harness.explore.likeness import Difference, compare
from harness.journey import Answer, Journey, Performance

PLAYS = 2
"""How often it is played before anything is compared with it."""
HEADERS = ("content-type", "location")
"""Headers whose value a user sees the effect of; cookies are seen in the answers that follow."""
LEAST = 6
"""Characters of a user's own value from which it is known again in an answer; shorter ones are chance."""


@dataclass(frozen=True)
class Deviation:
    """The first answer that one instance would not have given.

    Attributes:
        index: of the request.
        answer: what came.
        expected: what one instance answers.
        differences: in which places; the status first.
        sent: method and path of each request up to this one.
    """

    index: int
    answer: Answer
    expected: Answer
    differences: tuple[Difference, ...]
    sent: tuple[str, ...]

    @property
    def status_differs(self) -> bool:
        return self.answer.status != self.expected.status


@dataclass
class Specification:
    """What a journey's answers have in common on one instance; the more plays, the more is known to vary.

    Args:
        perform: plays the journey on one instance.
    """

    journey: Journey
    perform: Callable[[Journey], Performance]
    plays: list[Performance] = field(default_factory=list)
    _own: frozenset[str] = frozenset()
    _seen: list[list[Mapping[str, Any]]] = field(default_factory=list)

    def learn(self, plays: int = 1) -> None:
        """Play it so often on one instance.

        Raises:
            HarnessError: one instance does not do what the journey says, or does not agree with itself.
        """
        for _ in range(plays):
            performance = self.perform(self.journey)
            self._check(performance)
            self.plays.append(performance)
        self._own = _varying(self.plays)
        self._seen = [list(views(performance, self._own)) for performance in self.plays]

    @property
    def answers(self) -> Sequence[Answer]:
        """Of the first play."""
        return self.plays[0].answers

    def deviation(self, performance: Performance) -> Deviation | None:
        """The first answer that is unlike those of one instance; None where there is none."""
        sent = tuple(answer.sent for answer in performance.answers)
        found = zip(performance.answers, views(performance, self._own), strict=True)
        for index, (answer, view) in enumerate(found):
            if index >= len(self.answers):
                more = Difference("journey", "no further request", answer.sent)
                return Deviation(index, answer, self.answers[-1], (more,), sent)
            differences = tuple(compare([seen[index] for seen in self._seen], view))
            if differences:
                return Deviation(index, answer, self.answers[index], differences, sent)
        if performance.failure is not None and performance.answers:
            last = len(performance.answers) - 1
            broken = Difference("journey", "its end", performance.failure)
            return Deviation(last, performance.answers[last], self.answers[last], (broken,), sent)
        return None

    def _check(self, performance: Performance) -> None:
        where = self.journey.source or self.journey.name
        if performance.failure is not None:
            raise HarnessError(
                f"{where}: does not hold on one instance with one worker: {performance.failure}; "
                "what one instance does not do cannot be asked of two"
            )
        if not performance.answers:
            raise HarnessError(f"{where}: sends no request")
        if not self.plays:
            return
        if len(performance.answers) != len(self.answers):
            raise HarnessError(
                f"{where}: sends {len(self.answers)} requests to one instance, in another play "
                f"{len(performance.answers)}: it must do the same each time"
            )
        for first, answer in zip(self.answers, performance.answers, strict=False):
            if answer.status != first.status:
                raise HarnessError(
                    f"{where}: one instance with one worker does not agree with itself: {answer.sent} is "
                    f"answered {first.status}, in another play {answer.status}; where a name must be new in "
                    "each play, write {{random}} into it"
                )


def views(performance: Performance, own: frozenset[str]) -> Iterator[Mapping[str, Any]]:
    """What is compared of each answer; there the values of these names stand as their names.

    So a user's own number is the same in every play, and another user's is not. In the answer that a
    value is captured from it stands as it is.
    """
    known = {name: value for name, value in performance.values.items() if name in own}
    for answer in performance.answers:
        for name in answer.captured:
            known.pop(name, None)
    for answer in performance.answers:
        yield _view(answer, {value: f"{{{{{name}}}}}" for name, value in known.items()})
        known |= {name: value for name, value in answer.captured.items() if name in own}


def _varying(plays: Sequence[Performance]) -> frozenset[str]:
    """Names of the values, long enough to be known again, that are others in each play."""
    found = {
        name: {str(performance.values.get(name)) for performance in plays}
        for name, value in plays[0].values.items()
        if isinstance(value, str) and len(value) >= LEAST
    }
    return frozenset(name for name, values in found.items() if len(values) == len(plays))


def _view(answer: Answer, own: Mapping[str, str]) -> Mapping[str, Any]:
    if answer.error:
        return {"status": None}
    text = _renamed(answer.text, own)
    view: dict[str, Any] = {"status": answer.status}
    for name in HEADERS:
        value = answer.header(name)
        view[f"header {name}"] = value if value is None else _renamed(value, own)
    view["redirects"] = [_renamed(hop, own) for hop in answer.hops]
    view["must hold"] = list(answer.failures)
    view["body"] = _body(answer, text)
    return view


def _body(answer: Answer, text: str) -> Any:
    if text.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(text)
        except ValueError:
            return text
    return answer.body if "\ufffd" in text or "\0" in text else text


def _renamed(text: str, own: Mapping[str, str]) -> str:
    for value, name in own.items():
        text = text.replace(str(value), name)
    return text
