"""Upload, upload again elsewhere, ask everywhere: every instance answers from the new data."""

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, Analyst, Dataset


def story(run: Run) -> None:
    analyst, old, new = Analyst(run), Dataset.random("january.csv"), Dataset.random("february.csv")
    analyst.uploads(old, to=run.instances[0])
    analyst.uploads(new, to=run.instances[-1])
    for instance in run.instances:
        analyst.learns(TOTALS, new.totals, to=instance)


SCENARIO = Scenario("reupload", "Upload again elsewhere, then ask every instance", story)
