"""The request interpreter: Data Analysis or the normal workflow, and how do we know.

The original looked for a flag file on its own disk. That is one way; asking the session is the other.
What the client says about its tab is noted and never believed: it is no state of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from reference_app import evidence
from reference_app.storage.base import Storage

DATA_ANALYSIS, NORMAL = "data-analysis", "normal"

Detector = Callable[[Mapping[str, Any], Storage], "Look"]


@dataclass(frozen=True)
class Look:
    """What was looked at to decide, where, and whether it was there."""

    what: str
    where: str
    found: bool


def _flag_file(session: Mapping[str, Any], storage: Storage) -> Look:
    if (session_id := session.get("session_id")) is None:
        return Look("session", "session_id", found=False)
    return Look("flag", storage.where(session_id), storage.flag(session_id) is not None)


def _session(session: Mapping[str, Any], storage: Storage) -> Look:
    return Look("session", "has_data_analysis_file", bool(session.get("has_data_analysis_file")))


DETECTORS: dict[str, Detector] = {"flag-file": _flag_file, "session": _session}


def _plain(hint: Any) -> bool | str | None:
    """What a client said, if it is a switch or a name; a text has no place in the evidence."""
    return hint if isinstance(hint, bool) or (isinstance(hint, str) and len(hint) <= 32) else None


def decide(detection: str, session: Mapping[str, Any], storage: Storage, hints: Mapping[str, Any]) -> str:
    """Which workflow answers this request; the decision and what it rests on are put in evidence."""
    look = DETECTORS[detection](session, storage)
    decision = DATA_ANALYSIS if look.found else NORMAL
    evidence.put(
        mode={
            "decision": decision,
            "detection": detection,
            "looked_at": [{"what": look.what, "where": look.where, "found": look.found}],
            "is_data_analysis": _plain(hints.get("is_data_analysis")),
            "tab_context": _plain(hints.get("tab_context")),
        }
    )
    return decision
