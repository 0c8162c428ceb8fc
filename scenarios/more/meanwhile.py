"""A question is under way in one tab while the user uploads in another: the upload stays."""

import time
from concurrent.futures import ThreadPoolExecutor

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, Analyst, Dataset

QUESTION = "What is malaria?"
HEAD_START = 0.4  # seconds: the question has its session by then, and its answer not yet


def story(run: Run) -> None:
    analyst, data = Analyst(run), Dataset.random()
    analyst.asks(QUESTION, to="A/2")  # a session begins
    with ThreadPoolExecutor(1) as tab, run.llm_fault("slow"):
        under_way = tab.submit(analyst.asks, QUESTION, to="A/2")
        time.sleep(HEAD_START)
        analyst.uploads(data, to="A/1")
        under_way.result()
    analyst.learns(TOTALS, data.totals, to="A/1")


SCENARIO = Scenario("meanwhile", "Upload while a question is under way", story, workers=2, scripted_llm=True)
