"""Interventions: each a change of one part of a topology, and what it is worth.

    [NAME]            title, what it cures, what it costs, what it leaves open, configuration lines
    [NAME.change]     keys of a topology that it sets; ``without`` takes keys out
    [NAME.replace]    values that it repairs wherever they stand, e.g. one misconfiguration of the LLM

A swap that changes nothing of a topology is no intervention there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from harness import toml_file
from harness.diagnose.causes import CAUSES
from harness.errors import HarnessError
from harness.toml_file import Table
from harness.topology import Plan, Topology, changed

SYSTEMS = ("nginx", "flask", "aws", "other")
"""Where configuration lines go."""


@dataclass(frozen=True)
class Swap:
    """One intervention.

    Attributes:
        cures: ids of the causes that it addresses.
        costs: what it takes to operate, in words.
        leaves: what still breaks with it, in words.
        lines: configuration lines, by system.
        without, change, replace: what it does to a topology.
    """

    name: str
    title: str
    cures: tuple[str, ...]
    costs: str
    leaves: str
    lines: Mapping[str, str]
    without: tuple[str, ...]
    change: Table
    replace: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def apply(self, plan: Plan, topology: Topology) -> Topology:
        """The topology with this part swapped; the topology itself where it changes nothing.

        Raises:
            HarnessError: the swap does not go with this topology.
        """
        swapped = changed(plan, topology, self.change, self.without)
        repaired = {
            key: found
            for key, value in asdict(swapped).items()
            if (found := _repaired(key, value, self.replace)) != value
        }
        return changed(plan, swapped, Table(self.change.path, self.name, repaired)) if repaired else swapped


def load(path: Path) -> dict[str, Swap]:
    """Read a file of swaps, by name.

    Raises:
        HarnessError: it is not valid.
    """
    top = Table(path, "", toml_file.read(path))
    return {name: _swap(name, top.table(name)) for name in top.data}


def applied(plan: Plan, topology: Topology, swaps: Iterable[Swap]) -> Topology | None:
    """The topology with all of these swapped; None where one changes nothing or does not go with it."""
    for swap in swaps:
        try:
            swapped = swap.apply(plan, topology)
        except HarnessError:
            return None
        if swapped == topology:
            return None
        topology = swapped
    return topology


def _repaired(key: str, value: Any, replace: Mapping[str, Mapping[str, str]]) -> Any:
    if isinstance(value, dict):
        return {inner: _repaired(inner, one, replace) for inner, one in value.items()}
    return replace.get(key, {}).get(value, value) if isinstance(value, str) else value


def _swap(name: str, table: Table) -> Swap:
    table.only("title", "cures", "costs", "leaves", "lines", "without", "change", "replace")
    lines, replace = table.table("lines"), table.table("replace")
    lines.only(*SYSTEMS)
    swap = Swap(
        name=name,
        title=table.text("title"),
        cures=table.texts("cures", CAUSES),
        costs=table.text("costs"),
        leaves=table.text("leaves"),
        lines={key: lines.text(key) for key in lines.data},
        without=table.texts("without"),
        change=table.table("change"),
        replace={key: replace.env(key) for key in replace.data},
    )
    if not (swap.without or swap.change.data or swap.replace):
        raise HarnessError(f"{table.where('change')}: missing: a swap needs change, without or replace")
    return swap
