"""The commands: ``harness --help``.

Exit codes: 0 all as expected, 1 something is not, 2 it could not run, 130 interrupted.
"""

# Only click is imported here: the commands import what they need, so that --help answers at once.
from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

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
            "--llm",
            "llm_url",
            metavar="URL",
            help="OpenAI-compatible endpoint; key and model by "
            "OPENAI_API_KEY, OPENAI_MODEL. Default: the scripted LLM.",
        ),
    ):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="second-instance")
def cli() -> None:
    """Will your web app survive its second instance?

    Example: harness reproduce
    """


@cli.command()
@shared_options
@PARALLEL
@click.option(
    "--results", type=click.Path(file_okay=False, path_type=Path), default=Path("results"), show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def reproduce(**options: Any) -> None:
    """Reproduce the failure step by step, then check every fix of the report.

    Example: harness reproduce --cold
    """
    from harness import commands

    sys.exit(commands.reproduce(commands.Options(**options)))


@cli.command()
@shared_options
@PARALLEL
@click.option("-t", "--topology", "only_topologies", multiple=True, help="Only this one (repeatable).")
@click.option("-s", "--scenario", "only_scenarios", multiple=True, help="Only this one (repeatable).")
@click.option(
    "--results", type=click.Path(file_okay=False, path_type=Path), default=Path("results"), show_default=True
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def matrix(only_topologies: tuple[str, ...], only_scenarios: tuple[str, ...], **options: Any) -> None:
    """Judge every scenario on every topology, against the expectations.

    Example: harness matrix -n 2 -t sticky -t s3
    """
    from harness import commands

    sys.exit(commands.matrix(commands.Options(**options), only_topologies, only_scenarios))


@cli.command()
@click.argument("scenario")
@shared_options
@click.option("-t", "--topology", default="baseline", show_default=True)
@click.option("--json", "as_json", is_flag=True, help="The cell with every observation, on standard output.")
def run(scenario: str, topology: str, **options: Any) -> None:
    """Run one scenario on one topology and tell each request.

    Example: harness run upload-a-chat-b --topology sticky
    """
    from harness import commands

    sys.exit(commands.run(commands.Options(**options), scenario, topology))


@cli.command()
@click.argument("topology")
@shared_options
@click.option("--show-config", is_flag=True, help="Print nginx's configuration too.")
def up(topology: str, show_config: bool, **options: Any) -> None:
    """Bring a topology up, print its URLs, and keep it up until Ctrl-C.

    Example: harness up baseline
    """
    from harness import commands

    sys.exit(commands.up(commands.Options(**options), topology, show_config))


@cli.command()
@click.option("--scenarios", "package", default="scenarios", show_default=True, help="Python package.")
@click.option("--topologies", type=FILE, help="Another topologies.toml.")
@click.option("--expectations", type=FILE, help="Another expectations.toml.")
@PARALLEL
@click.option("-r", "--repetitions", type=click.IntRange(1, 1000), default=5, show_default=True)
@click.option("--only", multiple=True, metavar="TEXT", help="Measures with this in their name (repeatable).")
@click.option("--markdown", is_flag=True, help="A table in Markdown, with the machine and the date.")
@click.option("--json", "as_json", is_flag=True, help="Every value, on standard output.")
def bench(repetitions: int, only: tuple[str, ...], markdown: bool, **options: Any) -> None:
    """Measure warm and cold starts, cells, the matrix, requests per second, memory.

    Example: harness bench -r 10 --only "warm start"
    """
    from harness import commands

    sys.exit(commands.bench(commands.Options(**options), repetitions, only, markdown))


@cli.command("list")
@click.option("--scenarios", "package", default="scenarios", show_default=True, help="Python package.")
@click.option("--topologies", type=FILE, help="Another topologies.toml.")
@click.option("--expectations", type=FILE, help="Another expectations.toml.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def list_(**options: Any) -> None:
    """List scenarios, topologies, and the real parts found on this machine.

    Example: harness list --json
    """
    from harness import commands

    sys.exit(commands.list_all(commands.Options(**options)))


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


if __name__ == "__main__":
    main()
