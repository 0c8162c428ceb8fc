"""What the commands print: progress on standard error; at the end one line, or JSON for machines."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import click


def progress(number: int, times: int, what: str, problems: Iterable[str]) -> None:
    """A line for a run, and one for each problem it had."""
    click.echo(f"{number:>4}/{times} {what}", err=True)
    for problem in problems:
        click.echo(f"     ! {problem}", err=True)


def spread(seconds: Sequence[float]) -> str:
    """For example ``12.1 s (median; 11.0 to 14.2)``."""
    if not seconds:
        return "- s"
    return f"{statistics.median(seconds):.1f} s (median; {min(seconds):.1f} to {max(seconds):.1f})"


def finish(as_json: bool, line: str, results: Sequence[Any], **facts: Any) -> int:
    """Print the last line, with the machine and the day, and return the exit code."""
    line = f"{line}; {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}"
    failed = sum(bool(result.problems) for result in results)
    if as_json:
        rows = [_row(result) for result in results]
        print(json.dumps({"summary": line, "failed": failed, **facts, "runs": rows}, indent=1))
    else:
        print(line)
    return 1 if failed else 0


def _row(result: Any) -> dict[str, Any]:
    row = asdict(result)
    if "verdicts" in row:  # JSON has no pairs for keys
        row["verdicts"] = {" / ".join(cell): verdict for cell, verdict in row["verdicts"].items()}
    return row
