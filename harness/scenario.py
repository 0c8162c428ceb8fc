"""A scenario and one play of it: who sends what where, and what must hold.

story(run)   plain Python: run.user() acts, run.must(...) says what has to hold
play         one performance of the story on a deployment, under one routing
judge        plays it through the balancer; if that holds, plays it again with every request forced
             to another instance and worker than the last, to see whether affinity alone held it up
"""

from __future__ import annotations

import contextlib
import itertools
import shlex
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, Protocol

from harness.client import User
from harness.errors import HarnessError
from harness.logs import Logs
from harness.observe import Observation
from harness.plays import Check, Play
from harness.runtimes import Deployment
from harness.services import SERVICES
from harness.topology import Topology

WORKS = "works"
AFFINITY = "works only thanks to affinity"
BROKEN = "broken"
SKIPPED = "skipped"
UNKNOWN = "unknown"
VERDICTS = (WORKS, AFFINITY, BROKEN, SKIPPED, UNKNOWN)

BALANCED = "as the scenario routes them"
AROUND = "every request to another worker than the last"


@dataclass(frozen=True)
class Scenario:
    """A journey, and the routing or fault that makes it interesting.

    Attributes:
        story: the journey; it must check something with ``run.must``.
        balanced: its requests go through the balancer, so affinity may be what holds it up.
        instances, workers: the least it needs of a topology to mean anything.
        needs: names of services that it acts on, without which it means nothing.
        spends: it kills an instance, so the deployment cannot be used again.
        scripted_llm: it misconfigures the model server, so it needs the scripted one.
    """

    name: str
    title: str
    story: Callable[[Run], None]
    balanced: bool = False
    instances: int = 1
    workers: int = 1
    needs: tuple[str, ...] = ()
    spends: bool = False
    scripted_llm: bool = False


class Person(Protocol):
    """Somebody with a browser: see ``harness.client.User``."""

    def request(
        self, method: str, path: str, *, label: str, to: str | None = None, **sent: Any
    ) -> Observation: ...

    def drop_cookies(self, names: Iterable[str] | None = None) -> None: ...


class Stage(Protocol):
    """What people act on: the run of a scenario, or a visit under load (``harness.load.visit``)."""

    def user(self, name: str = "user") -> Person: ...

    def must(self, sentence: str, holds: bool, seen: Observation | None = None, found: str = "") -> None: ...


class StoryEnded(Exception):
    """A check did not hold: the story ends there. Stories let it pass."""


class Run:
    """What a story acts through.

    Args:
        deployment: the topology that is up.
        routing: ``BALANCED`` or ``AROUND``.
        only: send every request to this instance, whatever the story says.
        tell: called with each observation as it happens, its evidence attached.
    """

    def __init__(
        self,
        deployment: Deployment,
        routing: str = BALANCED,
        tell: Callable[[Observation], None] | None = None,
        only: str | None = None,
    ) -> None:
        self.deployment = deployment
        self.play = Play(f"every request to {only}" if only else routing)
        if deployment.affinity.pins:
            self.play.sticky = deployment.affinity.cookies
        self._tell, self._only = tell, only
        self._users = contextlib.ExitStack()
        self._count = itertools.count()
        self._lock = threading.Lock()

    @property
    def instances(self) -> tuple[str, ...]:
        """Names of the instances: A, B, ..."""
        return self.deployment.topology.instance_names

    def user(self, name: str = "user") -> User:
        """A new person with an empty browser."""
        user = User(name, self.deployment.url, self._route(), self._record, self._only)
        self._users.callback(user.close)
        return user

    def must(self, sentence: str, holds: bool, seen: Observation | None = None, found: str = "") -> None:
        """Record a check.

        Raises:
            StoryEnded: it does not hold.
        """
        with self._lock:
            self.play.checks.append(Check(sentence, holds, found, seen.request_id if seen else None))
        if not holds:
            raise StoryEnded(sentence)

    def kill(self, instance: str | None) -> None:
        """Kill an instance and its disk. Without a name (nobody said who served): the story ends."""
        if instance not in self.instances:
            self._cannot(f"cannot kill {instance!r}: no answer named the instance (X-Served-By)")
        self.deployment.kill(instance)
        self.play.lost.append(instance)
        self.play.lost_at.append(time.time())

    def replace(self, instance: str) -> None:
        """Kill an instance and its disk, and start another in its place, as an auto-scaling group does."""
        self.kill(instance)
        self.deployment.start(instance)

    @contextlib.contextmanager
    def down(self, instance: str) -> Iterator[None]:
        """The instance does not run for a while; its disk stays."""
        self.deployment.stop(instance)
        self.play.stopped.append(instance)
        try:
            yield
        finally:
            self.deployment.start(instance)

    @contextlib.contextmanager
    def stalled(self, *instances: str) -> Iterator[None]:
        """Copies from peers to these instances hang for a while; users reach them all the same."""
        try:
            for instance in instances:
                self.deployment.stall_ssh(instance, True)
                self.play.stalled.append(instance)
            yield
        finally:
            for instance in instances:
                self.deployment.stall_ssh(instance, False)

    def by_hand(self, instance: str, *argv: str) -> None:
        """A person logs in on an instance and runs a command; it must succeed."""
        done = self.deployment.command(instance, argv)
        found = f"exit code {done.returncode} {done.stderr.strip()[-200:]}"
        self.must(f"on {instance}, by hand: {shlex.join(argv)}", done.returncode == 0, None, found)

    @contextlib.contextmanager
    def llm_fault(self, fault: str) -> Iterator[None]:
        """The model server misconfigured in this way, for a while."""
        self.deployment.set_llm_fault(fault)
        try:
            yield
        finally:
            self.deployment.set_llm_fault(self.deployment.topology.llm)

    def close(self) -> None:
        self._users.close()

    def _route(self) -> Callable[[], str | None]:
        if self.play.routing == BALANCED:
            return lambda: None
        steps = itertools.count(next(self._count))  # two users never walk in step
        return lambda: around(self.deployment, next(steps))

    def _record(self, seen: Observation) -> None:
        with self._lock:
            self.play.observations.append(seen)
            seen.evidence = self.deployment.evidence().get(seen.request_id, {})
            if self._tell:
                self._tell(seen)

    def _cannot(self, why: str) -> NoReturn:
        self.play.error = why
        raise StoryEnded(why)


