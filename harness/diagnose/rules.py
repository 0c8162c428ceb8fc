"""Rules that read the evidence of a failed play; each answers with a cause and what shows it, or None."""

from __future__ import annotations

from harness.diagnose.case import Case, Diagnosis, locations, logged, looked
from harness.observe import Observation


def no_instance(case: Case) -> Diagnosis | None:
    if case.failed.instance is None and case.lost:
        answer = case.failed.status or case.failed.error or "no answer"
        return Diagnosis.of("E04", f"{', '.join(sorted(case.lost))} killed; the balancer said {answer}")
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
        "llm_turns_exhausted": "L18",
    }.get(error, "L15")
    return Diagnosis.of(cause, f"{case.failed.served_by} reported {error}")


def balancer_timeout(case: Case) -> Diagnosis | None:
    if case.failed.status != 504 or case.failed.instance is not None:
        return None
    return Diagnosis.of("P07", f"nginx gave up on {case.failed.label} after {case.failed.seconds:.0f} s: 504")


def server_error(case: Case) -> Diagnosis | None:
    if case.failed.status is not None and case.failed.status < 500:
        return None
    said = case.failed.text[:100] or case.failed.error or "nothing"
    return Diagnosis.of("X01", f"{case.failed.served_by} answered {case.failed.status}: {said}")


def died_with_instance(case: Case) -> Diagnosis | None:
    if case.wrote is None or case.wrote.instance not in case.lost:
        return None
    return Diagnosis.of(
        "E03", f"{case.wrote.instance} had it and was killed; {case.failed.instance} has nothing"
    )


def worker_killed(case: Case) -> Diagnosis | None:
    if case.failed.status is not None and case.failed.status < 500:
        return None
    for name in case.play.logs:
        if (line := logged(case, name, "WORKER TIMEOUT")) is not None:
            return Diagnosis.of("W06", f"{name}'s gunicorn ended the worker at work: {line}")
    return None


def session_unknown(case: Case) -> Diagnosis | None:
    """The cookie arrived, and what it names is unknown or unreadable here."""
    wrote, failed = case.wrote, case.failed
    if wrote is None or case.session.get("source") == "cookie" or not case.session.get("cookie_sent"):
        return None
    strategy, same = str(case.session.get("strategy")), wrote.instance == failed.instance
    again = same and (failed.instance in case.play.stopped or _another_process(wrote, failed))
    if strategy == "signed-cookie":
        cause = "S05" if again else "S03" if same else "S01"
    elif strategy == "memory":
        cause = "W05" if again else "W01"
    else:
        cause = {"filesystem": "S13"}.get(strategy, "S11")
    since = " since" if again else ""
    shown = f"{wrote.served_by} began the session; {failed.served_by}{since} does not know it"
    return Diagnosis.of(cause, shown)


def _another_process(one: Observation, other: Observation) -> bool:
    """The same worker's number, and another process behind it."""
    pids = {one.evidence.get("pid"), other.evidence.get("pid")}
    return one.worker == other.worker and len(pids - {None}) == 2


def gone(case: Case) -> Diagnosis | None:
    """Written, looked for in the same place, and not there any more."""
    last = looked(case)
    if case.wrote is None or last is None or last[1] or last[0] not in locations(case.wrote, "write"):
        return None
    later = case.failed.started - case.wrote.started
    shown = f"{case.wrote.instance} wrote {last[0]}; {later:.1f} s later it was not there"
    return Diagnosis.of("D16", shown)


def upload_elsewhere(case: Case) -> Diagnosis | None:
    last = looked(case)
    if case.wrote is None or last is None or case.minted or case.wrote.instance == case.failed.instance:
        return None
    place, found = last
    written = locations(case.wrote, "write")
    if place in written:
        return None
    shown = f"{case.wrote.instance} wrote {written[-1]}; {case.failed.instance} " + (
        f"has an older {place}" if found else f"looked for {place}: not there"
    )
    own_disks = written[-1].startswith(f"{case.wrote.instance}:/") and place.startswith(
        f"{case.failed.instance}:/"
    )
    return Diagnosis.of("D01" if own_disks else "E02", shown)


def invented(case: Case) -> Diagnosis | None:
    tools = case.failed.evidence.get("tools") or []
    if not any(tool.get("ok") for tool in tools):
        return None
    names = ", ".join(str(tool.get("name")) for tool in tools)
    return Diagnosis.of("L16", f"{names} ran on the data, but the answer is not its result")
