"""Upload on one worker of an instance, ask its other worker: no balancer's affinity chooses a worker."""

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, Analyst, Dataset


def story(run: Run) -> None:
    analyst, data = Analyst(run), Dataset.random()
    analyst.uploads(data, to="A/1")
    analyst.learns(TOTALS, data.totals, to="A/2")


SCENARIO = Scenario("other-worker", "Upload on worker 1, ask worker 2 of the same instance", story, workers=2)
