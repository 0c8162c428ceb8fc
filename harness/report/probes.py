"""The write-here-read-there table of a diagnosis's probes, for people and for machines."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table as View
from rich.text import Text

from harness.diagnose.probes import SECONDS, Look, Table
from harness.diagnose.shape import Family

MARKS = {True: ("yes", "green"), False: ("no", "red")}


def show(out: Console, table: Table, family: Family | None) -> None:
    """Who wrote down, who read across; then the other probes, and the family that the shape names."""
    writers = list(dict.fromkeys(wrote for wrote, _ in table.grid))
    readers = list(dict.fromkeys(read for _, read in table.grid))
    view = View("written at", *(f"read at {read}" for read in readers), box=box.SIMPLE_HEAD, show_edge=False)
    for wrote in writers:
        view.add_row(wrote, *(_mark(table.grid.get((wrote, read))) for read in readers))
    out.print(view, soft_wrap=False)
    for name, look in table.rows.items():
        out.print(Text.assemble(f"   {name}: ", _mark(look)))
    if table.left_out:
        out.print(Text(f"   {table.left_out} probes are left out: after {SECONDS:g} s no more was asked"))
    out.print(Text(f"   {said(family)}"))


def said(family: Family | None) -> str:
    """The family in a sentence."""
    if family is None:
        return "the probes name no family"
    rest = f" (or: {', '.join(family.or_else)})" if family.or_else else ""
    return f"the shape says {family.layer}{rest}: {family.why}"


def as_json(table: Table, family: Family | None) -> dict[str, Any]:
    """The same for machines."""
    return {
        "grid": [{"wrote": wrote, "read": read, **_look(look)} for (wrote, read), look in table.grid.items()],
        "rows": [{"probe": name, **_look(look)} for name, look in table.rows.items()],
        "left_out": table.left_out,
        "family": family.layer if family else None,
        "or_else": list(family.or_else) if family else [],
        "why": family.why if family else None,
    }


def _mark(look: Look | None) -> Text:
    return Text(*MARKS[look.holds]) if look else Text("-")


def _look(look: Look) -> dict[str, Any]:
    return {"holds": look.holds, "served_by": look.failed.served_by, "status": look.failed.status}
