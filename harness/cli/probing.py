"""Commands on a live URL: probe."""

# Only click is imported here: the commands import what they need, so that --help answers at once.
from __future__ import annotations

import sys
from pathlib import Path

import click

from harness.cli.options import AS_JSON, FILE


@click.command()
@click.argument("url")
@click.option("--journey", type=FILE, help="Play it too (TOML, Python or HAR): it may write.")
@click.option("--requests", type=click.IntRange(1, 100_000), default=100, show_default=True, help="At most.")
@click.option(
    "--rate", type=click.FloatRange(0.1, 1000), default=10.0, show_default=True, help="A second, at most."
)
@click.option("--idle", type=click.FloatRange(0, 86_400), default=0.0, help="Seconds of a pause to survive.")
@click.option("-H", "--header", "headers", multiple=True, metavar="NAME: VALUE", help="With every request.")
@click.option("--insecure", is_flag=True, help="Do not check the server's certificate.")
@AS_JSON
def probe(
    url: str,
    journey: Path | None,
    requests: int,
    rate: float,
    idle: float,
    headers: tuple[str, ...],
    insecure: bool,
    as_json: bool,
) -> None:
    """Ask a live URL how many backends answer, what pins a user, and what differs between them.

    Only GET requests of this one URL are sent, unless --journey is given.

    Example: harness probe http://127.0.0.1:8000/ --requests 200
    """
    from harness.commands import probing

    sys.exit(probing.probe(url, journey, requests, rate, idle, headers, insecure=insecure, as_json=as_json))
