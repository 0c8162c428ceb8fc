"""Commands for the first minute: init."""

# Only click is imported here: the commands import what they need, so that --help answers at once.
from __future__ import annotations

import sys
from pathlib import Path

import click


@click.command()
@click.argument("folder", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--app", "command", help="The command that starts the app, where it cannot be guessed.")
def init(folder: Path, command: str | None) -> None:
    """Write a first harness.toml, a journey and a CI job; what is there is not overwritten.

    Example: harness init --app "gunicorn -b {bind} myapp:app"
    """
    from harness.commands import beginning

    sys.exit(beginning.init(folder, command))
