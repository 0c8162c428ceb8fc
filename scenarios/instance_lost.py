"""The instance that took the upload is killed, its disk goes with it; then the user asks."""

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, Analyst, Dataset


def story(run: Run) -> None:
    analyst, data = Analyst(run), Dataset.random()
    upload = analyst.uploads(data)
    run.kill(upload.instance)
    analyst.learns(TOTALS, data.totals)


SCENARIO = Scenario("instance-lost", "The instance that took the upload is killed", story, spends=True)
