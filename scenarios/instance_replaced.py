"""Another instance is replaced by a fresh one after the upload, as auto-scaling does; the user asks it."""

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, Analyst, Dataset


def story(run: Run) -> None:
    analyst, data = Analyst(run), Dataset.random()
    analyst.uploads(data, to="A")
    run.replace("B")
    analyst.learns(TOTALS, data.totals, to="B")


SCENARIO = Scenario("instance-replaced", "Ask an instance that has just replaced another", story, instances=2)
