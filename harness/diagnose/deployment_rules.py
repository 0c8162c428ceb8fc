"""Rules for instances that are not alike: another release, another configuration, a missing package.

Some look at what each instance does alone, ``Case.alone``: the same play with every request sent to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from harness.diagnose.case import Case, Diagnosis, events, locations, looked
from harness.observe import Observation

PACKAGE = re.compile(
    r"(?:Missing optional dependency|No module named|import of) '?[\w.-]+|`Import [\w.-]+` failed"
)
"""What Python says, and pandas, older and newer."""


def missing_package(case: Case) -> Diagnosis | None:
    if (found := PACKAGE.search(case.failed.text)) is None:
        return None
    return Diagnosis.of("E12", f"{case.failed.served_by}: {found[0]}")


def model_server_differs(case: Case) -> Diagnosis | None:
    """The model fails one instance and serves another: is it the server, or what the instance asks of it?"""
    if case.llm_error is None or not (well := case.works_alone) or case.failed.instance in well:
        return None
    ours, theirs = list(events(case.failed, "llm")), list(_asked(case, well))
    shown = f"{case.failed.instance} alone: {case.llm_error}; {well[0]} alone: fine"
    models = [{str(event.get("model")) for event in asked} for asked in (ours, theirs)]
    if all(models) and models[0].isdisjoint(models[1]):
        names = f"{', '.join(models[0])}, not {', '.join(models[1])}"
        return Diagnosis.of("E02", f"{shown}; it asks for {names}")
    if case.llm_error == "llm_timeout" and _patience(theirs) > _patience(ours) > 0:
        gave_up = f"it gave up after {_patience(ours):.0f} ms, and {well[0]} got an answer"
        return Diagnosis.of("E02", f"{shown}; {gave_up} after {_patience(theirs):.0f} ms")
    return Diagnosis.of("L17", shown)


def storage_unusable(case: Case) -> Diagnosis | None:
    said = str(case.failed.evidence.get("error") or "")
    if case.failed.status != 503 or not said.startswith("storage"):
        return None
    return Diagnosis.of("D08", f"{case.failed.served_by}: {said}")


def endpoint_missing(case: Case) -> Diagnosis | None:
    if case.failed.status not in (404, 405) or case.failed.instance is None:
        return None
    for seen in _everything(case):
        if seen.path == case.failed.path and seen.status == 200 and seen.instance != case.failed.instance:
            shown = f"{seen.instance} has {seen.path}; {case.failed.instance} answers {case.failed.status}"
            return Diagnosis.of("E01", shown)
    return None


def other_strategy(case: Case) -> Diagnosis | None:
    wrote = case.wrote
    if wrote is None or wrote.instance == case.failed.instance:
        return None
    theirs = (wrote.evidence.get("session") or {}).get("strategy")
    ours = case.session.get("strategy")
    if not theirs or not ours or theirs == ours:
        return None
    shown = f"{wrote.instance} keeps sessions by {theirs}, {case.failed.instance} by {ours}"
    return Diagnosis.of("E02", shown)


def other_name(case: Case) -> Diagnosis | None:
    """Both look in the same place of the same store, for files of different names."""
    wrote, last = case.wrote, looked(case)
    if wrote is None or last is None or case.minted or wrote.instance == case.failed.instance:
        return None
    place, written = last[0], locations(wrote, "write")
    beside = [one for one in written if one.rpartition("/")[0] == place.rpartition("/")[0]]
    if place in written or not beside:
        return None
    shown = f"{wrote.instance} wrote {beside[-1]}; {case.failed.instance} looks for {place}"
    return Diagnosis.of("E01", shown)


def not_mounted(case: Case) -> Diagnosis | None:
    """One instance has the shared file system, another its own disk in that place."""
    wrote, last = case.wrote, looked(case)
    if wrote is None or last is None or case.minted or wrote.instance == case.failed.instance:
        return None
    both = {_store(place): place for place in (*locations(wrote, "write"), last[0])}
    own = [place for store, place in both.items() if re.fullmatch(r"[A-Z]:", store)]
    if len(both) != 2 or "shared-files:" not in both or not own:
        return None
    shown = (
        f"{wrote.instance} wrote {locations(wrote, 'write')[-1]}; {case.failed.instance} looked at {last[0]}"
    )
    return Diagnosis.of("D12", shown)


def one_differs(case: Case) -> Diagnosis | None:
    """An instance alone fails where another one alone does not, and nothing says more."""
    if not (well := case.works_alone) or len(well) == len(case.alone):
        return None
    ill = ", ".join(name for name in case.alone if name not in well)
    said = " ".join(case.failed.text.split())[:100]
    return Diagnosis.of("E02", f"alone, {', '.join(well)} works and {ill} does not ({said})")


def _store(place: str) -> str:
    return place.partition("/")[0]


def _asked(case: Case, instances: tuple[str, ...]) -> Iterator[Any]:
    for name in instances:
        for seen in case.alone[name].observations:
            yield from events(seen, "llm")


def _patience(asked: list[Any]) -> float:
    return max((float(event.get("ms") or 0) for event in asked), default=0.0)


def _everything(case: Case) -> Iterator[Observation]:
    yield from case.play.observations
    for play in case.alone.values():
        yield from play.observations
