"""After the upload a person logs in and runs rsync by hand, to the right host and folder; then B is asked.

The report's "manual rsync works, auto-sync does not".
"""

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, Analyst, Dataset


def story(run: Run) -> None:
    analyst, data = Analyst(run), Dataset.random()
    session = analyst.uploads(data, to="A").value("session_id")
    run.by_hand("A", "rsync", "-rt", f"uploads/{session}/", f"B:{session}/")
    analyst.learns(TOTALS, data.totals, to="B")


SCENARIO = Scenario(
    "rsync-by-hand",
    "Copy the upload by hand, then ask the other instance",
    story,
    instances=2,
    needs=("ssh",),
)
