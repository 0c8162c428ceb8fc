"""Upload on A, ask on B, and the other way round: is the state shared, whatever the balancer does?"""

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, Analyst, Dataset


def story(run: Run) -> None:
    for upload_at, chat_at in (("A", "B"), ("B", "A")):
        analyst, data = Analyst(run, f"user-{upload_at}"), Dataset.random()
        analyst.uploads(data, to=upload_at)
        analyst.learns(TOTALS, data.totals, to=chat_at)


SCENARIO = Scenario("upload-a-chat-b", "Upload on A, ask on B, and back", story, instances=2)
