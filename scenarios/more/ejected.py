"""The instance that took the upload is away, and a health check finds that out; then the user asks."""

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, Analyst, Dataset


def story(run: Run) -> None:
    analyst, data = Analyst(run), Dataset.random()
    upload = analyst.uploads(data)
    with run.down(upload.instance or ""):
        for turn in run.instances:  # without cookies: one of them is put to the instance that is away
            run.user(f"health check {turn}").request("GET", "/health", label="health check")
        analyst.learns(TOTALS, data.totals)


SCENARIO = Scenario("ejected", "Ask while the instance that took the upload is away", story, instances=2)
