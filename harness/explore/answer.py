"""What an exploration found, in one sentence and for machines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.explore.likeness import brief
from harness.explore.search import Found, Outcome, Stage
from harness.explore.specification import Deviation, Specification
from harness.journey import Answer

MOST = 6
"""Places of an answer that people are shown; the JSON has all."""


def sentence(found: Found) -> str:
    """E.g. ``POST /upload on A, then GET /report on B: 404, where one instance answers 200``."""
    started = ""
    if found.fresh:
        many = len(set(found.routing.targets))
        started = ", " + {1: "", 2: "both "}.get(many, "all ") + "just started"
    return f"{', then '.join(_steps(found))}{started}: {came(found.deviation)}"


def came(deviation: Deviation) -> str:
    """What came, where one instance answers something else."""
    answer, expected = deviation.answer, deviation.expected
    if answer.error:
        return f"no answer ({brief(answer.error)}), where one instance answers {expected.status}"
    if deviation.status_differs:
        return f"{answer.status}, where one instance answers {expected.status}"
    return f"{answer.status}, but {deviation.differences[0]}"


def details(found: Found) -> Iterator[str]:
    """The two answers, each place that differs, and how surely."""
    deviation = found.deviation
    yield f"expected  {_shown(deviation.expected)}"
    yield f"found     {_shown(deviation.answer)}"
    places = [difference for difference in deviation.differences if difference.place != "status"]
    for difference in places[:MOST]:
        yield f"          {difference}"
    if len(places) > MOST:
        yield f"          and {len(places) - MOST} more places"
    yield f"it differed in {found.differed} of {found.plays} plays"
    if found.fresh:
        yield (
            "where others have been on every instance before, all agrees: look for what each instance keeps "
            "for all users together"
        )


def summary(outcome: Outcome) -> Iterator[str]:
    """What was tried and what was not, a line a stage."""
    for stage in outcome.stages:
        yield _stage(stage, outcome)


def warnings(specification: Specification) -> Iterator[str]:
    """What makes agreement worth less than it looks."""
    for answer in specification.answers:
        if answer.status is not None and answer.status >= 400:
            yield f"{answer.sent} is answered {answer.status} on one instance, too: is the journey right?"


def as_json(outcome: Outcome, smallest: Found | None) -> dict[str, Any]:
    """Everything that is known, for machines."""
    return {
        "agrees": outcome.found is None,
        "requests": outcome.requests,
        "targets": list(outcome.targets),
        "possible_routings": outcome.possible,
        "tried": [
            {"stage": stage.name, "tried": stage.tried, "of": stage.of, "differing_share_below": stage.bound}
            for stage in outcome.stages
        ],
        "plays_on_one_instance": outcome.specified,
        "seconds": round(outcome.seconds, 3),
        "difference": None if smallest is None else _difference(smallest),
    }


def _difference(found: Found) -> dict[str, Any]:
    deviation, event = found.deviation, found.routing.event
    return {
        "sentence": sentence(found),
        "steps": list(_steps(found)),
        "targets": list(found.routing.targets),
        "just_started": found.fresh,
        "event": None
        if event is None
        else {"kind": event.kind, "instance": event.instance, "before": event.before},
        "request": deviation.index,
        "expected": _answer(deviation.expected),
        "found": _answer(deviation.answer),
        "places": [vars(difference) for difference in deviation.differences],
        "differed": found.differed,
        "plays": found.plays,
    }


def _steps(found: Found) -> Iterator[str]:
    """Up to the request that differs; of a story's what was sent."""
    requests = found.journey.requests
    users = {request.user for request in requests}
    event = found.routing.event
    last = found.deviation.index
    for index, target in enumerate(found.routing.targets[: last + 1]):
        if event is not None and event.before == index:
            yield str(event)
        told = str(requests[index]) if requests else found.deviation.sent[index]
        who = f" by {requests[index].user}" if len(users) > 1 else ""
        yield f"{told}{who} on {target}"


def _stage(stage: Stage, outcome: Outcome) -> str:
    if stage.bound is not None:
        return (
            f"{stage.name}: {stage.tried:,} routings drawn from {outcome.possible:,}; with 95 % confidence "
            f"fewer than {100 * stage.bound:.2g} % of them differ"
        )
    return f"{stage.name}: {stage.tried:,} tried" + (f" of {stage.of:,}" if stage.of else "")


def _shown(answer: Answer) -> str:
    return f"no answer: {answer.error}" if answer.error else f"{answer.status} {brief(answer.text)}"


def _answer(answer: Answer) -> dict[str, Any]:
    return {"sent": answer.sent, "status": answer.status, "error": answer.error, "body": answer.text[:2000]}
