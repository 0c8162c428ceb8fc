"""Commands that judge topologies: reproduce, matrix, run, up, list."""

# Only click is imported here: the commands import what they need, so that --help answers at once.
from __future__ import annotations

import sys
from typing import Any

import click

from harness.cli.options import AS_JSON, FILE, PARALLEL, RESULTS, shared_options


@click.command()
@shared_options
@PARALLEL
@RESULTS
@AS_JSON
def reproduce(**options: Any) -> None:
    """Reproduce the failure step by step, then check every fix of the report.

    Example: harness reproduce --cold
    """
    from harness.commands import judging
    from harness.commands.options import Options

    sys.exit(judging.reproduce(Options(**options)))


@click.command()
@shared_options
@PARALLEL
@click.option("-t", "--topology", "only_topologies", multiple=True, help="Only this one (repeatable).")
@click.option("-s", "--scenario", "only_scenarios", multiple=True, help="Only this one (repeatable).")
@RESULTS
@AS_JSON
def matrix(only_topologies: tuple[str, ...], only_scenarios: tuple[str, ...], **options: Any) -> None:
    """Judge every scenario on every topology, against the expectations.

    Example: harness matrix -n 2 -t sticky -t s3
    """
    from harness.commands import judging
    from harness.commands.options import Options

    sys.exit(judging.matrix(Options(**options), only_topologies, only_scenarios))


@click.command()
@click.argument("scenario")
@shared_options
@click.option("-t", "--topology", default="baseline", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The cell with every observation, on standard output.")
def run(scenario: str, topology: str, **options: Any) -> None:
    """Run one scenario on one topology and tell each request.

    Example: harness run upload-a-chat-b --topology sticky
    """
    from harness.commands import judging
    from harness.commands.options import Options

    sys.exit(judging.run(Options(**options), scenario, topology))


@click.command()
@click.argument("topology")
@shared_options
@click.option("--show-config", is_flag=True, help="Print nginx's configuration too.")
def up(topology: str, show_config: bool, **options: Any) -> None:
    """Bring a topology up, print its URLs, and keep it up until Ctrl-C.

    Example: harness up baseline
    """
    from harness.commands import judging
    from harness.commands.options import Options

    sys.exit(judging.up(Options(**options), topology, show_config))


@click.command("list")
@click.option("--scenarios", "package", default="scenarios", show_default=True, help="Python package.")
@click.option("--topologies", type=FILE, help="Another topologies.toml.")
@click.option("--expectations", type=FILE, help="Another expectations.toml.")
@AS_JSON
def list_(**options: Any) -> None:
    """List scenarios, topologies, and the real parts found on this machine.

    Example: harness list --json
    """
    from harness.commands import judging
    from harness.commands.options import Options

    sys.exit(judging.list_all(Options(**options)))
