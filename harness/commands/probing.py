"""What ``harness probe`` does."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.text import Text

from harness.journey import load
from harness.prober.confidence import Statement
from harness.prober.probing import Probe
from harness.prober.wire import Wire
from harness.report import terminal

MARKS = {True: ("+", "green"), False: ("x", "red"), None: (" ", "")}


def probe(
    url: str,
    journey: Path | None,
    requests: int,
    rate: float,
    idle: float,
    headers: Sequence[str] = (),
    *,
    insecure: bool,
    as_json: bool,
) -> int:
    """Probe a URL and print what was found; 1 if anything of it is wrong."""
    out = terminal.console(stderr=as_json)
    wire = Wire(url, requests, rate, verify=not insecure, headers=dict(map(_header, headers)))
    known = load(journey) if journey else None
    with out.status("") as status:

        def tell(what: str) -> None:
            status.update(f"{wire.sent} of at most {requests} requests: {what}")

        asked = Probe(wire, known, idle, tell)
        found = asked.run()
    _show(out, asked, found)
    if as_json:
        statements = [dataclasses.asdict(one) for one in found]
        result = {"url": url, "requests": wire.sent, "statements": statements, "left_out": asked.left_out}
        print(json.dumps(result, indent=1))
    return 1 if any(one.good is False for one in found) else 0


def _header(text: str) -> tuple[str, str]:
    name, _, value = text.partition(":")
    return name.strip(), value.strip()


def _show(out: Console, asked: Probe, found: Sequence[Statement]) -> None:
    out.print(f"[bold]{asked.wire.url}[/], {asked.wire.sent} requests", soft_wrap=True)
    for topic, statements in groupby(found, key=lambda one: one.topic):
        for one in statements:
            mark, style = MARKS[one.good]
            out.print(Text.assemble(f" {mark} ", (f"{topic:<11}", "bold"), (one.text, style)))
            out.print(Text(f"               {one.confidence}", style="dim"))
    for line in asked.left_out:
        out.print(Text(f" - not asked   {line}", style="dim"))
