"""Upload a large file and chat about it: what ``harness bench`` times, at each size.

The first chat goes to a worker that has not seen the file, of another instance where there is one; the
second goes to the same worker; the last to the one that took the upload.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from harness.scenario import Run
from harness.timed import Timed
from scenarios.v3 import TOTALS, WARDS, Analyst

MEGABYTE = 1_000_000
HEADER = "State,LGA,Ward,Facility,Month,Tests,Positive,Rate\n"
STEPS = ("upload", "first chat", "second chat", "chat where it was uploaded")


@dataclass(frozen=True)
class LargeFile:
    """Rows as a national programme's: places, facility, month, counts and a rate; some 80 bytes each."""

    filename: str
    csv: bytes
    totals: Mapping[str, float]

    @classmethod
    def random(cls, megabytes: int) -> LargeFile:
        """A megabyte of random rows, so many times over."""
        draw, size = random.SystemRandom(), 0
        lines: list[str] = []
        totals: Counter[str] = Counter()
        while size < MEGABYTE:
            ward, tests = draw.choice(WARDS), draw.randint(10_000, 99_999)
            positive = draw.randint(1_000, tests)
            facility = f"Facility {draw.randint(1, 1500):04d} Primary Health Centre"
            place = f"Kano,LGA {draw.randint(1, 44)},{ward},{facility},2024-{draw.randint(1, 12):02d}"
            lines.append(f"{place},{tests},{positive},{positive / tests:.4f}\n")
            size += len(lines[-1])
            totals[ward] += tests
        block = "".join(lines).encode()
        whole = {ward: total * megabytes for ward, total in totals.items()}
        return cls("national.csv", HEADER.encode() + block * megabytes, whole)


def timed(megabytes: int) -> Timed:
    """The journey with a file of that size."""

    def story(run: Run) -> None:
        analyst, data = Analyst(run), LargeFile.random(megabytes)
        elsewhere = f"{run.instances[-1]}/{run.deployment.topology.workers}"
        analyst.uploads(data, to="A/1")
        for at in (elsewhere, elsewhere, "A/1"):
            analyst.learns(TOTALS, data.totals, to=at)

    return Timed(f"{megabytes} MB", STEPS, story, topologies=("single", "s3-redis"))
