"""The other instance is down during the upload, and the one that took it is lost: is it anywhere else?"""

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, Analyst, Dataset


def story(run: Run) -> None:
    analyst, data = Analyst(run), Dataset.random()
    with run.down("B"):
        analyst.uploads(data, to="A")
        run.kill("A")
    analyst.learns(TOTALS, data.totals, to="B")


SCENARIO = Scenario(
    "lost-before-push", "Lose the instance before its upload is copied", story, instances=2, spends=True
)
