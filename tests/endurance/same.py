"""Runs in a row, at the same time, under stress: the verdicts are the same, and nothing is left."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.endurance import runs


@dataclass(frozen=True)
class Outcome:
    """What came of a run; ``problems`` is empty when all is well."""

    seconds: float
    exit_code: int | None
    verdicts: runs.Verdicts
    problems: tuple[str, ...]


def at_once(
    number: int, arguments: Sequence[str], expected: runs.Verdicts | None = None, keep: Path | None = None
) -> list[Outcome]:
    """So many runs at the same time; their verdicts must be those expected, else the first one's.

    Args:
        keep: where their results and output go when one of them had problems.
    """
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(runs.started(*arguments)) for _ in range(number)]
        seconds: dict[int, float] = {}
        while len(seconds) < number and started[0].age < runs.RUN_SECONDS:
            for place, run in enumerate(started):
                run.wait(runs.POLL_SECONDS / number)
                if run.ended:
                    seconds.setdefault(place, run.age)
        reference = expected or runs.verdicts(started[0])
        outcomes = [
            _outcome(run, seconds.get(place, run.age), reference) for place, run in enumerate(started)
        ]
        if keep and any(outcome.problems for outcome in outcomes):
            without = shutil.ignore_patterns(started[0].watch.scratch.name)
            for run in started:  # all of them: what differs may be the first one's doing
                shutil.copytree(run.folder, keep / run.folder.name, ignore=without)
        return outcomes


def _outcome(run: runs.Run, seconds: float, expected: runs.Verdicts) -> Outcome:
    code, found = run.process.poll(), runs.verdicts(run)
    problems: list[str] = []
    if code is None:
        return Outcome(seconds, code, found, (f"it still runs after {seconds:.0f} s",))
    for cell in runs.cells(run):
        if not cell["as_expected"]:
            place = cell["topology"], cell["scenario"]
            problems.append(f"{' / '.join(place)}: {found[place]}, expected {cell['expected']}")
    if not problems and (code != 0 or not found):
        problems.append(run.complaint())
    for place in sorted(expected.keys() | found.keys()):
        if found.get(place) != expected.get(place):
            problems.append(f"{' / '.join(place)}: {found.get(place)}, not {expected.get(place)} as before")
    return Outcome(seconds, code, found, (*problems, *run.left_behind()))
