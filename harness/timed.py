"""Journeys whose requests are timed instead of judged, for ``harness bench``."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.errors import HarnessError
from harness.runtimes import Deployment, Runtime
from harness.scenario import Run, Scenario, play
from harness.topology import Plan


@dataclass(frozen=True)
class Timed:
    """A journey to time.

    Attributes:
        name: what tells it from others of the same steps, e.g. ``10 MB``.
        steps: what its requests are called, in order.
        story: as a scenario's; a time counts only if everything held that must.
        topologies: names of those that it is timed on; the others are compared with the first.
    """

    name: str
    steps: Sequence[str]
    story: Callable[[Run], None]
    topologies: Sequence[str]


class Stopwatch:
    """Plays timed journeys on deployments that it keeps up.

    Args:
        stack: what ends the deployments.
    """

    def __init__(self, plan: Plan, runtime: Runtime, stack: contextlib.ExitStack) -> None:
        self._plan, self._runtime, self._stack = plan, runtime, stack
        self._up: dict[str, Deployment] = {}
        self._left: dict[tuple[str, str], dict[str, float]] = {}

    def seconds(self, timed: Timed, topology: str, step: str) -> float:
        """Seconds of a step as the user sees it; one performance gives one time for each of its steps.

        Raises:
            HarnessError: something that must hold did not.
        """
        left = self._left.setdefault((timed.name, topology), {})
        if step not in left:
            left.update(self._perform(timed, self._deployment(topology)))
        return left.pop(step)

    def _deployment(self, topology: str) -> Deployment:
        if topology not in self._up:
            self._up[topology] = self._stack.enter_context(self._runtime.up(self._plan.topology(topology)))
        return self._up[topology]

    def _perform(self, timed: Timed, deployment: Deployment) -> dict[str, float]:
        performance = play(Scenario(timed.name, timed.name, timed.story), deployment)
        if not performance.holds:
            failed = performance.failure
            why = f"{failed.sentence}: {failed.found}" if failed else performance.error
            raise HarnessError(f"{timed.name} on {deployment.topology.name} cannot be timed: {why}")
        seconds = [seen.seconds for seen in performance.observations]
        return dict(zip(timed.steps, seconds, strict=True))
