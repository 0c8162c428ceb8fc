"""The other instance is down while the user uploads again; back up, it must answer from the new data.

Where uploads are copied to the other instance, the answer to the upload must say that this one was not.
"""

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, Analyst, Dataset


def story(run: Run) -> None:
    analyst, old, new = Analyst(run), Dataset.random("january.csv"), Dataset.random("february.csv")
    analyst.uploads(old, to="A")
    with run.down("B"):
        seen = analyst.uploads(new, to="A")
    claimed = [copy for copy in seen.value("copies") or [] if copy["place"] == "B" and copy["ok"]]
    run.must("no copy to B is claimed while B is down", not claimed, seen, str(claimed))
    for instance in ("A", "B"):
        analyst.learns(TOTALS, new.totals, to=instance)


SCENARIO = Scenario("peer-down", "Upload again while the other instance is down", story, instances=2)
