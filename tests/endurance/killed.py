"""Kill a run at a random moment: nothing of it is left, and the next run works at once."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import click

from tests.endurance import runs

SIGNALS: dict[str, Callable[[int], None]] = {
    "SIGINT": lambda pid: os.kill(pid, signal.SIGINT),
    "SIGTERM": lambda pid: os.kill(pid, signal.SIGTERM),
    "SIGKILL": lambda pid: os.kill(pid, signal.SIGKILL),
    # A terminal sends it to the whole process group: to the helpers that Python itself starts, too.
    "Ctrl-C": lambda pid: os.killpg(pid, signal.SIGINT),
}
CODES = {
    0,
    *[code for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL) for code in (-number, 128 + number)],
}
"""How a run may end: done before the signal came, by the signal itself, or orderly because of it."""
SECOND_SECONDS = 1.5
"""A second signal comes within this time of the first."""
NEXT = ("run", "upload-a-chat-b", "-t", "s3", "--json")


@dataclass(frozen=True)
class Calm:
    """A run that nobody disturbed.

    Attributes:
        seconds: how long it took.
        last: its last line of progress, which clean-up of what is still up follows; None for a short one.
        tail: how long it took from there; of a short one, the last fifth.
    """

    seconds: float
    last: str | None
    tail: float


@dataclass(frozen=True)
class Plan:
    """Which signal comes when.

    Attributes:
        delay: seconds from the start, or from when the output has the line ``after``.
        again: another signal, and how long after the first.
    """

    signal: str
    delay: float
    after: str | None = None
    again: tuple[str, float] | None = None

    @property
    def in_clean_up(self) -> bool:
        return self.after is not None or self.again is not None

    def __str__(self) -> str:
        begin = f"line '{self.after}'" if self.after else "the start"
        text = f"{self.signal} {self.delay:.2f} s after {begin}"
        return text + (f", {self.again[0]} {self.again[1]:.2f} s later" if self.again else "")


@dataclass(frozen=True)
class Attempt:
    """What came of a plan; ``problems`` is empty when all is well."""

    plan: str
    exit_code: int | None
    seconds: float
    gone_after: float
    next_seconds: float | None
    problems: tuple[str, ...]


def calm(arguments: Sequence[str]) -> Calm:
    """Measure a run.

    Raises:
        ClickException: it fails.
    """
    progress: dict[str, float] = {}
    with runs.started(*arguments) as run:

        def note() -> None:
            for line in re.findall(r"^ *(\d+ of \d+ cells)$", run.stderr, re.MULTILINE):
                progress.setdefault(line, run.age)

        run.wait(until=note)
        note()
        seconds = run.age
        if run.process.poll() != 0:
            raise click.ClickException(f"undisturbed, it fails: {run.complaint()}")
    last, begin = list(progress.items())[-1] if progress else (None, 0.8 * seconds)
    return Calm(seconds, last, seconds - begin)


def plans(measured: Calm, times: int, draw: random.Random) -> Iterator[Plan]:
    """Moments spread evenly over the whole life of a run; one in three strikes in clean-up."""
    names = [list(SIGNALS)[number % len(SIGNALS)] for number in range(times)]
    draw.shuffle(names)
    slots = list(range(times))
    draw.shuffle(slots)
    for number, (name, slot) in enumerate(zip(names, slots, strict=True)):
        anywhere = (slot + draw.random()) / times * (measured.seconds + 0.5)
        if number % 6 == 2:
            begin = 0 if measured.last else measured.seconds - measured.tail
            yield Plan(name, begin + draw.uniform(0, measured.tail), after=measured.last)
        elif number % 6 == 5:
            first = draw.choice(["SIGINT", "SIGTERM", "Ctrl-C"])  # after SIGKILL it has no second chance
            yield Plan(first, anywhere, again=(name, draw.uniform(0, SECOND_SECONDS)))
        else:
            yield Plan(name, anywhere)


def attempt(plan: Plan, arguments: Sequence[str], *, with_next: bool = True) -> Attempt:
    """Carry out a plan, and look at what is left."""
    problems: list[str] = []
    with runs.started(*arguments) as run:
        if (line := plan.after) is not None:
            run.wait(until=lambda: line in run.stderr)
        run.wait(plan.delay)
        _send(run, plan.signal)
        struck, seconds = time.monotonic(), run.age
        if plan.again is not None:
            run.wait(plan.again[1])
            _send(run, plan.again[0])
        run.wait(runs.END_SECONDS)
        code = run.process.poll()
        if code is None:
            problems.append(f"it still runs {runs.END_SECONDS:.0f} s after the signal")
        elif code not in CODES:
            problems.append(run.complaint())
        if not with_next:
            problems += run.left_behind()
            return Attempt(str(plan), code, seconds, time.monotonic() - struck, None, tuple(problems))
        with runs.started(*NEXT) as following:  # at once: the janitor may still be at work
            problems += run.left_behind()
            gone_after = time.monotonic() - struck
            following.wait()
            next_seconds = following.age
            if following.process.poll() != 0:
                problems.append(f"next run: {following.complaint()}")
            problems += [f"next run: {line}" for line in following.left_behind()]
    return Attempt(str(plan), code, seconds, gone_after, next_seconds, tuple(problems))


def _send(run: runs.Run, name: str) -> None:
    run.watch.look()
    run.watch.take_census()
    if not run.ended:
        SIGNALS[name](run.process.pid)
