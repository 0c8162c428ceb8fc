"""What can be seen of a failed play from outside: requests, answers, cookies, who answered, and time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from harness.diagnose.causes import CAUSES
from harness.observe import Observation
from harness.plays import Play

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
"""Methods that may change something (RFC 9110, section 9.2.1)."""


@dataclass(frozen=True)
class View:
    """What it looks like from outside.

    Attributes:
        causes: ids of the causes that look like this, likeliest first.
        why: what was seen.
    """

    causes: tuple[str, ...]
    why: str

    @property
    def layer(self) -> str:
        return CAUSES[self.causes[0]].layer


@dataclass(frozen=True)
class Scene:
    """A play that failed, without what the app reported.

    Attributes:
        failed: the request whose check did not hold.
        alone: whether the play holds with every request sent to one instance, by its name.
    """

    play: Play
    failed: Observation
    alone: Mapping[str, bool]

    @cached_property
    def before(self) -> list[Observation]:
        """The same user's earlier requests."""
        ours = [seen for seen in self.play.observations if seen.user == self.failed.user]
        return sorted((one for one in ours if one.started < self.failed.started), key=lambda one: one.started)

    @cached_property
    def wrote(self) -> Observation | None:
        """The last of them that wrote: known to, where the words say so; else by its method."""
        accepted = [seen for seen in self.before if seen.status is not None and seen.status < 300]
        known = [seen for seen in accepted if seen.access is not None and seen.access.kind == "write"]
        return next(reversed(known or [seen for seen in accepted if seen.method in UNSAFE]), None)

    @property
    def moved(self) -> bool:
        """Whether another instance answered than the one that took the write."""
        return self.wrote is not None and place(self.wrote) != place(self.failed)

    @property
    def app_cookies(self) -> set[str]:
        """The cookies that were set for the user, but for the balancer's."""
        return {name for seen in self.before for name in seen.cookies_set} - set(self.play.sticky)

    @property
    def served_by_others(self) -> bool:
        """Whether another instance answered the same path well."""
        others = [seen for seen in self.play.observations if place(seen) != place(self.failed)]
        return any(seen.path == self.failed.path and seen.status == 200 for seen in others)

    @property
    def differs(self) -> bool:
        """Whether one instance alone works, and another one alone does not."""
        return len(set(self.alone.values())) == 2

    @property
    def shown_before(self) -> bool:
        """Whether the user was shown before what the last write wrote."""
        wrote = self.wrote.access if self.wrote else None
        reads = [seen.access for seen in self.before if seen.access and seen.access.kind == "read"]
        return wrote is not None and any(read.version == wrote.version for read in reads)


def place(seen: Observation) -> str | None:
    """Who answered: by name where the answer says so, else by the address that the balancer asked last."""
    return seen.instance or ((seen.upstream or "").rpartition(",")[2].strip() or None)
