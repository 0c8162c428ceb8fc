"""The picture of a comparison: what it costs and what it answers, one panel a figure, one bar a case."""

from __future__ import annotations

from pathlib import Path

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness.load.figures import whole

PANELS = {
    "wrong_per_10000": "wrong answers per 10,000",
    "rps": "requests per second",
    "p50": "p50, ms",
    "p95": "p95, ms",
    "p99": "p99, ms",
    "lost": "sessions lost",
    "storage_calls": "storage calls a request",
    "storage_bytes": "storage bytes a request",
    "session_store_calls": "session store calls a request",
    "llm_calls": "LLM calls a request",
    "memory": "MiB an instance",
}
GOOD, BAD = "#4c78a8", "#e45756"
WRONG = ("wrong_per_10000", "lost")
"""Panels in which anything but nothing is bad."""

WIDTH, PANEL, BAR = 4.2, 0.9, 0.28
GROWTH_HEIGHT = 2.2
"""Inches: a panel's width, its height without bars, the height of a bar, of a panel with lines."""
COLUMNS = 3
UNITS = {"instances": "instances", "megabytes": "MB"}
"""What a deployment and its load can grow along."""
GROWTH = ("rps", "p50", "p95", "memory")


def draw(table: pd.DataFrame, path: Path) -> None:
    """Write the picture; the file's ending says in which format."""
    lines = whole(table)
    panels = [name for name in PANELS if lines[name].notna().any()]
    grown = [(axis, name) for axis in UNITS if _grows(lines, axis) for name in GROWTH]
    rows = -(-(len(panels) + len(grown)) // COLUMNS)
    height = rows * max(PANEL + BAR * len(lines), GROWTH_HEIGHT if grown else 0)
    figure = Figure(figsize=(COLUMNS * WIDTH, height), layout="constrained")
    places = iter(figure.subplots(rows, COLUMNS, squeeze=False).flat)
    for name in panels:
        _bars(next(places), lines, name)
    for axis, name in grown:
        _growth(next(places), lines, axis, name)
    for unused in places:
        unused.set_axis_off()
    with matplotlib.rc_context({"svg.hashsalt": "second-instance"}):
        figure.savefig(path, dpi=110)


def _bars(panel: Axes, lines: pd.DataFrame, name: str) -> None:
    values = lines[name].fillna(0.0).tolist()
    colours = [BAD if name in WRONG and value else GOOD for value in values]
    bars = panel.barh(lines["case"].tolist(), values, color=colours)
    labels = [_label(value) for value in lines[name]]
    panel.bar_label(bars, labels, padding=3, fontsize=8)
    panel.set_title(PANELS[name], fontsize=9, loc="left")
    panel.invert_yaxis()
    panel.margins(x=0.25)
    panel.set_xlim(left=0)
    panel.tick_params(labelsize=8)
    panel.spines[["top", "right"]].set_visible(False)


def _grows(lines: pd.DataFrame, axis: str) -> bool:
    """Whether there is a deployment at several places of the axis."""
    return bool((lines.groupby("place")[axis].nunique() > 1).any())


def _growth(panel: Axes, lines: pd.DataFrame, axis: str, name: str) -> None:
    """How a figure grows along an axis: a line for each topology, at each value of the other axis."""
    other = "megabytes" if axis == "instances" else "instances"
    for (place, fixed), some in lines.groupby(["place", other], sort=False, dropna=False):
        if len(some) > 1:
            ending = f", {fixed:.0f} {UNITS[other]}" if lines[other].nunique() > 1 else ""
            panel.plot(some[axis], some[name], marker="o", label=f"{place}{ending}")
    panel.set_title(f"{PANELS[name]}, over {axis}", fontsize=9, loc="left")
    panel.set_ylim(bottom=0)
    panel.set_xticks(sorted(lines[axis].dropna().unique()))
    panel.legend(fontsize=7)
    panel.tick_params(labelsize=8)


def _label(value: float) -> str:
    return "n/a" if pd.isna(value) else f"{value:.3g}" if value < 1000 else f"{value:,.0f}"
