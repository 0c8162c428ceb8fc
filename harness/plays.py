"""What one performance of a story showed: requests, checks, and what was done to the instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.observe import Observation


@dataclass(frozen=True)
class Check:
    """One thing that must hold: a sentence, whether it did, and the request that showed it."""

    sentence: str
    holds: bool
    found: str = ""
    request_id: str | None = None


@dataclass
class Play:
    """What one performance of a story showed.

    Attributes:
        lost: the instances killed in it, with their disks.
        lost_at: when, in unix time, in the same order.
        stopped: the instances that were down for a while, in order.
        stalled: the instances to which copies hung for a while.
        sticky: the cookies by which the balancer knows a client again.
        logs: errors that nginx and the instances logged meanwhile, by name.
    """

    routing: str
    observations: list[Observation] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    lost_at: list[float] = field(default_factory=list)
    stopped: list[str] = field(default_factory=list)
    stalled: list[str] = field(default_factory=list)
    sticky: tuple[str, ...] = ()
    logs: Mapping[str, Sequence[str]] = field(default_factory=dict)
    error: str | None = None

    @property
    def failure(self) -> Check | None:
        """The first check that did not hold."""
        return next((check for check in self.checks if not check.holds), None)

    @property
    def holds(self) -> bool:
        return self.error is None and self.failure is None

    def observed(self, request_id: str | None) -> Observation | None:
        """The observation of that request."""
        return next((seen for seen in self.observations if seen.request_id == request_id), None)
