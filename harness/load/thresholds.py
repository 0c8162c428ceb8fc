"""Thresholds: what must hold of a load, as ``p95 < 300ms``; they decide the exit code.

    [s3-redis: ]METRIC OPERATOR NUMBER[ms|s|x]

``x`` compares with the same figure of the single instance: ``p50 < 1.5x``. In a TOML file they stand in
lists, ``every = [...]`` for all and ``NAME = [...]`` for one topology.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import HarnessError
from harness.toml_file import Table, not_one_of, read

METRICS = {
    "requests": "requests answered or failed",
    "failed": "requests that failed, wrong answers not counted",
    "wrong": "wrong answers",
    "wrong_per_10000": "wrong answers per 10,000 that were judged",
    "lost": "sessions lost when an instance was killed: needs --kill",
    "rps": "requests per second",
    "p50": "time of which half of the requests are within, in ms or s",
    "p95": "the same for 95 of 100",
    "p99": "the same for 99 of 100",
    "memory": "MiB of an instance",
}
"""What can be compared, and what it is: the names are columns of the figures."""

OPERATORS: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
TIMES = ("p50", "p95", "p99")
COMPARED = ("rps", *TIMES, "memory")
"""Those that have a multiple of the single instance's, a column ``x_...``."""

EVERY = "every"
FORM = re.compile(r"(?:(?P<place>\S+)\s*:\s+)?(?P<metric>\w+)\s*(?P<sign>[=!<>]+)\s*(?P<value>.*)")
VALUE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|x|)")


@dataclass(frozen=True)
class Threshold:
    """One of them.

    Attributes:
        place: the topology or URL that it is for; ``EVERY`` for all.
        column: the metric, or its multiple of the single instance's.
        value: in the column's own unit, milliseconds for times.
    """

    text: str
    place: str
    column: str
    sign: str
    value: float

    def holds(self, figure: float) -> bool:
        return OPERATORS[self.sign](figure, self.value)


@dataclass(frozen=True)
class Verdict:
    """What came of a threshold in a case."""

    threshold: Threshold
    case: str
    figure: float

    @property
    def holds(self) -> bool:
        return self.threshold.holds(self.figure)


def parse(text: str, places: Iterable[str], where: str = "--threshold") -> Threshold:
    """Read one threshold.

    Args:
        places: the names that may stand before the colon.
        where: where it stood, for errors.

    Raises:
        HarnessError: it is none; the message has the text, and what is allowed.
    """
    match = FORM.fullmatch(text.strip())
    if match is None:
        raise HarnessError(
            f"{where}: {text!r} is no threshold; the form is '[TOPOLOGY: ]METRIC OPERATOR NUMBER[ms|s|x]', "
            f"e.g. 'p95 < 300ms'; metrics: {', '.join(METRICS)}; operators: {' '.join(OPERATORS)}"
        )
    place, metric, sign = match["place"] or EVERY, match["metric"], match["sign"]
    for found, allowed in ((place, [EVERY, *places]), (metric, METRICS), (sign, OPERATORS)):
        if found not in allowed:
            raise HarnessError(not_one_of(f"{where}: {text!r}", found, allowed))
    value = VALUE.fullmatch(match["value"])
    own = ("ms", "s") if metric in TIMES else ("",)
    if value is None or value["unit"] not in (*own, *(["x"] if metric in COMPARED else [])):
        example = "a time such as 300ms or 1.5s" if metric in TIMES else "a number such as 50"
        example += ", or 1.5x for times the single instance's" if metric in COMPARED else ""
        raise HarnessError(f"{where}: {text!r}: {metric} is compared with {example}, not {match['value']!r}")
    number = float(value["number"]) * (1000 if value["unit"] == "s" else 1)
    return Threshold(text.strip(), place, f"x_{metric}" if value["unit"] == "x" else metric, sign, number)


def load(path: Path, places: Iterable[str]) -> list[Threshold]:
    """Read a TOML file of them.

    Raises:
        HarnessError: unreadable, a key that names no topology of the run, or a text that is no threshold.
    """
    names, table = list(places), Table(path, "", read(path))
    table.only(EVERY, *names)
    found = []
    for key in table.data:
        for text in table.texts(key):
            one = parse(text, names, table.where(key))
            if one.place not in (EVERY, key):
                raise HarnessError(f"{table.where(key)}: {text!r} is for another topology than its key says")
            found.append(replace(one, place=key))
    return found


def judge(thresholds: Sequence[Threshold], lines: Iterable[Mapping[str, Any]]) -> list[Verdict]:
    """Hold thresholds against the figures of the cases that they are for.

    Args:
        lines: one a case, by the columns of ``harness.load.figures``.

    Raises:
        HarnessError: one is for a figure that could not be measured there.
    """
    cases = list(lines)
    run = {EVERY, *(line["place"] for line in cases)}
    for one in thresholds:
        if one.place not in run:
            raise HarnessError(f"{one.text!r} cannot be judged: {one.place} was skipped")
    found = [
        Verdict(one, line["case"], line[one.column])
        for one in thresholds
        for line in cases
        if one.place in (EVERY, line["place"])
    ]
    if unknown := [one for one in found if math.isnan(one.figure)]:
        first = unknown[0]
        raise HarnessError(f"{first.threshold.text!r} cannot be judged for {first.case}: it was not measured")
    return found
