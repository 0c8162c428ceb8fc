"""Probes that tell families of faults apart: write here, read there, round the balancer.

    A/1 writes -> A/1, A/2, B/1, B/2 read      the same worker, another worker, another instance
    B/1 writes -> A/1, A/2, B/1, B/2 read      and the other way round
    A/1 writes, B/1 reads, A/1 reads           does asking elsewhere lose who one is?
    A/1 writes, B/1 reads k seconds later      does it come late?
    the balancer's choice, with and without its cookies; a browser without any cookie
    two users at once; a request under way while another one writes

Each probe has a user of its own, so that none spoils another; they run side by side.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from harness.observe import Observation
from harness.runtimes import Deployment
from harness.scenario import Run

LATER_SECONDS = 1.0
READS = 3
"""Reads through the balancer: an odd number, lest its turn fall on the right instance each time."""

MOST_INSTANCES, MOST_WORKERS = 3, 2
"""How many instances, and workers of each, the grid has at most."""

SIDE_BY_SIDE = 4

SECONDS = 3.0
"""When no further request is sent: where each answer takes seconds, the table stays incomplete."""


class Writer(Protocol):
    """A user who can write and read; each answer says by ``Observation.access`` what it wrote or shows."""

    def write(self, to: str | None = None) -> Observation: ...

    def read(self, to: str | None = None) -> Observation: ...

    def loses_cookies(self, *names: str) -> None: ...


Pair = Callable[[Run, str], Writer]
"""What a package of scenarios gives as ``PAIR``: a new user of that name, with an empty browser."""


@dataclass(frozen=True)
class Look:
    """One write and what reads made of it.

    Attributes:
        holds: whether every read showed it; for a stranger, whether none did.
        wrote, reads: what was asked; the last read is the one that shows it.
    """

    holds: bool
    wrote: Observation
    reads: Sequence[Observation]

    @property
    def accepted(self) -> bool:
        return self.wrote.status == 200

    @property
    def failed(self) -> Observation:
        """The request that shows that it does not hold."""
        return self.reads[-1] if self.reads else self.wrote


@dataclass(frozen=True)
class Table:
    """What the probes found; what a topology is too small for is not there.

    Attributes:
        grid: by the worker that took the write and the one that read, ``A/1``.
        rows: the other probes, by name.
        pins: whether the balancer is meant to send a client back to where it was.
        left_out: how many probes there was no time for.
    """

    grid: dict[tuple[str, str], Look] = field(default_factory=dict)
    rows: dict[str, Look] = field(default_factory=dict)
    pins: bool = False
    left_out: int = 0


BACK, LATER = "back where it was written, after a read elsewhere", "elsewhere, a second later"
BALANCED, NO_STICKINESS = "through the balancer", "through the balancer, without its cookies"
STRANGER = "a browser without cookies sees nothing of it"
TWO_USERS, MEANWHILE = "two users at once", "reads under way while it was written"


class OutOfTime(Exception):
    """A probe was not finished in time."""


@dataclass(frozen=True)
class _Punctual:
    """A writer who sends nothing after ``end``, in ``time.monotonic``'s seconds."""

    user: Writer
    end: float

    def write(self, to: str | None = None) -> Observation:
        self._in_time()
        return self.user.write(to)

    def read(self, to: str | None = None) -> Observation:
        self._in_time()
        return self.user.read(to)

    def loses_cookies(self, *names: str) -> None:
        self.user.loses_cookies(*names)

    def _in_time(self) -> None:
        if time.monotonic() > self.end:
            raise OutOfTime


def probe(deployment: Deployment, users: Pair, seconds: float = SECONDS) -> Table:
    """Probe a deployment that is up; what is not finished after these seconds is left out."""
    run, end = Run(deployment), time.monotonic() + seconds

    def pair(run: Run, name: str) -> Writer:
        return _Punctual(users(run, name), end)

    grid = {(wrote, read): _there for wrote in _writers(deployment) for read in _readers(deployment)}
    with contextlib.closing(run), ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        looks = {
            places: pool.submit(look, pair(run, f"{places[0]} to {places[1]}"), *places)
            for places, look in grid.items()
        }
        rows = {name: pool.submit(look) for name, look in _rows(run, pair)}
        there = {places: look for places, found in looks.items() if (look := _in_time(found)) is not None}
        others = {name: look for name, found in rows.items() if (look := _in_time(found)) is not None}
    missing = len(looks) + len(rows) - len(there) - len(others)
    return Table(there, others, deployment.affinity.pins, missing)


