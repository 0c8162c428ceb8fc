"""From evidence to cause: why a play failed, with what shows it.

    play that failed -> case (the failed request, the writes before it) -> first rule that knows it

A rule is a function ``Case -> Diagnosis | None``; adding one is the function and a line in ``RULES``.
"""

from __future__ import annotations

from collections.abc import Callable

from harness.diagnose import rules, sync_rules
from harness.diagnose.case import Case, Diagnosis, case_of
from harness.diagnose.causes import CAUSES, Cause
from harness.scenario import Play

__all__ = ["CAUSES", "Cause", "Diagnosis", "diagnose"]

RULES: tuple[Callable[[Case], Diagnosis | None], ...] = (
    rules.no_instance,
    rules.llm_trouble,
    rules.balancer_timeout,
    rules.server_error,
    rules.died_with_instance,
    rules.session_unknown,
    sync_rules.swallowed,
    sync_rules.other_fleet,
    sync_rules.two_writers,
    sync_rules.too_late,
    sync_rules.unanswered,
    sync_rules.missed,
    sync_rules.misplaced,
    rules.upload_elsewhere,
    rules.invented,
)
"""Most telling first."""


def diagnose(play: Play) -> Diagnosis:
    """The cause of a play that did not hold.

    Raises:
        ValueError: the play holds; there is nothing to explain.
    """
    if play.holds:
        raise ValueError("nothing failed")
    failed = play.observed(play.failure.request_id) if play.failure else None
    if failed is None:
        return Diagnosis.of("X02", play.error or "no request belongs to the failed check")
    case = case_of(play, failed)
    for rule in RULES:
        if (found := rule(case)) is not None:
            return found
    return Diagnosis.of("X02", f"{failed.served_by} answered {failed.status}")
