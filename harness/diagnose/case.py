"""What the rules look at: the request that failed, and the one that last wrote the user's state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.diagnose.causes import CAUSES, Cause
from harness.observe import Observation
from harness.plays import Play


@dataclass(frozen=True)
class Diagnosis:
    """A cause, the evidence for it in a few words, and what speaks against it."""

    cause: Cause
    shown_by: str
    against: tuple[str, ...] = ()

    @classmethod
    def of(cls, cause: str, shown_by: str) -> Diagnosis:
        return cls(CAUSES[cause], shown_by)


@dataclass(frozen=True)
class Case:
    """What the rules look at.

    Attributes:
        failed: the request whose check did not hold.
        writes: the requests of the same user that wrote state, and began before it.
        lost: instances that were killed during the play, with their disks.
        play: the play whose check did not hold.
        alone: the same play with every request sent to one instance, by its name; empty if not tried.
    """

    failed: Observation
    writes: Sequence[Observation]
    lost: frozenset[str]
    play: Play = field(default_factory=lambda: Play(""))
    alone: Mapping[str, Play] = field(default_factory=dict)

    @property
    def before(self) -> Sequence[Observation]:
        """The same user's earlier requests, in order."""
        ours = [seen for seen in self.play.observations if seen.user == self.failed.user]
        return sorted(
            (seen for seen in ours if seen.started < self.failed.started), key=lambda seen: seen.started
        )

    @property
    def works_alone(self) -> tuple[str, ...]:
        """The instances on which the play holds, each alone."""
        return tuple(name for name, play in self.alone.items() if play.holds)

    @property
    def wrote(self) -> Observation | None:
        """The last write; of two at the same time, the one on another instance than the failed request's."""
        if not self.writes:
            return None
        last = self.writes[-1]
        elsewhere = (w for w in self.writes if overlap(w, last) and w.instance != self.failed.instance)
        return next(elsewhere, last)

    @property
    def session(self) -> Mapping[str, Any]:
        return self.failed.evidence.get("session") or {}

    @property
    def minted(self) -> bool:
        """Whether the failed request began a session of its own: it looked for nothing that was written."""
        return self.session.get("source") == "minted"

    @property
    def llm_error(self) -> str | None:
        error = self.failed.value("error")
        kind = error.get("type") if isinstance(error, dict) else None
        return kind if isinstance(kind, str) and kind.startswith("llm_") else None


def case_of(play: Play, failed: Observation, alone: Mapping[str, Play] | None = None) -> Case:
    """The case of a play whose check on that request did not hold."""
    writers = [seen for seen in play.observations if seen.user == failed.user and locations(seen, "write")]
    began = sorted((seen for seen in writers if seen.started < failed.started), key=lambda seen: seen.started)
    return Case(failed, began, frozenset(play.lost), play, alone or {})


def overlap(one: Observation, other: Observation) -> bool:
    """Whether two requests were under way at the same time; a request overlaps itself."""
    return one.started <= other.started + other.seconds and other.started <= one.started + one.seconds


def locations(seen: Observation, operation: str) -> list[str]:
    """Where a request's storage operations of that kind went."""
    return [event["where"] for event in events(seen, "storage") if event.get("op") == operation]


def events(seen: Observation, kind: str) -> list[Mapping[str, Any]]:
    """The events of a kind in a request's evidence: ``storage``, ``sync``, ``tools``."""
    return seen.evidence.get(kind) or []


def looked(case: Case) -> tuple[str, bool] | None:
    """The last place where the failed request looked for the upload, and whether it was there."""
    mode = (case.failed.evidence.get("mode") or {}).get("looked_at") or []
    places = [(look["where"], bool(look["found"])) for look in mode if look.get("what") == "flag"]
    for event in events(case.failed, "storage"):
        if event.get("op") in ("read", "stat"):
            places.append((event["where"], bool(event.get("found"))))
    missing = [place for place in places if not place[1]]
    return missing[0] if missing else (places[-1] if places else None)


def logged(case: Case, where: str, words: str) -> str | None:
    """The last line with these words that nginx or an instance logged during the play, without its head."""
    lines = [line for line in case.play.logs.get(where, ()) if words in line]
    return lines[-1].partition("] ")[2][-300:] if lines else None
