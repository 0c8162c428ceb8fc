"""The client loses the balancer's cookies but keeps the app's: an SDK, a proxy, an hour's lunch.

With no cookie at all the client is a stranger, and must get nobody's data.
"""

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, Analyst, Dataset, gives

TIMES = 3  # more than once, lest the balancer's turn falls on the right instance


def story(run: Run) -> None:
    analyst, data = Analyst(run), Dataset.random()
    analyst.uploads(data)
    for _ in range(TIMES):
        if run.deployment.affinity.cookies:
            analyst.loses_cookies(*run.deployment.affinity.cookies)
        analyst.learns(TOTALS, data.totals)
    analyst.loses_cookies()
    seen = analyst.asks(TOTALS)
    run.must("without any cookie the client gets an answer", seen.status == 200, seen, str(seen.status))
    run.must("without any cookie nobody's data is shown", not gives(seen.text, data.totals), seen, seen.text)


SCENARIO = Scenario("dropped-cookies", "The client drops the balancer's cookies", story, balanced=True)
