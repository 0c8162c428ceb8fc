"""The commands: ``harness --help``.

Exit codes: 0 all as expected, 1 something is not, 2 it could not run, 130 interrupted.
"""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

import click

from harness.cli import beginning, diagnosing, exploring, judging, loading, measuring, probing


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="second-instance")
def cli() -> None:
    """Will your web app survive its second instance?

    Example: harness reproduce
    """


for command in (
    judging.reproduce,
    judging.matrix,
    judging.run,
    judging.up,
    judging.list_,
    measuring.bench,
    loading.load,
    probing.probe,
    beginning.init,
    exploring.explore,
    diagnosing.diagnose,
):
    cli.add_command(command)


def main() -> None:
    """Entry point of the ``harness`` command."""
    from harness.errors import HarnessError

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.exceptions.Abort, KeyboardInterrupt):  # click turns the one into the other
        click.echo("interrupted; everything is cleaned up", err=True)
        sys.exit(130)
    except HarnessError as error:
        click.echo(f"harness: {error}", err=True)
        sys.exit(2)


def _interrupted(number: int, _frame: object) -> NoReturn:
    sys.exit(128 + number)
