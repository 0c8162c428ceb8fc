"""Ask before any upload: here the normal workflow is the right answer, and it has no numbers to give."""

from harness.scenario import Run, Scenario
from scenarios.v3 import NUMBER, TOTALS, Analyst


def story(run: Run) -> None:
    analyst = Analyst(run)
    for question in ("What is malaria?", TOTALS):
        seen = analyst.asks(question)
        run.must("the app answers", seen.status == 200, seen, f"{seen.status} {seen.text[:200]}")
        run.must(
            "the normal workflow answers", seen.value("tools_used") == [], seen, str(seen.value("tools_used"))
        )
        run.must("it does not pretend to have data", not NUMBER.search(seen.text), seen, seen.text[:200])


SCENARIO = Scenario("chat-first", "Ask before any upload", story, balanced=True)
