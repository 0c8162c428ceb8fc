"""Faults that we can plant: each a change of a topology that is healthy without it.

A fault is a file, ``scenarios/faults/NAME.toml``. It is planted the way it happens, by configuration,
files, processes, settings of the balancer: ``[plant]`` has the keys of a ``[topology.NAME]`` table. The
diagnosis never reads what a file says of its cause; only the score does.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness import toml_file
from harness.diagnose.causes import CAUSES, LAYERS
from harness.errors import HarnessError
from harness.scenario import Scenario, unmet
from harness.toml_file import Table, not_one_of
from harness.topology import Plan, Topology, changed


@dataclass(frozen=True)
class Fault:
    """A fault, and what it does.

    Attributes:
        layer: where it is, one of ``LAYERS``.
        cause: id of the cause that a diagnosis must find.
        healthy: the topology without it, on which the scenario works.
        planted: the same topology with it.
        shown_by: name of the scenario that it breaks.
        sees: what a user sees.
    """

    name: str
    title: str
    layer: str
    cause: str
    healthy: Topology
    planted: Topology
    shown_by: str
    sees: str


def load(folder: Path, plan: Plan, scenarios: Mapping[str, Scenario]) -> dict[str, Fault]:
    """Read a folder of faults, by name.

    Raises:
        HarnessError: a file that is not valid; the message names file, key and value.
    """
    return {path.stem: _fault(path, plan, scenarios) for path in sorted(folder.glob("*.toml"))}


def _fault(path: Path, plan: Plan, scenarios: Mapping[str, Scenario]) -> Fault:
    table = Table(path, "", toml_file.read(path))
    table.only(
        "title", "layer", "cause", "on", "shown_by", "user_sees", "given", "given_without", "plant", "without"
    )
    shown_by = table.choice("shown_by", scenarios)
    base = plan.topologies[table.choice("on", plan.topologies)]
    healthy = changed(plan, base, table.table("given"), table.texts("given_without"))
    planted = changed(plan, healthy, table.table("plant"), table.texts("without"))
    if planted == healthy:
        raise HarnessError(f"{table.where('plant')}: changes nothing of topology {base.name}")
    for topology in (healthy, planted):
        if (reason := unmet(scenarios[shown_by], topology)) is not None:
            raise HarnessError(f"{table.where('shown_by')}: {shown_by!r} {reason}")
    cause = _known(table, "cause", CAUSES)
    return Fault(
        name=path.stem,
        title=table.text("title"),
        layer=table.choice("layer", LAYERS),
        cause=cause,
        healthy=healthy,
        planted=planted,
        shown_by=shown_by,
        sees=table.text("user_sees"),
    )


def _known(table: Table, key: str, known: Collection[str]) -> str:
    if (found := table.text(key)) not in known:
        raise HarnessError(not_one_of(table.where(key), found, known))
    return found
