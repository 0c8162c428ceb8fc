"""What people read while it runs and when it is done: colour on a terminal, plain text in a pipe."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from harness.matrix import Cell
from harness.observe import Observation
from harness.report.steps import Step, brief, steps
from harness.scenario import AFFINITY, BROKEN, SKIPPED, UNKNOWN, WORKS, Play
from harness.topology import Topology

STYLES = {WORKS: "green", AFFINITY: "yellow", BROKEN: "red", SKIPPED: "dim", UNKNOWN: "magenta"}
SHORT = {WORKS: "works", AFFINITY: "affinity", BROKEN: "broken", SKIPPED: "skipped", UNKNOWN: "unknown"}
PIPE_WIDTH = 140


def console(*, stderr: bool = False) -> Console:
    """Output as wide as the terminal; in a pipe wide enough for the table, and without colour."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def tell(out: Console, number: int, seen: Observation) -> None:
    """One request, as it happens."""
    out.print(f"[bold]{number}. {escape(seen.label)}[/] [dim]({seen.seconds * 1000:.0f} ms)[/]")
    for step in steps(seen):
        out.print(_arrow(step))


def failure(out: Console, play: Play) -> None:
    """The check that a play broke."""
    if play.failure is not None:
        out.print(Text.assemble(("   must hold: ", "bold"), play.failure.sentence))
        out.print(Text.assemble(("   it does not: ", "bold red"), play.failure.found))


def table(cells: Sequence[Cell], topologies: Sequence[Topology]) -> Table:
    """Topologies down, scenarios across; a cell that is not as expected carries an exclamation mark."""
    names = list(dict.fromkeys(cell.scenario for cell in cells))
    view = Table(title_justify="left", header_style="bold", pad_edge=False)
    view.add_column("topology")
    for name in names:
        view.add_column(name.replace("-", "\n"), justify="center")
    by_place = {(cell.topology, cell.scenario): cell for cell in cells}
    for topology in topologies:
        row = [by_place.get((topology.name, name)) for name in names]
        view.add_row(Text(topology.title), *(_short(cell) for cell in row))
    return view


def causes(cells: Sequence[Cell], topologies: Sequence[Topology]) -> list[Text]:
    """For each topology its causes in a few words, most frequent first, with one witness."""
    lines = []
    for topology in topologies:
        found: dict[str, list[Cell]] = defaultdict(list)
        for cell in cells:
            if cell.topology == topology.name and cell.verdict not in (WORKS,):
                found[cell.cause].append(cell)
        if not found:
            lines.append(Text.assemble((topology.title, "bold"), ": ", ("holds in every scenario", "green")))
        for cause, where in sorted(found.items(), key=lambda item: -len(item[1])):
            names = ", ".join(cell.scenario for cell in where)
            lines.append(Text.assemble((topology.title, "bold"), f": {cause} ", (f"({names})", "dim")))
            if where[0].diagnosis is not None:
                lines.append(Text(f"    {brief(where[0].diagnosis.shown_by)}", style="dim"))
    return lines


def differences(cells: Sequence[Cell]) -> list[Text]:
    """The cells that are not as expected, each with what came out and what should have."""
    lines = []
    for cell in cells:
        if not cell.as_expected:
            expected = str(cell.expected) if cell.expected else "nothing (no line in expectations.toml)"
            came = f"{cell.came_out}" + (f" ({cell.reason})" if cell.reason else "")
            place = f"{cell.topology} / {cell.scenario}"
            lines.append(
                Text.assemble(("not as expected: ", "bold red"), f"{place}: {came}; expected {expected}")
            )
            if cell.diagnosis is not None:
                lines.append(Text(f"    {brief(cell.diagnosis.shown_by)}", style="dim"))
    return lines


def advice(cells: Sequence[Cell], topologies: Sequence[Topology]) -> str:
    """What to do, from what came out: what holds everywhere, what only hides the problem."""
    verdicts: dict[str, set[str]] = defaultdict(set)
    for cell in cells:
        verdicts[cell.topology].add(cell.verdict)
    title = {topology.name: topology.title for topology in topologies}
    holds = [title[name] for name, seen in verdicts.items() if seen == {WORKS}]
    hides = [title[name] for name, seen in verdicts.items() if AFFINITY in seen]
    if not holds:
        return "What to do: nothing that was run holds in every scenario; share session and upload first."
    text = "What to do: keep uploads where every instance reads them; these hold everywhere: "
    text += f"{', '.join(holds)}."
    return text + (f" What only hides the problem: {', '.join(hides)}." if hides else "")


def _arrow(step: Step) -> Text:
    mark, style = {True: ("+", "green"), False: ("x", "red"), None: (" ", "")}[step.good]
    return Text.assemble(
        (f"   {mark} ", style), (f"{step.source} -> {step.target}: ", "bold"), (step.text, style)
    )


def _short(cell: Cell | None) -> Text:
    if cell is None:
        return Text("")
    mark = "" if cell.as_expected else " !"
    return Text(SHORT[cell.verdict] + mark, style=STYLES[cell.verdict])
