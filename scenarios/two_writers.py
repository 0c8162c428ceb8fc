"""One user uploads from two tabs at once, each to another instance; a second later all agree on one.

A network file system's client may need a moment to see what another one has renamed over its file.
"""

import time
from concurrent.futures import ThreadPoolExecutor

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, Analyst, Dataset, gives

SETTLED_SECONDS = 1.0


def story(run: Run) -> None:
    analyst = Analyst(run)
    analyst.uploads(Dataset.random("first.csv"), to="A/1")
    sent = {"A": Dataset.random("tab-a.csv"), "B": Dataset.random("tab-b.csv")}
    with ThreadPoolExecutor(2) as tabs:
        with run.stalled("A", "B"):  # where uploads are copied to each other: no copy before both are written
            uploads = {name: tabs.submit(analyst.tries, data, to=f"{name}/1") for name, data in sent.items()}
            for name, data in sent.items():
                analyst.waits(uploads[name], data, at=f"{name}/2")
        replies = {name: upload.result() for name, upload in uploads.items()}
    taken = [sent[name] for name, seen in replies.items() if seen.status == 200]
    run.must("one of the uploads is accepted", bool(taken), replies["A"], replies["A"].text[:200])
    time.sleep(SETTLED_SECONDS)
    answers = {name: analyst.asks(TOTALS, to=f"{name}/1") for name in sent}
    told = {
        name: [data.filename for data in taken if gives(seen.text, data.totals)]
        for name, seen in answers.items()
    }
    run.must(
        "A answers from an upload that was accepted", bool(told["A"]), answers["A"], answers["A"].text[:200]
    )
    found = f"A answers from {', '.join(told['A'])}, B from {', '.join(told['B']) or 'neither'}"
    run.must("A and B answer from the same", told["A"] == told["B"], answers["B"], found)


SCENARIO = Scenario("two-writers", "One user uploads to two instances at once", story, instances=2, workers=2)
