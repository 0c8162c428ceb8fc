"""Rules for cookies that get lost between app, balancer and client, and for clients the balancer forgets.

A cookie's way: the app sets it, the balancer passes it on, the client keeps it, sends it back if path,
domain and Secure allow it, the balancer passes it on, the app reads it. Each of these can fail.
"""

from __future__ import annotations

import re

from harness.diagnose import rules
from harness.diagnose.case import Case, Diagnosis
from harness.observe import Observation

MAX_AGE = re.compile(r"max-age=(\d+)", re.IGNORECASE)
PATH = re.compile(r"path=([^;]*)", re.IGNORECASE)
DOMAIN = re.compile(r"domain=([^;]*)", re.IGNORECASE)


def hidden(case: Case) -> Diagnosis | None:
    """The app began a session, and its answer came without a cookie."""
    wrote = case.wrote
    if wrote is None or not _no_cookie(case) or _session(wrote).get("source") != "minted":
        return None
    if set(wrote.cookie_attributes) - set(case.play.sticky):
        return None
    return Diagnosis.of("P12", f"{wrote.served_by} began a session, and its answer set no cookie")


def stripped(case: Case) -> Diagnosis | None:
    """The client sent the session's cookie, and the app never sees one."""
    sent = _cookies_of_the_app(case) & set(case.failed.cookies_sent)
    if not sent or not _no_cookie(case) or _elsewhere(case):
        return None
    shown = f"the client sent {', '.join(sorted(sent))}; no cookie reached {case.failed.served_by}"
    return Diagnosis.of("P11", shown)


def renamed(case: Case) -> Diagnosis | None:
    """One instance reads the cookie that the client sent; another looks for one of another name."""
    sent = _cookies_of_the_app(case) & set(case.failed.cookies_sent)
    if not sent or not _no_cookie(case) or not (others := _elsewhere(case)):
        return None
    shown = f"{others[0].served_by} knows the session's cookie; {case.failed.served_by} looks for another"
    return Diagnosis.of("E01", shown)


def kept_back(case: Case) -> Diagnosis | None:
    """The client has no session cookie to send, or may not send it."""
    if case.wrote is None or not _no_cookie(case):
        return None
    ours = _cookies_of_the_app(case)
    if ours & set(case.failed.cookies_sent):
        return None
    why = "; ".join(f"{name}: {text}" for name, text in case.wrote.cookie_attributes.items() if name in ours)
    shown = f"{case.failed.served_by} got no session cookie" + (f"; it was set with {why}" if why else "")
    return Diagnosis.of("S31", shown)


def stickiness_lost(case: Case) -> Diagnosis | None:
    """The balancer's own cookie did not bring the client back, and the client did not drop it."""
    if not case.play.sticky or not _moved(case):
        return None
    (cookie, *_), failed = case.play.sticky, case.failed
    setters = [seen for seen in case.before if cookie in seen.cookie_attributes]
    if not setters and cookie in failed.cookie_attributes:
        shown = f"{case.before[-1].label} was answered by {case.before[-1].instance} without {cookie}"
        return Diagnosis.of("A16", f"{shown}; {failed.label} went to {failed.instance}")
    if not setters or cookie in failed.cookies_sent:
        return None
    said = setters[-1].cookie_attributes[cookie]
    path, age, domain = (pattern.search(said) for pattern in (PATH, MAX_AGE, DOMAIN))
    elapsed = failed.started - setters[-1].started
    shown = f"{cookie} was set with {said}, and not sent with {failed.path} {elapsed:.1f} s later"
    if "secure" in said.lower():
        return Diagnosis.of("A03", shown)
    if domain is not None:
        return Diagnosis.of("A14", shown)
    if path is not None and not failed.path.startswith(path[1]):
        return Diagnosis.of("A13", shown)
    if age is not None and elapsed >= int(age[1]):
        return Diagnosis.of("A04", shown)
    return None


def no_stickiness(case: Case) -> Diagnosis | None:
    """State is on one instance, and the balancer has no cookie by which to bring its user back there.

    One that it is said to have, and that no answer ever set, it does not have.
    """
    set_here = {name for seen in (*case.before, case.failed) for name in seen.cookie_attributes}
    if set_here & set(case.play.sticky) or not _moved(case):
        return None
    if rules.upload_elsewhere(case) is None and rules.session_unknown(case) is None:
        return None
    had = sorted(name for name in case.failed.cookies_sent if "instance" in name.lower())
    known = f", whatever {', '.join(had)} says" if had else ""
    way = f"{case.before[-1].instance}, then {case.failed.instance}"
    return Diagnosis.of("A01", f"the balancer sent one browser to {way}{known}")


def _moved(case: Case) -> bool:
    """Whether the balancer, not the story, chose another instance than for the write."""
    wrote, failed = case.wrote, case.failed
    if wrote is None or wrote.pinned or failed.pinned or failed.instance is None:
        return False
    return wrote.instance != failed.instance and wrote.instance not in (*case.lost, *case.play.stopped)


def _no_cookie(case: Case) -> bool:
    return bool(case.session) and not case.session.get("cookie_sent")


def _session(seen: Observation) -> dict[str, object]:
    return dict(seen.evidence.get("session") or {})


def _cookies_of_the_app(case: Case) -> set[str]:
    """Names of the cookies that answers set, but for the balancer's."""
    named = {name for seen in case.before for name in seen.cookie_attributes}
    return named - set(case.play.sticky)


def _elsewhere(case: Case) -> list[Observation]:
    """Requests to other instances with which a session cookie arrived, those sent there alone included."""
    return [
        seen
        for play in (case.play, *case.alone.values())
        for seen in play.observations
        if seen.instance != case.failed.instance and _session(seen).get("cookie_sent")
    ]
