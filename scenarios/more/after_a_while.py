"""Three people: upload, wait a while, ask. Nothing is lost by waiting.

Three, lest by the balancer's turns each comes back to their own instance.
"""

import time

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, Analyst, Dataset

NAMES = ("user-1", "user-2", "user-3")
SECONDS = 1.3


def story(run: Run) -> None:
    people = [(Analyst(run, name), Dataset.random(f"{name}.csv")) for name in NAMES]
    for analyst, data in people:
        analyst.uploads(data)
    time.sleep(SECONDS)
    for analyst, data in people:
        analyst.learns(TOTALS, data.totals)


SCENARIO = Scenario("after-a-while", "Upload, wait a while, ask", story)
