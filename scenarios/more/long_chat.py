"""A long chat, which the session remembers: the last answer is as right as the first."""

import secrets

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, Analyst, Dataset

NOTES = 4
NOTE_BYTES = 300


def story(run: Run) -> None:
    analyst, data = Analyst(run), Dataset.random()
    analyst.uploads(data)
    for _ in range(NOTES):  # random, lest a session that is compressed stays small
        note = analyst.asks(f"A note for later: {secrets.token_urlsafe(NOTE_BYTES)}")
        run.must("the app answers", note.status == 200, note, f"{note.status} {note.text[:200]}")
    analyst.learns(TOTALS, data.totals)


SCENARIO = Scenario("long-chat", "Upload, then a long chat", story)
