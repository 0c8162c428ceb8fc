"""Upload on A, restart A, ask A: a deploy must log nobody out."""

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, Analyst, Dataset


def story(run: Run) -> None:
    analyst, data = Analyst(run), Dataset.random()
    analyst.uploads(data, to="A")
    with run.down("A"):
        pass
    analyst.learns(TOTALS, data.totals, to="A")


SCENARIO = Scenario("restarted", "Upload, restart the instance, ask it", story)
