"""Rounds: every case once, one after the other, then again (A B C A B C).

A machine that is busy for a while spoils a little of every case, and not all of one. In a last round,
if it is asked for, an instance is killed half-way, and another started in its place.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import HarnessError, PartMissing
from harness.load import driver
from harness.load.cases import Case
from harness.load.visit import Terms
from harness.runtimes import Deployment, Runtime

if TYPE_CHECKING:
    import pandas as pd

STORES = ("storage", "session_store", "llm", "sync")
"""The lists of an evidence record whose events are calls; ``bytes`` of an event is what was moved."""

KILL = "kill"
"""The name of the round in which an instance is killed."""


@dataclass(frozen=True)
class Slice:
    """A case in a round.

    Attributes:
        rows: one a request, with its calls and bytes by the app's evidence where there is any.
        memory: MiB of an instance on average at the end; NaN where it cannot be measured.
        killed: unix times from which an instance was dying, and from which it was dead.
    """

    case: Case
    round: str
    rows: pd.DataFrame
    memory: float
    killed: tuple[float, float] | None = None


@dataclass(frozen=True)
class Schedule:
    """How the cases are run.

    Attributes:
        rounds: how often each.
        kill: one more round, in which an instance is killed.
    """

    load: driver.Load
    terms: Terms
    rounds: int = 3
    kill: bool = False

    @property
    def names(self) -> list[str]:
        return [*map(str, range(1, self.rounds + 1)), *([KILL] if self.kill else [])]


def run(
    schedule: Schedule,
    cases: Sequence[Case],
    runtime: Runtime | None,
    folder: Callable[[], Path],
    html: Path,
    skipped: dict[str, str],
    notify: Callable[[str], None] = lambda _: None,
    master: driver.Master | None = None,
) -> Iterator[Slice]:
    """Every slice, as it is done.

    Args:
        runtime: brings the topologies up; None where all cases are URLs.
        folder: makes a new folder for files that nobody keeps.
        html: folder for Locust's own reports.
        skipped: where the names of cases are put that miss a real component on this machine, with the reason.

    Raises:
        HarnessError: something failed.
    """
    for number in schedule.names:
        for case in cases:
            if case.name in skipped or (number == KILL and case.topology is None):
                continue  # what somebody else runs is not ours to kill
            what = "with an instance killed" if number == KILL else f"{number} of {schedule.rounds}"
            notify(f"round {what}: {case.name}")
            report = html / f"{_file_name(case.name)}-{number}.html"
            try:
                with up(case, runtime) as (url, deployment):
                    yield _slice(schedule, case, number, url, deployment, folder(), report, master)
            except PartMissing as error:
                skipped[case.name] = str(error)


def cases_of(slices: Iterable[Slice]) -> list[Case]:
    """The cases of which there is a slice, each once."""
    return list({one.case.name: one.case for one in slices}.values())


@contextlib.contextmanager
def up(case: Case, runtime: Runtime | None) -> Iterator[tuple[str, Deployment | None]]:
    """A case's URL, and its deployment where it is ours."""
    if case.topology is None:
        yield case.place, None
        return
    assert runtime is not None
    with runtime.up(case.topology) as deployment:
        yield deployment.url, deployment


def terms(schedule: Schedule, case: Case, deployment: Deployment | None) -> Terms:
    """What the journey is told: with this case's size, and its balancer's cookies where they are known."""
    cookies = deployment.affinity.cookies if deployment else schedule.terms.balancer_cookies
    return replace(schedule.terms, megabytes=case.megabytes, balancer_cookies=cookies)


def _slice(
    schedule: Schedule,
    case: Case,
    number: str,
    url: str,
    deployment: Deployment | None,
    folder: Path,
    report: Path,
    master: driver.Master | None,
) -> Slice:
    killed: list[tuple[float, float]] = []

    def kill() -> None:
        assert deployment is not None
        first, dying = deployment.topology.instance_names[0], time.time()
        deployment.kill(first)
        killed.append((dying, time.time()))
        deployment.start(first)

    outcome = driver.run(
        schedule.load,
        terms(schedule, case, deployment),
        url,
        folder,
        html=report,
        master=master,
        half_way=kill if number == KILL else None,
    )
    if (seen := len(outcome.rows)) != outcome.requests:
        raise HarnessError(f"{case.name}: Locust counted {outcome.requests} requests, and reported {seen}")
    rows = outcome.rows
    if deployment is not None:
        rows = rows.join(_calls(deployment.evidence(), rows["request_id"]))
    return Slice(case, number, rows, _memory(deployment), *killed)


def _calls(evidence: Mapping[str, Mapping[str, Any]], ids: Iterable[str]) -> pd.DataFrame:
    """Calls and bytes of each request by its record; nothing where there is none."""
    import pandas as pd

    found = []
    for request_id in ids:
        record = evidence.get(request_id)
        row: dict[str, float] = {}
        for store in STORES if record is not None else ():
            events = (record or {}).get(store) or []
            row[f"{store}_calls"] = len(events)
            row[f"{store}_bytes"] = sum(event.get("bytes") or 0 for event in events)
        found.append(row)
    columns = [f"{store}_{what}" for store in STORES for what in ("calls", "bytes")]
    return pd.DataFrame(found, columns=columns, dtype=float)


def _memory(deployment: Deployment | None) -> float:
    """A runtime need not be able to tell: then it has no ``memory``."""
    weigh = getattr(deployment, "memory", None)
    if deployment is None or weigh is None:
        return float("nan")
    names = deployment.topology.instance_names
    return float(sum(map(weigh, names))) / len(names) / 2**20


def _file_name(name: str) -> str:
    return "".join(character if character.isalnum() or character in "-." else "-" for character in name)
