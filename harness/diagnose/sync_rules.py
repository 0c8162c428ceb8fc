"""Rules for uploads that are copied from instance to instance: the evidence's ``sync`` events.

Each event is one command to one peer: ``peer``, ``ok``, ``outcome``, ``timed_out``, and for a copy its
``source`` and ``target`` as rsync was given them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.diagnose.case import Case, Diagnosis, events, locations, overlap


def swallowed(case: Case) -> Diagnosis | None:
    """The reply to an upload claims a copy that its own evidence denies."""
    claimed = [copy for copy in case.failed.value("copies") or [] if copy.get("ok")]
    for copy in claimed:
        for event in events(case.failed, "sync"):
            if event.get("peer") == copy.get("place") and not event.get("ok"):
                said = f"the reply says {copy.get('outcome')!r} of {event['peer']}"
                return Diagnosis.of("D34", f"{said}; {event['what']}: {event['outcome']}")
    return None


def other_fleet(case: Case) -> Diagnosis | None:
    tried, between = _copies(case)
    if not tried or between or case.wrote is None:
        return None
    peers = ", ".join(sorted({str(event["peer"]) for event in tried}))
    ends = f"{case.wrote.instance} wrote it, {case.failed.instance} lacks it"
    return Diagnosis.of("D31", f"{ends}; sync tried only {peers}: {tried[-1]['outcome']}")


def two_writers(case: Case) -> Diagnosis | None:
    _, between = _copies(case)
    if not between or case.wrote is None:
        return None
    for other in case.writes:
        if other.instance != case.wrote.instance and overlap(other, case.wrote):
            both = f"{case.wrote.label} on {case.wrote.instance} and {other.label} on {other.instance}"
            return Diagnosis.of("D35", f"{both} at the same time, each copied to the other")
    return None


def too_late(case: Case) -> Diagnosis | None:
    """The failed request fell between the upload and its copy."""
    _, between = _copies(case)
    if not between or case.wrote is None or not overlap(case.wrote, case.failed):
        return None
    shown = f"{case.wrote.instance} had it and was still copying when {case.failed.instance} was asked"
    return Diagnosis.of("D13", shown)


def unanswered(case: Case) -> Diagnosis | None:
    _, between = _copies(case)
    if not any(event.get("timed_out") for event in between):
        return None
    waited = next(event for event in between if event.get("timed_out"))
    return Diagnosis.of("D17", f"{waited['what']} {waited['peer']}: {waited['outcome']}, and not a word")


def missed(case: Case) -> Diagnosis | None:
    """The copy failed, and later nobody looks whether there is anything newer."""
    _, between = _copies(case)
    failed = [event for event in between if not event.get("ok")]
    if not failed or case.wrote is None:
        return None
    shown = f"{failed[-1]['what']} {failed[-1]['peer']}: {failed[-1]['outcome']}"
    return Diagnosis.of("D36", f"{shown}; {case.failed.instance} answers from what it has")


def misplaced(case: Case) -> Diagnosis | None:
    """Every command succeeded, and the upload is not where it is looked for."""
    _, between = _copies(case)
    copied = [event for event in between if event.get("target")]
    if not copied:
        return None
    last = copied[-1]
    shown = f"{last['source']} -> {last['target']}: {last['outcome']}, and {case.failed.instance} lacks it"
    if str(last["source"]).endswith("/*"):
        return Diagnosis.of("D33", shown)
    return Diagnosis.of("D32", shown)


def _copies(case: Case) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """All that sync tried for an upload that the failed request missed; and between those two instances."""
    wrote, failed = case.wrote, case.failed
    if wrote is None or wrote is failed or wrote.instance == failed.instance:
        return [], []
    if not set(locations(failed, "read") + locations(failed, "stat")).isdisjoint(locations(wrote, "write")):
        return [], []
    pushed, pulled = events(wrote, "sync"), events(failed, "sync")
    between = [event for event in pushed if event.get("peer") == failed.instance]
    between += [event for event in pulled if event.get("peer") == wrote.instance]
    return [*pushed, *pulled], between
