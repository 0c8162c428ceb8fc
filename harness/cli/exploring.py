"""Commands for any app: explore."""

# Only click is imported here: the commands import what they need, so that --help answers at once.
from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from harness.cli.options import AS_JSON, FILE, RESULTS


def app_options(command: Any) -> Any:
    """How to run an app by its command, and on what."""
    for option in reversed(
        (
            click.option(
                "--app", "command", metavar="COMMAND", help="What starts the app, with {bind} or {port}."
            ),
            click.option(
                "--config", type=FILE, help="A harness.toml [default: the one of this folder, without --app]."
            ),
            click.option("--health", metavar="PATH", help="Path that answers 2xx or 3xx when it serves."),
            click.option("--env", "env", multiple=True, metavar="NAME=VALUE", help="For every instance."),
            click.option("-i", "--instances", type=click.IntRange(1, 8), help="[default: 2]"),
            click.option(
                "-w", "--workers", type=click.IntRange(1, 16), help="Of each instance [default: 1]."
            ),
        )
    ):
        command = option(command)
    return command


@click.command()
@click.argument("journey", type=click.Path(path_type=Path))
@app_options
@click.option("--restart", is_flag=True, help="Also restart an instance between two requests.")
@click.option("--lose", is_flag=True, help="Also lose one with its disk; another takes its place.")
@click.option(
    "--repeat", type=click.IntRange(1, 1000), default=1, show_default=True, help="Plays of each routing."
)
@click.option(
    "-n", "parallel", type=click.IntRange(1, 32), default=2, show_default=True, help="Plays at a time."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the sample, if there is one.")
@click.option(
    "--seconds", type=click.FloatRange(0), default=60, show_default=True, help="That a sample may take."
)
@click.option(
    "--fresh/--no-fresh", default=True, show_default=True, help="At last, instances that have just started."
)
@click.option("--fix/--no-fix", default=True, show_default=True, help="Look for what cures a difference.")
@click.option("--same", multiple=True, metavar="NAME", help="Variable to try alike everywhere [SECRET_KEY].")
@click.option("--redis", multiple=True, metavar="NAME", help="Variable to try a Redis' URL in [REDIS_URL].")
@RESULTS
@AS_JSON
def explore(**options: Any) -> None:
    """Play a journey on every routing over instances of an app, and find what differs from one instance.

    Example: harness explore --app "gunicorn -b {bind} myapp:app" journey.toml
    """
    from harness.commands import exploring

    sys.exit(exploring.explore(exploring.Options(**options)))
