"""The command that puts topologies under load."""

# Only click is imported here: the commands import what they need, so that --help answers at once.
from __future__ import annotations

import sys
from typing import Any

import click

from harness.cli.options import AS_JSON, FILE, RESULTS, shared_options


class Numbers(click.ParamType[tuple[int, ...]]):
    """Whole numbers with commas between, e.g. ``1,2,4``."""

    name = "numbers"

    def __init__(self, most: int) -> None:
        self._most = most

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        parts = str(value).split(",")
        if not all(part.strip().isdecimal() and 1 <= int(part) <= self._most for part in parts):
            self.fail(
                f"{value!r} is not a list of whole numbers from 1 to {self._most} such as 1,2", param, ctx
            )
        return tuple(dict.fromkeys(map(int, parts)))


def _options(command: Any) -> Any:
    for option in reversed(OPTIONS):
        command = option(command)
    return command


OPTIONS = (
    click.option(
        "--url", "urls", multiple=True, metavar="URL", help="A deployment that runs already (repeatable)."
    ),
    click.option("-u", "--users", type=click.IntRange(1, 100_000), default=10, help="At a time."),
    click.option(
        "--time",
        "seconds",
        type=click.FloatRange(1),
        default=30,
        help="Seconds of load for each topology, all rounds together.",
    ),
    click.option("--rounds", type=click.IntRange(1, 1000), default=3, help="In each, every topology once."),
    click.option(
        "--processes",
        type=click.IntRange(1, 64),
        default=1,
        help="Locust processes on this machine.",
    ),
    click.option("--think", type=click.FloatRange(0), default=0.2, help="Seconds a user thinks, on average."),
    click.option(
        "--dropping",
        type=click.FloatRange(0, 1),
        default=0.2,
        help="Share of visits that lose the balancer's cookies.",
    ),
    click.option(
        "--balancer-cookie",
        "cookies",
        multiple=True,
        metavar="NAME",
        help="Such a cookie of a --url (repeatable).",
    ),
    click.option(
        "--instances", type=Numbers(8), default=(), metavar="N,N", help="So many instances each, e.g. 1,2,4."
    ),
    click.option(
        "--megabytes", type=Numbers(1000), default=(), metavar="N,N", help="Uploads of this size, e.g. 1,10."
    ),
    click.option("--kill", is_flag=True, help="One more round: an instance is killed half-way and replaced."),
    click.option(
        "--threshold",
        "texts",
        multiple=True,
        metavar="TEXT",
        help="What must hold: 'wrong == 0', 's3: p95 < 300ms', 'p50 < 1.5x' the single's (repeatable).",
    ),
    click.option(
        "--thresholds", "file", type=FILE, help="TOML file of them: every = [...], TOPOLOGY = [...]."
    ),
    click.option("--ui", is_flag=True, help="Locust's own web page instead; Ctrl-C ends it."),
    click.option("--master", is_flag=True, help="Leave the requests to workers, here or on other machines."),
    click.option("--bind", default="127.0.0.1:5557", metavar="HOST:PORT", help="Where the master listens."),
    click.option("--workers", type=click.IntRange(1, 1000), default=1, help="How many the master waits for."),
    click.option("--worker", metavar="HOST:PORT", help="Be a worker of the master there."),
    click.option("--markdown", is_flag=True, help="The table in Markdown."),
)


@click.command(context_settings={"show_default": True})
@click.argument("names", nargs=-1, metavar="[TOPOLOGY]...")
@_options
@shared_options
@RESULTS
@AS_JSON
def load(**given: Any) -> None:
    """Put topologies under load, in turn, and compare what they cost and whether they stay right.

    Wrong answers are failures, each with a name of its own. Thresholds decide the exit code; without any,
    it only measures.

    Example: harness load single s3-redis --users 20 --threshold "wrong == 0"
    """
    from harness.commands import loading
    from harness.commands.options import Options

    own = {name: given.pop(name) for name in loading.Wanted.__dataclass_fields__}
    sys.exit(loading.load(Options(**given), loading.Wanted(**own)))
