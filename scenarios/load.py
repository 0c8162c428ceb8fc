"""A visit under load: upload, a conversation, upload again, ask again; some lose the balancer's cookies.

What is right is known from the rows that this visit uploaded last. What is wrong has a name: another
user's numbers, those of an earlier upload, or none at all though there is an upload.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.load.visit import Visit
from scenarios.large_uploads import LargeFile
from scenarios.v3 import NUMBER, TOTALS, Analyst, Dataset, gives

UPLOADS = 2
QUESTIONS = 3
PATIENCE = 20
"""How often somebody asks a question that is answered by an error."""


@dataclass
class Everybody:
    """The numbers that all visits of this process have uploaded, those of ended visits too, up to a bound."""

    most: int = 100_000
    _numbers: dict[int, None] = field(default_factory=dict)

    def add(self, totals: Mapping[str, float]) -> None:
        self._numbers |= dict.fromkeys(map(int, totals.values()))
        while len(self._numbers) > self.most:
            del self._numbers[next(iter(self._numbers))]

    def others(self, text: str, uploads: Sequence[Mapping[str, float]]) -> bool:
        """Whether the text has a number that somebody uploaded and that is in none of these uploads."""
        mine = {number for totals in uploads for number in totals.values()}
        found = {float(number.replace(",", "")) for number in NUMBER.findall(text)}
        return any(number in self._numbers for number in found - mine)


EVERYBODY = Everybody()


def journey(visit: Visit) -> None:
    analyst = Analyst(visit)
    drops = visit.chance(visit.terms.dropping) and visit.terms.balancer_cookies
    uploads: list[Mapping[str, float]] = []
    for _ in range(UPLOADS):
        data = file(visit.terms.megabytes)
        EVERYBODY.add(data.totals)
        analyst.uploads(data)
        uploads.append(data.totals)
        for _ in range(QUESTIONS):
            for _ in range(PATIENCE):
                visit.thinks()
                if drops:
                    analyst.loses_cookies(*drops)
                seen = analyst.asks(TOTALS)
                visit.answered(seen, wrong(seen.text, uploads))
                if seen.status is not None and seen.status < 500:
                    break
        visit.thinks()


def wrong(text: str, uploads: Sequence[Mapping[str, float]]) -> str | None:
    """What is wrong with an answer after these uploads, the last of which counts; None where nothing is."""
    *earlier, last = uploads
    if EVERYBODY.others(text, uploads):
        return "another user's numbers"
    if gives(text, last):
        return None
    if any(gives(text, old) for old in earlier):
        return "numbers of an earlier upload"
    if NUMBER.search(text):
        return "numbers that this user never uploaded"
    return "a general answer after an upload"


def file(megabytes: int) -> Dataset | LargeFile:
    """A file that nobody else uploads: a few rows; where it is to be large, behind those that all upload."""
    data = Dataset.random()
    if not megabytes:
        return data
    large = _common(megabytes)
    rows = (
        f"Kano,LGA 1,{ward},Facility 0001,2024-01,{tests},{positive},{positive / tests:.4f}\n"
        for ward, tests, positive in data.rows
    )
    totals = {ward: large.totals[ward] + total for ward, total in data.totals.items()}
    return LargeFile(data.filename, large.csv + "".join(rows).encode(), totals)


@functools.cache
def _common(megabytes: int) -> LargeFile:
    return LargeFile.random(megabytes)