def _in_time(found: Future[Look]) -> Look | None:
    try:
        return found.result()
    except OutOfTime:
        return None


def _writers(deployment: Deployment) -> list[str]:
    return [f"{name}/1" for name in deployment.topology.instance_names[:MOST_INSTANCES]]


def _readers(deployment: Deployment) -> list[str]:
    workers = range(1, min(deployment.topology.workers, MOST_WORKERS) + 1)
    names = deployment.topology.instance_names[:MOST_INSTANCES]
    return [f"{name}/{worker}" for name in names for worker in workers]


def _rows(run: Run, pair: Pair) -> Iterator[tuple[str, Callable[[], Look]]]:
    affinity, names = run.deployment.affinity, run.instances
    here = f"{names[0]}/1"
    if len(names) > 1:
        there = f"{names[1]}/1"
        yield BACK, lambda: _there(pair(run, "back"), here, there, here)
        yield LATER, lambda: _later(pair(run, "later"), here, there)
        yield BALANCED, lambda: _balanced(pair(run, "balanced"))
        if affinity.pins and affinity.cookies:
            yield NO_STICKINESS, lambda: _balanced(pair(run, "unstuck"), affinity.cookies)
    yield STRANGER, lambda: _stranger(pair(run, "stranger"), here)
    yield TWO_USERS, lambda: _two_users(pair(run, "one of two"), pair(run, "two of two"), here)
    if beside := [place for place in _readers(run.deployment) if place != here]:
        yield MEANWHILE, lambda: _meanwhile(pair(run, "meanwhile"), here, beside)


def _shows(read: Observation, wrote: Observation) -> bool:
    """Whether a read shows what was written."""
    return None not in (read.access, wrote.access) and _version(read) == _version(wrote)


def _version(seen: Observation) -> str | None:
    return seen.access.version if seen.access else None


def _look(wrote: Observation, reads: Sequence[Observation]) -> Look:
    for number, read in enumerate(reads, start=1):
        if not _shows(read, wrote):
            return Look(False, wrote, reads[:number])
    return Look(wrote.status == 200, wrote, reads)


def _there(user: Writer, wrote_at: str, *read_at: str) -> Look:
    """Only the last read counts."""
    wrote = user.write(wrote_at)
    if wrote.status != 200:
        return Look(False, wrote, ())
    return _look(wrote, [user.read(place) for place in read_at][-1:])


def _later(user: Writer, here: str, there: str) -> Look:
    wrote = user.write(here)
    time.sleep(LATER_SECONDS)
    return _look(wrote, [user.read(there)])


def _balanced(user: Writer, drops: Sequence[str] = ()) -> Look:
    wrote = user.write()
    reads = []
    for _ in range(READS):
        if drops:
            user.loses_cookies(*drops)
        reads.append(user.read())
    return _look(wrote, reads)


def _stranger(user: Writer, here: str) -> Look:
    wrote = user.write(here)
    user.loses_cookies()
    read = user.read(here)
    return Look(not _shows(read, wrote), wrote, [read])


def _two_users(one: Writer, other: Writer, here: str) -> Look:
    with ThreadPoolExecutor(2) as at_once:
        wrote, others = list(at_once.map(lambda user: user.write(here), (one, other)))
    looks = [_look(wrote, [one.read(here)]), _look(others, [other.read(here)])]
    return min(looks, key=lambda look: look.holds)


def _meanwhile(user: Writer, here: str, beside: Sequence[str]) -> Look:
    """A session that is written back whole, by who read it before, loses what came in between."""
    user.read(here)  # a session begins
    written = threading.Event()

    def reads_on(place: str) -> None:
        while not written.is_set():
            user.read(place)

    with ThreadPoolExecutor(len(beside)) as at_once:
        under_way = [at_once.submit(reads_on, place) for place in beside]
        try:
            wrote = user.write(here)
        finally:
            written.set()
        for reading in under_way:
            reading.result()
    return _look(wrote, [user.read(here)])
