"""Commands that measure: bench."""

# Only click is imported here: the commands import what they need, so that --help answers at once.
from __future__ import annotations

import sys
from typing import Any

import click

from harness.cli.options import FILE, PARALLEL


@click.command()
@click.option("--scenarios", "package", default="scenarios", show_default=True, help="Python package.")
@click.option("--topologies", type=FILE, help="Another topologies.toml.")
@click.option("--expectations", type=FILE, help="Another expectations.toml.")
@PARALLEL
@click.option("-r", "--repetitions", type=click.IntRange(1, 1000), default=5, show_default=True)
@click.option("--only", multiple=True, metavar="TEXT", help="Measures with this in their name (repeatable).")
@click.option("--markdown", is_flag=True, help="A table in Markdown, with the machine and the date.")
@click.option("--json", "as_json", is_flag=True, help="Every value, on standard output.")
def bench(repetitions: int, only: tuple[str, ...], markdown: bool, **options: Any) -> None:
    """Measure warm and cold starts, cells, the matrix, requests per second, memory, large uploads.

    Example: harness bench -r 10 --only "warm start"
    """
    from harness.commands import measuring
    from harness.commands.options import Options

    sys.exit(measuring.bench(Options(**options), repetitions, only, markdown))
