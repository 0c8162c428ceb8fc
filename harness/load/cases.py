"""What is compared: topologies and URLs, at each number of instances and each size of upload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from harness.topology import Topology


@dataclass(frozen=True)
class Case:
    """One line of the comparison.

    Attributes:
        name: what it is called, e.g. ``s3-redis x4, 10 MB``.
        place: the topology's name, or the URL.
        topology: None for a deployment that somebody else runs.
        megabytes: how much each person uploads; 0 for as little as the journey can do with.
    """

    name: str
    place: str
    topology: Topology | None
    megabytes: int

    @property
    def instances(self) -> int | None:
        return self.topology.instances if self.topology else None


def cases(
    topologies: Sequence[Topology], urls: Sequence[str], instances: Sequence[int], megabytes: Sequence[int]
) -> list[Case]:
    """Every combination, in the order given; a topology of one instance stays one."""
    found = []
    sizes, many = megabytes or (0,), len(megabytes) > 1
    for size in sizes:
        ending = f", {size} MB" if many else ""
        for topology in topologies:
            numbers = instances if topology.affinity != "single" else ()
            for number in numbers or (topology.instances,):
                times = f" x{number}" if len(numbers) > 1 else ""
                name = f"{topology.name}{times}{ending}"
                found.append(Case(name, topology.name, _with(topology, number), size))
        found += [Case(f"{url}{ending}", url, None, size) for url in urls]
    return found


def base(case: Case, every: Sequence[Case]) -> Case:
    """What a case is compared with: the first with the fewest instances that has uploads of its size."""
    same = [one for one in every if one.megabytes == case.megabytes]
    return min(same, key=lambda one: one.instances or float("inf"))


def _with(topology: Topology, instances: int) -> Topology:
    """The topology with that many instances; what it says of instances that it then has not is left out."""
    other = replace(topology, instances=instances)
    kept = set(other.instance_names)
    env = {name: one for name, one in topology.env.items() if name in kept}
    own = {name: one for name, one in topology.own.items() if name in kept}
    return replace(other, env=env, own=own)
