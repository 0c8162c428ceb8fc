"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PARALLEL = click.option(
    "-n", "parallel", type=click.IntRange(1, 32), help="Deployments at a time [default: twice the cores]."
)


def shared_options(command: Any) -> Any:
    """Options of every command that brings topologies up."""
    for option in (
        click.option(
            "--scenarios", "package", default="scenarios", show_default=True, help="Python package."
        ),
        click.option("--topologies", type=FILE, help="Another topologies.toml."),
        click.option("--expectations", type=FILE, help="Another expectations.toml."),
        click.option(
            "--cold", is_flag=True, help="Start each gunicorn from nothing, not from a warm parent."
        ),
        click.option(
            "--runtime",
            type=click.Choice(["process", "docker"]),
            default="process",
            show_default=True,
            help="What everything runs as: processes on this machine, or containers.",
        ),
        click.option(
            "--llm",
            "llm_url",
            metavar="URL",
            help="OpenAI-compatible endpoint; key and model by "
            "OPENAI_API_KEY, OPENAI_MODEL. Default: the scripted LLM.",
        ),
    ):
        command = option(command)
    return command


AS_JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
RESULTS = click.option(
    "--results", type=click.Path(file_okay=False, path_type=Path), default=Path("results"), show_default=True
)
