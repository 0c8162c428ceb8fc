"""Upload, then ask: the journey of the report, as any user makes it."""

from harness.scenario import Run, Scenario
from scenarios.v3 import RATES, TOTALS, Analyst, Dataset


def story(run: Run) -> None:
    analyst, data = Analyst(run), Dataset.random()
    analyst.uploads(data)
    analyst.learns(TOTALS, data.totals)
    analyst.learns(RATES, data.rates)


SCENARIO = Scenario("upload-then-chat", "Upload, then ask, through the balancer", story, balanced=True)