def around(deployment: Deployment, step: int) -> str:
    """The step's target on the way round: another instance each time, then its next worker."""
    topology = deployment.topology
    names = topology.instance_names
    worker = (step // len(names)) % topology.workers + 1
    return f"{names[step % len(names)]}/{worker}"


def play(
    scenario: Scenario,
    deployment: Deployment,
    routing: str = BALANCED,
    tell: Callable[[Observation], None] | None = None,
    only: str | None = None,
) -> Play:
    """Perform a story once; with ``only``, every request of it at that instance.

    Raises:
        HarnessError: the deployment cannot do what the story asks, or the story checks nothing.
    """
    run, logs = Run(deployment, routing, tell, only), Logs.of(deployment)
    with contextlib.closing(run), contextlib.suppress(StoryEnded):
        scenario.story(run)
    records = deployment.evidence()  # again: a request that was repeated may go on after its answer
    for seen in run.play.observations:
        if (runs := records.get(seen.request_id, {}).get("runs", 1)) > 1:
            seen.evidence = {**seen.evidence, "runs": runs}
    run.play.logs = logs.errors()
    if not run.play.checks and run.play.error is None:
        raise HarnessError(f"scenario {scenario.name} checked nothing: a story needs run.must(...)")
    return run.play


@dataclass(frozen=True)
class Judgement:
    """A verdict, the plays it rests on, and the one that shows what breaks (None when it works)."""

    verdict: str
    plays: Sequence[Play]
    witness: Play | None = None


def judge(scenario: Scenario, deployment: Deployment) -> Judgement:
    """State verdict and affinity verdict of one scenario on one deployment."""
    first = play(scenario, deployment)
    if not first.holds:
        return Judgement(UNKNOWN if first.error else BROKEN, [first], first)
    if not scenario.balanced:
        return Judgement(WORKS, [first])
    second = play(scenario, deployment, AROUND)
    if second.holds:
        return Judgement(WORKS, [first, second])
    # Without affinity a pass through the balancer was luck: the parity of requests and instances.
    verdict = AFFINITY if deployment.affinity.pins else BROKEN
    return Judgement(UNKNOWN if second.error else verdict, [first, second], second)


def unmet(scenario: Scenario, topology: Topology) -> str | None:
    """Why a scenario means nothing on such a topology; None where it does."""
    if topology.instances < scenario.instances:
        return f"needs {scenario.instances} instances"
    if topology.workers < scenario.workers:
        return f"needs {scenario.workers} workers an instance"
    if without := [need for need in scenario.needs if need not in topology.needs]:
        return f"needs {SERVICES[without[0]]}"
    return None
