"""The commands: ``python -m tests.endurance --help``. Exit code 0 when all is well, else 1."""

from __future__ import annotations

import os
import random
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import click

from tests.endurance import killed as kills
from tests.endurance import report, runs, same
from tests.endurance.stress import burning

COUNT = click.IntRange(min=1)


def shared_options(command: Any) -> Any:
    """Options of every command."""
    for option in (
        click.option("-t", "--topology", "topologies", multiple=True, help="Only this one (repeatable)."),
        click.option("-s", "--scenario", "scenarios", multiple=True, help="Only this one (repeatable)."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output."),
    ):
        command = option(command)
    return command


KEEP = click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the results where there were problems.  [default: they are removed]",
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
def cli() -> None:
    """Does the harness leave nothing behind, and judge alike, however hard it is treated?

    Each command runs `harness reproduce`, or with -t or -s `harness matrix` on what they choose.

    Example: python -m tests.endurance killed --times 5
    """


@cli.command()
@click.option("--times", type=COUNT, default=100, help="How many runs to kill.")
@click.option("--seed", type=int, default=None, help="Draw signals and moments as another time.")
@click.option("--next-every", type=COUNT, default=1, help="Try the next run after every so many kills.")
@shared_options
def killed(times: int, seed: int | None, next_every: int, as_json: bool, **chosen: tuple[str, ...]) -> None:
    """Kill a run at random moments: nothing is left, and the next run works.

    Example: python -m tests.endurance killed --times 6 -t efs -t s3-redis --seed 7
    """
    arguments = runs.matrix(**chosen)
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    measured = kills.calm(arguments)
    click.echo(f"undisturbed: {measured.seconds:.1f} s; seed {seed}", err=True)
    attempts = []
    plans = list(kills.plans(measured, times, random.Random(seed)))
    for number, plan in enumerate(plans, 1):
        done = kills.attempt(plan, arguments, with_next=number % next_every == 0)
        attempts.append(done)
        what = f"{plan}: exit code {done.exit_code}"
        what += " and trouble" if done.problems else f", all gone after {done.gone_after:.1f} s"
        report.progress(number, times, what, done.problems)
    signals = Counter(plan.again[0] if plan.again else plan.signal for plan in plans)
    well = [done for done in attempts if not done.problems]
    late = sum(done.exit_code == 0 for done in attempts)
    tried = [done.next_seconds for done in attempts if done.next_seconds is not None]
    line = (
        f"killed: {len(well)} of {times} left nothing and let the next run"
        f" work ({len(tried)} tried); {', '.join(f'{count} {name}' for name, count in signals.items())};"
        f" {sum(plan.in_clean_up for plan in plans)} in clean-up, {late} came too late;"
        f" all gone after the signal within {report.spread([done.gone_after for done in well])}; seed {seed}"
    )
    sys.exit(report.finish(as_json, line, attempts, command="killed", seed=seed, calm=measured.seconds))


@cli.command()
@click.option("--times", type=COUNT, default=100, help="How many runs.")
@KEEP
@shared_options
def repeated(times: int, keep: Path | None, as_json: bool, **chosen: tuple[str, ...]) -> None:
    """Runs in a row: the same verdicts, and nothing is left.

    Example: python -m tests.endurance repeated --times 3
    """
    _same("repeated", runs.matrix(**chosen), times, 1, as_json, keep)


@cli.command()
@click.option("--number", type=COUNT, default=4, help="How many runs at the same time.")
@click.option("--times", type=COUNT, default=1, help="How often.")
@KEEP
@shared_options
def together(number: int, times: int, keep: Path | None, as_json: bool, **chosen: tuple[str, ...]) -> None:
    """Runs at the same time: the same verdicts, and nothing is left.

    Example: python -m tests.endurance together --number 2 -t s3-redis
    """
    how = f", {number} at the same time,"
    _same("together", runs.matrix(**chosen), times, number, as_json, keep, how)


@cli.command()
@click.option("--times", type=COUNT, default=1, help="How many runs.")
@click.option("--burners", type=COUNT, default=2 * (os.cpu_count() or 1), help="Busy loops beside them.")
@click.option("--writers", type=COUNT, default=1, help="Processes beside them that write to the disk.")
@KEEP
@shared_options
def stressed(
    times: int, burners: int, writers: int, keep: Path | None, as_json: bool, **chosen: tuple[str, ...]
) -> None:
    """Runs on a busy machine: the same verdicts as on a calm one, and nothing is left.

    Example: python -m tests.endurance stressed --burners 8
    """
    arguments = runs.matrix(**chosen)
    (calm,) = same.at_once(1, arguments)
    if calm.problems:
        raise click.ClickException("\n".join(["undisturbed, it fails:", *calm.problems]))
    click.echo(f"undisturbed: {calm.seconds:.1f} s", err=True)
    with burning(burners, writers):
        how = f" beside {burners} busy loops and {writers} writing to the disk"
        _same("stressed", arguments, times, 1, as_json, keep, how, calm.verdicts)


def _same(
    command: str,
    arguments: list[str],
    times: int,
    number: int,
    as_json: bool,
    keep: Path | None,
    how: str = "",
    expected: runs.Verdicts | None = None,
) -> None:
    """``times`` rounds of ``number`` runs at the same time; the first of them sets the verdicts."""
    outcomes: list[same.Outcome] = []
    for round_ in range(1, times + 1):
        for done in same.at_once(number, arguments, expected, keep):
            expected = expected or done.verdicts
            outcomes.append(done)
            what = f"exit code {done.exit_code}, {len(done.verdicts)} cells, {done.seconds:.1f} s"
            report.progress(round_, times, what, done.problems)
    well = sum(not done.problems for done in outcomes)
    line = (
        f"{command}: {well} of {len(outcomes)} runs{how}"
        f" with the same {len(expected or ())} verdicts and nothing left;"
        f" each took {report.spread([done.seconds for done in outcomes])}"
    )
    sys.exit(report.finish(as_json, line, outcomes, command=command))


def main() -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    # A shell's background job ignores SIGINT, and so would every run that is to be killed by it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    cli()


def _interrupted(number: int, _frame: object) -> None:
    sys.exit(128 + number)


if __name__ == "__main__":
    main()
