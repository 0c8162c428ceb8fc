"""From evidence to cause: why a play failed, with what shows it.

    play that failed -> case (the failed request, the writes before it) -> each rule that knows it
                                                                        -> proposals, likeliest first

A rule is a function ``Case -> Diagnosis | None``; adding one is the function and a line in ``RULES``.
``examine`` proves a proposal by changing that one thing; ``score`` says how good all this is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from harness.diagnose import (
    affinity_rules,
    cookie_rules,
    deployment_rules,
    outside,
    proxy_rules,
    rules,
    session_rules,
    storage_rules,
    sync_rules,
)
from harness.diagnose.case import Case, Diagnosis, case_of
from harness.diagnose.causes import CAUSES, Cause
from harness.plays import Play

__all__ = ["CAUSES", "Cause", "Diagnosis", "diagnose", "propose"]

RULES: tuple[Callable[[Case], Diagnosis | None], ...] = (
    rules.no_instance,
    proxy_rules.body_too_large,
    proxy_rules.request_headers,
    proxy_rules.answer_headers,
    proxy_rules.limited,
    proxy_rules.stale_address,
    proxy_rules.cached,
    rules.worker_killed,
    deployment_rules.missing_package,
    deployment_rules.model_server_differs,
    rules.llm_trouble,
    rules.balancer_timeout,
    proxy_rules.repeated,
    deployment_rules.storage_unusable,
    deployment_rules.endpoint_missing,
    deployment_rules.one_differs,
    storage_rules.flag_first,
    rules.server_error,
    rules.died_with_instance,
    deployment_rules.other_strategy,
    cookie_rules.hidden,
    cookie_rules.stripped,
    cookie_rules.renamed,
    cookie_rules.kept_back,
    affinity_rules.ejected,
    rules.session_unknown,
    session_rules.written_back,
    cookie_rules.stickiness_lost,
    sync_rules.swallowed,
    sync_rules.other_fleet,
    sync_rules.two_writers,
    sync_rules.too_late,
    sync_rules.unanswered,
    sync_rules.missed,
    sync_rules.misplaced,
    deployment_rules.other_name,
    deployment_rules.not_mounted,
    rules.gone,
    rules.upload_elsewhere,
    rules.invented,
    cookie_rules.no_stickiness,
    affinity_rules.dropped,
    affinity_rules.one_address,
)
"""Most telling first."""

ALONE = {
    "one": "each instance alone fails, or none does",
    "all": "an instance alone works",
    "none": "an instance alone fails as well",
}
"""What speaks against a cause that shows on one instance alone, on all of them, only between them."""


def diagnose(play: Play) -> Diagnosis:
    """The likeliest cause of a play that did not hold.

    Raises:
        ValueError: the play holds; there is nothing to explain.
    """
    return propose(play)[0]


def propose(play: Play, alone: Mapping[str, Play] | None = None) -> list[Diagnosis]:
    """The causes that may be behind a play that did not hold, likeliest first; at least one.

    Args:
        alone: the same play with every request sent to one instance, by its name. What they show moves
            causes that they speak against behind those that they do not.

    Raises:
        ValueError: the play holds; there is nothing to explain.
    """
    if play.holds:
        raise ValueError("nothing failed")
    failed = play.observed(play.failure.request_id) if play.failure else None
    if failed is None:
        return [Diagnosis.of("X02", play.error or "no request belongs to the failed check")]
    case = case_of(play, failed, alone)
    found: dict[str, Diagnosis] = {}
    for rule in RULES:
        if (one := rule(case)) is not None:
            found.setdefault(one.cause.id, replace(one, against=_against(one.cause, case)))
    if not any(seen.evidence for seen in play.observations):
        found = _from_outside(case) or found
    if not found:
        return [Diagnosis.of("X02", f"{failed.served_by} answered {failed.status}")]
    return sorted(found.values(), key=lambda one: bool(one.against))


def _from_outside(case: Case) -> dict[str, Diagnosis]:
    """For an app that reports nothing of itself: all that it looks like, likeliest first."""
    seen = outside.view(case.play, {name: play.holds for name, play in case.alone.items()})
    if seen is None:
        return {}
    return {
        cause: replace(Diagnosis.of(cause, seen.why), against=_against(CAUSES[cause], case))
        for cause in seen.causes
    }


def _against(cause: Cause, case: Case) -> tuple[str, ...]:
    """What the plays on one instance alone say against a cause."""
    if not case.alone or not cause.alone:
        return ()
    well, all_of_them = len(case.works_alone), len(case.alone)
    fits = {"one": 0 < well < all_of_them, "all": well == 0, "none": well == all_of_them}[cause.alone]
    return () if fits else (ALONE[cause.alone],)
