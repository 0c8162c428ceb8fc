"""Rules for stickiness that does as it should, and is not enough."""

from __future__ import annotations

from harness.diagnose import cookie_rules, rules
from harness.diagnose.case import Case, Diagnosis

PEOPLE = 3
"""From so many clients on, all at one instance is no accident of turns."""


def ejected(case: Case) -> Diagnosis | None:
    """The instance that a client sticks to is away, and what it knows is nowhere else."""
    wrote, failed = case.wrote, case.failed
    if wrote is None or not case.play.sticky or wrote.instance not in case.play.stopped:
        return None
    if wrote.pinned or failed.pinned or wrote.instance == failed.instance:
        return None
    if rules.upload_elsewhere(case) is None and rules.session_unknown(case) is None:
        return None
    shown = f"the client stuck to {wrote.instance}, which was away; {failed.instance} knows nothing of it"
    return Diagnosis.of("A08", shown)


def dropped(case: Case) -> Diagnosis | None:
    """The balancer set its cookie, nothing kept it back, and the client has it no more."""
    wrote, failed = case.wrote, case.failed
    if wrote is None or not case.play.sticky or wrote.pinned or failed.pinned:
        return None
    if wrote.instance in (failed.instance, *case.lost, *case.play.stopped):
        return None
    cookie = case.play.sticky[0]
    had = [seen for seen in case.before if cookie in seen.cookies_set]
    if not had or cookie in (*failed.cookies_sent, *failed.cookies_kept):
        return None
    if cookie_rules.stickiness_lost(case) is not None:
        return None
    shown = f"{had[-1].label} got {cookie}, and {failed.label} came without it, to {failed.instance}"
    return Diagnosis.of("A02", shown)


def one_address(case: Case) -> Diagnosis | None:
    """Every client is sent to the same instance, though no cookie says so."""
    free = [seen for seen in case.play.observations if not seen.pinned and seen.instance]
    clients, served = {seen.user for seen in free}, {seen.instance for seen in free}
    if case.play.sticky or len(clients) < PEOPLE or len(served) != 1 or case.failed.status != 200:
        return None
    if case.play.lost or case.play.stopped:
        return None
    return Diagnosis.of("A11", f"{len(clients)} clients, and each was sent to {served.pop()}")
