"""Two people, one after the other, each with one browser that keeps every cookie: upload, ask, ask again.

Through the balancer alone, for this is where stickiness is at its best. Two, lest the balancer's turn
fall on the right instance.
"""

from harness.scenario import Run, Scenario
from scenarios.v3 import RATES, TOTALS, Analyst, Dataset


def story(run: Run) -> None:
    for name in ("user-1", "user-2"):
        analyst, data = Analyst(run, name), Dataset.random(f"{name}.csv")
        analyst.uploads(data)
        analyst.learns(TOTALS, data.totals)
        analyst.learns(RATES, data.rates)


SCENARIO = Scenario("one-browser", "Upload, then ask, with one well-behaved browser", story)
