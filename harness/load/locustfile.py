"""What Locust runs: ``python -m locust -f .../locustfile.py``. Never import it into the harness.

Each user makes one visit after another until time is up. Every finished request becomes a row; workers
send theirs to the master with Locust's own reports, and who has them all writes the outcome.
"""

from __future__ import annotations

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import gevent
from locust import HttpUser, events, task
from locust.clients import HttpSession
from locust.env import Environment
from locust.exception import StopUser
from locust.runners import STATE_CLEANUP, STATE_STOPPED, STATE_STOPPING, WorkerRunner

from harness.load import journey
from harness.load.visit import Terms, TimeUp, Visit, VisitEnded

COLUMNS = (
    "started",
    "ms",
    "request",
    "visit",
    "request_id",
    "status",
    "instance",
    "judged",
    "failure",
    "worker",
)
STOPPED = (STATE_CLEANUP, STATE_STOPPED, STATE_STOPPING)

rows: list[list[Any]] = []
journeys: list[journey.Journey] = []
"""The package's, imported before the clock starts; one entry."""
began: list[float] = []
"""When this process's test started; one entry."""


@events.init_command_line_parser.add_listener
def options(parser: Any) -> None:
    """Options of the journey; a master passes them on to its workers."""
    parser.add_argument("--package", default="scenarios", help="Package of scenarios with a LOAD")
    parser.add_argument("--seconds", type=float, default=0.0, help="No request begins later; 0: no end")
    parser.add_argument("--megabytes", type=int, default=Terms.megabytes, help="Size of what is uploaded")
    parser.add_argument("--think", type=float, default=Terms.think, help="Seconds between two requests")
    parser.add_argument("--dropping", type=float, default=Terms.dropping, help="Share that loses cookies")
    parser.add_argument("--balancer-cookies", default="", help="The cookies they lose, with commas")
    parser.add_argument("--outcome", default="", include_in_web_ui=False, help="File to write")


class Person(HttpUser):
    """Somebody who comes again and again, each time as a new person with an empty browser."""

    def wait_time(self) -> float:
        return 0.0

    def on_start(self) -> None:
        chosen = self.environment.parsed_options
        assert chosen is not None
        cookies = tuple(name for name in chosen.balancer_cookies.split(",") if name)
        self.terms = Terms(chosen.megabytes, chosen.think, chosen.dropping, cookies)
        self.seconds = chosen.seconds

    @task
    def visit(self) -> None:
        visit = Visit(self.terms, self.browser, self.over)
        with contextlib.closing(visit):
            try:
                with contextlib.suppress(VisitEnded):
                    journeys[0](visit)
                visit.thinks()
            except TimeUp as end:
                raise StopUser from end

    def browser(self) -> HttpSession:
        http = HttpSession(str(self.host), self.environment.events.request, self)
        http.trust_env = False
        return http

    def over(self) -> bool:
        runner = self.environment.runner
        assert runner is not None
        late = bool(self.seconds) and time.monotonic() > began[0] + self.seconds
        return late or runner.state in STOPPED


@events.test_start.add_listener
def start(environment: Environment, **_: Any) -> None:
    began[:] = [time.monotonic()]
    if outcome := _outcome(environment):
        outcome.with_suffix(".started").touch()


@events.init.add_listener
def prepare(environment: Environment, **_: Any) -> None:
    """Import the journey, and have rows kept.

    That only where they go somewhere: a web page that is left open for days must not fill the memory.
    """
    assert environment.parsed_options is not None
    journeys[:] = [journey.of(environment.parsed_options.package)]
    gevent.get_hub().loop.update_now()  # or Locust's clock starts before the import, and its time is up
    if isinstance(environment.runner, WorkerRunner):
        events.request.add_listener(row)
        events.report_to_master.add_listener(report)
    elif _outcome(environment):
        events.request.add_listener(row)
        events.worker_report.add_listener(reported)


def row(
    name: str, response_time: float, context: Any, exception: Any, start_time: float, **seen: Any
) -> None:
    answer = seen["response"]
    instance = answer.headers.get("X-Served-By", "").partition("/")[0]
    failure = None if exception is None else str(exception) or type(exception).__name__
    place = (context["visit"], context["request_id"], answer.status_code, instance, context["judged"])
    rows.append([start_time, response_time, name, *place, failure, ""])


def report(data: dict[str, Any], **_: Any) -> None:
    data["rows"] = rows[:]
    rows.clear()


def reported(client_id: str, data: dict[str, Any], **_: Any) -> None:
    rows.extend([*row[:-1], client_id] for row in data.get("rows", []))


@events.quitting.add_listener
def write(environment: Environment, **_: Any) -> None:
    runner = environment.runner
    assert runner is not None
    if (outcome := _outcome(environment)) is None:
        return
    text = json.dumps(
        {
            "columns": COLUMNS,
            "rows": rows,
            "requests": runner.stats.total.num_requests,
            "failures": runner.stats.total.num_failures,
            "raised": [f"{one['msg']}\n{one['traceback']}" for one in runner.exceptions.values()],
        }
    )
    outcome.write_text(text, encoding="utf-8")


def _outcome(environment: Environment) -> Path | None:
    """Where the outcome goes; None on a worker, whose master has it."""
    assert environment.parsed_options is not None
    outcome = environment.parsed_options.outcome
    return None if isinstance(environment.runner, WorkerRunner) or not outcome else Path(outcome)
