"""Some people upload, one after the other, each with a browser of their own: no instance has them all."""

from harness.scenario import Run, Scenario
from scenarios.v3 import Analyst, Dataset

PEOPLE = 4


def story(run: Run) -> None:
    names = [f"user-{number}" for number in range(1, PEOPLE + 1)]
    uploads = [Analyst(run, name).uploads(Dataset.random(f"{name}.csv")) for name in names]
    served = [str(seen.instance) for seen in uploads]
    run.must("more than one instance serves", len(set(served)) > 1, uploads[-1], ", ".join(served))


SCENARIO = Scenario("spread", "Users are spread over the instances", story, instances=2)
