"""What one instance answers already, the next must answer too: no moment at which they differ.

Where uploads are copied from instance to instance, the copy is made to take its time.
"""

from concurrent.futures import ThreadPoolExecutor

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, Analyst, Dataset


def story(run: Run) -> None:
    analyst, old, new = Analyst(run), Dataset.random("january.csv"), Dataset.random("february.csv")
    analyst.uploads(old, to="A/1")
    with ThreadPoolExecutor(1) as meanwhile, run.stalled("B"):
        upload = meanwhile.submit(analyst.uploads, new, to="A/1")
        analyst.waits(upload, new, at="A/2")
        analyst.learns(TOTALS, new.totals, to="A/2")
        analyst.learns(TOTALS, new.totals, to="B")


SCENARIO = Scenario(
    "during-push", "Ask both instances as soon as one has the new upload", story, instances=2, workers=2
)
