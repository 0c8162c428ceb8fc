"""Commands that say why: diagnose."""

# Only click is imported here: the commands import what they need, so that --help answers at once.
from __future__ import annotations

import sys
from typing import Any

import click

from harness.cli.options import AS_JSON, PARALLEL, shared_options


@click.command()
@click.argument("topologies_named", metavar="[TOPOLOGY]...", nargs=-1)
@shared_options
@PARALLEL
@click.option("-s", "--scenario", "only", multiple=True, help="Only this one (repeatable).")
@click.option(
    "--fault", "faults", multiple=True, metavar="NAME", help="Plant this one; repeatable with --score."
)
@click.option("--score", is_flag=True, help="Plant every fault, and count what was found.")
@click.option("--markdown", is_flag=True, help="With --score: as tables for a document.")
@click.option("--outside", is_flag=True, help="Without the app's own records and the logs: as for any app.")
@AS_JSON
def diagnose(
    topologies_named: tuple[str, ...],
    only: tuple[str, ...],
    faults: tuple[str, ...],
    score: bool,
    markdown: bool,
    outside: bool,
    **options: Any,
) -> None:
    """Say why a topology breaks, prove it by changing that one thing, and list the smallest cures.

    All topologies when none is named. Exit codes: 0 nothing breaks (with --score: as good as it must be),
    1 something does (is not), 2 it could not run, or nothing could be judged.

    Example: harness diagnose baseline -s upload-a-chat-b
    """
    from harness.commands import diagnosing
    from harness.commands.options import Options

    if score and (topologies_named or only):
        raise click.UsageError("--score plants faults on topologies of their own: no TOPOLOGY, no -s")
    if score:
        sys.exit(diagnosing.scored(Options(**options), faults, markdown, outside))
    if markdown:
        raise click.UsageError("--markdown goes with --score")
    if len(faults) > 1 or (faults and topologies_named):
        raise click.UsageError("one --fault, and no TOPOLOGY: a fault has its own")
    found = diagnosing.diagnose(Options(**options), topologies_named, only, next(iter(faults), None), outside)
    sys.exit(found)
