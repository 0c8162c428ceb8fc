"""Rules for sessions that are shared, and lose what was put into them."""

from __future__ import annotations

from harness.diagnose.case import Case, Diagnosis


def written_back(case: Case) -> Diagnosis | None:
    """A request that began before the write and ended after it has put the old session in its place."""
    wrote, failed = case.wrote, case.failed
    if wrote is None or case.session.get("source") != "cookie":
        return None
    looks = (failed.evidence.get("mode") or {}).get("looked_at") or []
    if not any(look.get("what") == "session" and not look.get("found") for look in looks):
        return None
    for seen in case.before:
        if seen.started < wrote.started + wrote.seconds < seen.started + seen.seconds:
            shown = f"{wrote.label} ended while {seen.label} was under way, which wrote the session back"
            return Diagnosis.of("S09", f"{shown}; now {failed.served_by} finds nothing of it in the session")
    return None
