"""Rules that read the evidence of a failed play, most telling first.

A rule gets the failed request, the request that last wrote the user's state, and the instances that
were killed; it answers with a cause and what shows it, or None. They are tried in the order of
``RULES``; adding one is a function and a line there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.diagnose.causes import CAUSES, Cause
from harness.observe import Observation
from harness.scenario import Play


@dataclass(frozen=True)
class Diagnosis:
    """A cause and the evidence for it, in a few words."""

    cause: Cause
    shown_by: str


@dataclass(frozen=True)
class Case:
    """What the rules look at.

    Attributes:
        failed: the request whose check did not hold.
        wrote: the last request before it, of the same user, that wrote state.
        lost: instances that were killed during the play.
    """

    failed: Observation
    wrote: Observation | None
    lost: frozenset[str]

    @property
    def session(self) -> Mapping[str, Any]:
        return self.failed.evidence.get("session") or {}

    @property
    def llm_error(self) -> str | None:
        error = self.failed.value("error")
        kind = error.get("type") if isinstance(error, dict) else None
        return kind if isinstance(kind, str) and kind.startswith("llm_") else None


def diagnose(play: Play, lost: frozenset[str]) -> Diagnosis:
    """The cause of a play that did not hold.

    Raises:
        ValueError: the play holds; there is nothing to explain.
    """
    if play.holds:
        raise ValueError("nothing failed")
    failed = play.observed(play.failure.request_id) if play.failure else None
    if failed is None:
        return Diagnosis(CAUSES["X02"], play.error or "no request belongs to the failed check")
    case = Case(failed, _last_write(play, failed), lost)
    for rule in RULES:
        if (found := rule(case)) is not None:
            return found
    return Diagnosis(CAUSES["X02"], f"{failed.served_by} answered {failed.status}")


def _last_write(play: Play, failed: Observation) -> Observation | None:
    earlier = play.observations[: play.observations.index(failed)]
    writers = [seen for seen in earlier if seen.user == failed.user and _locations(seen, "write")]
    return writers[-1] if writers else None


def _locations(seen: Observation, operation: str) -> list[str]:
    events = seen.evidence.get("storage") or []
    return [event["where"] for event in events if event.get("op") == operation]


def _looked(case: Case) -> tuple[str, bool] | None:
    """The last place where the failed request looked for the upload, and whether it was there."""
    mode = (case.failed.evidence.get("mode") or {}).get("looked_at") or []
    places = [(look["where"], bool(look["found"])) for look in mode if look.get("what") == "flag"]
    for event in case.failed.evidence.get("storage") or []:
        if event.get("op") in ("read", "stat"):
            places.append((event["where"], bool(event.get("found"))))
    missing = [place for place in places if not place[1]]
    return missing[0] if missing else (places[-1] if places else None)


def no_instance(case: Case) -> Diagnosis | None:
    if case.failed.instance is None and case.lost:
        answer = case.failed.status or case.failed.error or "no answer"
        return Diagnosis(CAUSES["E04"], f"{', '.join(sorted(case.lost))} killed; the balancer said {answer}")
    return None


def llm_trouble(case: Case) -> Diagnosis | None:
    if (error := case.llm_error) is None:
        return None
    cause = {
        "llm_tools_not_enabled": "L01",
        "llm_tool_call_as_text": "L04",
        "llm_context_too_long": "L08",
        "llm_timeout": "L12",
        "llm_cut": "L12",
        "llm_unknown_model": "L14",
    }.get(error, "L15")
    return Diagnosis(CAUSES[cause], f"{case.failed.served_by} reported {error}")


def server_error(case: Case) -> Diagnosis | None:
    if case.failed.status is not None and case.failed.status < 500:
        return None
    said = case.failed.text[:100] or case.failed.error or "nothing"
    return Diagnosis(CAUSES["X01"], f"{case.failed.served_by} answered {case.failed.status}: {said}")


def died_with_instance(case: Case) -> Diagnosis | None:
    if case.wrote is None or case.wrote.instance not in case.lost:
        return None
    return Diagnosis(
        CAUSES["E03"], f"{case.wrote.instance} had it and was killed; {case.failed.instance} has nothing"
    )


def session_unknown(case: Case) -> Diagnosis | None:
    if case.wrote is None or case.session.get("source") == "cookie":
        return None
    if not case.session.get("cookie_sent"):
        return Diagnosis(CAUSES["S31"], f"{case.failed.served_by} got no session cookie")
    strategy = case.session.get("strategy")
    cause = {"memory": "W01", "filesystem": "S13", "signed-cookie": "S01"}.get(str(strategy), "S11")
    return Diagnosis(
        CAUSES[cause],
        f"{case.wrote.served_by} began the session; {case.failed.served_by} does not know it",
    )


def upload_elsewhere(case: Case) -> Diagnosis | None:
    looked = _looked(case)
    if case.wrote is None or looked is None or case.wrote.instance == case.failed.instance:
        return None
    place, found = looked
    written = _locations(case.wrote, "write")
    if place in written:
        return None
    shown = f"{case.wrote.instance} wrote {written[-1]}; {case.failed.instance} " + (
        f"has an older {place}" if found else f"looked for {place}: not there"
    )
    own_disks = written[-1].startswith(f"{case.wrote.instance}:/") and place.startswith(
        f"{case.failed.instance}:/"
    )
    return Diagnosis(CAUSES["D01" if own_disks else "E02"], shown)


def invented(case: Case) -> Diagnosis | None:
    tools = case.failed.evidence.get("tools") or []
    if not any(tool.get("ok") for tool in tools):
        return None
    names = ", ".join(str(tool.get("name")) for tool in tools)
    return Diagnosis(CAUSES["L16"], f"{names} ran on the data, but the answer is not its result")


RULES: tuple[Callable[[Case], Diagnosis | None], ...] = (
    no_instance,
    llm_trouble,
    server_error,
    died_with_instance,
    session_unknown,
    upload_elsewhere,
    invented,
)
