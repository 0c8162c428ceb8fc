"""A file of 2 MB, to every instance in turn, and a question about it."""

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, WARDS, Analyst, Dataset

BYTES = 2_000_000


def story(run: Run) -> None:
    for instance in run.instances:
        analyst, few = Analyst(run, f"user-{instance}"), Dataset.random("big.csv")
        filler = [(WARDS[0], 0, 0)] * (BYTES // len(f"{WARDS[0]},0,0\n"))
        data = Dataset("big.csv", (*few.rows, *filler))
        analyst.uploads(data, to=instance)
        analyst.learns(TOTALS, few.totals, to=instance)


SCENARIO = Scenario("big-upload", "Upload 2 MB to every instance", story)
