"""Two people at once, each with their own rows: each sees their own and never the other's."""

from concurrent.futures import ThreadPoolExecutor

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, Analyst, Dataset


def story(run: Run) -> None:
    users = [(Analyst(run, name), Dataset.random(f"{name}.csv")) for name in ("user-1", "user-2")]
    with ThreadPoolExecutor(len(users)) as at_once:
        list(at_once.map(lambda pair: pair[0].uploads(pair[1]), users))
        answers = list(at_once.map(lambda pair: pair[0].learns(TOTALS, pair[1].totals), users))
    for (analyst, _), (_, others), seen in zip(users, reversed(users), answers, strict=True):
        leaked = [str(int(total)) for total in others.totals.values() if str(int(total)) in seen.text]
        run.must(f"{analyst.name} sees nothing of the other's", not leaked, seen, ", ".join(leaked))


SCENARIO = Scenario("two-users", "Two users at once, each with their own data", story, balanced=True)
