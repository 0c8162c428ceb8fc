"""What ``harness load`` shows and leaves: the table, the verdict on the thresholds, the files."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table

from harness.load import picture
from harness.load.figures import lines, whole
from harness.load.rounds import KILL
from harness.load.thresholds import Verdict

GAP = 3
"""Characters between two columns of rich's SIMPLE_HEAD."""

HEADINGS = (
    "",
    "requests\na second",
    "p50\nms",
    "p95\nms",
    "p99\nms",
    "wrong per\n10,000",
    "failed",
    "sessions\nlost",
    "storage\ncalls, KB",
    "session store\ncalls, KB",
    "LLM\ncalls, KB",
    "MiB an\ninstance",
)


def show(out: Console, table: pd.DataFrame, *, markdown: bool = False) -> None:
    """Print a case in two lines: below a figure stands what multiple of the single instance's it is.

    Calls and KB are those of an average request. Where the figures do not fit beside each other, the
    table goes on below with the rest of them. In Markdown it is one line a case.
    """
    rows = [_row(line) for line in lines(table)]
    if markdown:
        heads = [heading.replace("\n", " ") for heading in HEADINGS]
        flat = [[", ".join(filter(None, cell.split("\n"))) for cell in row] for row in rows]
        for cells in (heads, ["---", *["--:"] * (len(heads) - 1)], *flat):
            out.print(f"| {' | '.join(cells)} |", markup=False)
        return
    for columns in _beside(rows, out.width):
        view = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
        for number in columns:
            view.add_column(HEADINGS[number], justify="right" if number else "left", no_wrap=True)
        for row in rows:
            view.add_row(*(row[number] for number in columns))
        out.print(view, soft_wrap=False)
        out.print()


def _beside(rows: Sequence[Sequence[str]], width: int) -> Iterator[list[int]]:
    """The numbers of the columns that fit beside each other, each time with the first: the case's name."""
    columns = zip(HEADINGS, *rows, strict=True)
    wide = [max(len(line) for cell in column for line in cell.split("\n")) + GAP for column in columns]
    group = [0]
    for number in range(1, len(wide)):
        if len(group) > 1 and sum(wide[one] for one in [*group, number]) > width:
            yield group
            group = [0]
        group.append(number)
    yield group


def failures(rows: pd.DataFrame) -> list[str]:
    """A line for each name that a failure had, and how often, case by case, and where one was killed."""
    failed = rows[rows["failure"].notna()]
    failed = failed.assign(place=failed["case"] + failed["round"].map({KILL: ", killed"}).fillna(""))
    counts = failed.groupby(["place", "failure"], sort=False).size().reset_index(name="count")
    return [f"{one.place}: {one.count} x {one.failure}" for one in counts.itertuples()]


def write(folder: Path, table: pd.DataFrame, rows: pd.DataFrame) -> list[str]:
    """Write the figures, every request, and the picture; their names."""
    table.to_csv(folder / "load.csv", index=False)
    table.to_parquet(folder / "load.parquet", index=False)
    rows.to_parquet(folder / "requests.parquet", index=False)
    picture.draw(table, folder / "load.svg")
    return ["load.svg", "load.csv", "load.parquet", "requests.parquet", "locust/"]


def as_json(table: pd.DataFrame, verdicts: Sequence[Verdict], folder: Path) -> str:
    """For machines: a line a case, and what came of each threshold."""
    judged = [
        {"threshold": one.threshold.text, "case": one.case, "found": one.figure, "holds": one.holds}
        for one in verdicts
    ]
    answer = {
        "holds": all(one.holds for one in verdicts),
        "folder": str(folder),
        "cases": json.loads(whole(table).to_json(orient="records")),
        "thresholds": judged,
    }
    return json.dumps(answer, indent=1)


def not_met(verdicts: Sequence[Verdict]) -> list[str]:
    """A line for each threshold that does not hold."""
    return [
        f"not met: {one.case}: {one.threshold.text} (found {_text(one.figure)})"
        for one in verdicts
        if not one.holds
    ]


def _row(line: dict[str, Any]) -> list[str]:
    return [
        str(line["case"]),
        *(_with_ratio(line, name) for name in ("rps", "p50", "p95", "p99")),
        _text(line["wrong_per_10000"]),
        _text(line["failed"]),
        "n/a" if math.isnan(line["lost"]) else f"{line['lost']:.0f} of {line['at_risk']:.0f}",
        *(_moved(line, store) for store in ("storage", "session_store", "llm")),
        _with_ratio(line, "memory"),
    ]


def _with_ratio(line: dict[str, Any], name: str) -> str:
    ratio = line[f"x_{name}"]
    return _text(line[name]) + ("" if math.isnan(ratio) else f"\n{ratio:.2f}x")


def _moved(line: dict[str, Any], store: str) -> str:
    calls, moved = line[f"{store}_calls"], line[f"{store}_bytes"]
    return "n/a" if math.isnan(calls) else f"{_text(calls)}\n{_text(moved / 1000)} KB"


def _text(number: float) -> str:
    if math.isnan(number):
        return "n/a"
    return f"{number:.1f}" if number < 10 and number != int(number) else f"{number:.0f}"
