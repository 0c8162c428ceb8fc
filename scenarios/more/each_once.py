"""Upload and ask: an honest error is fine, running a request twice is not."""

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, Analyst, Dataset


def story(run: Run) -> None:
    analyst, data = Analyst(run), Dataset.random()
    for seen in (analyst.uploads(data), analyst.asks(TOTALS), analyst.asks(TOTALS)):
        ways = (seen.upstream or "").split(",")
        run.must("the request is put to one instance", len(ways) == 1, seen, f"tried: {', '.join(ways)}")


SCENARIO = Scenario("each-once", "No request runs twice", story)
