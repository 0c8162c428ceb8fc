"""Where scenarios come from: a Python package with ``SCENARIOS`` and its two TOML files."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness import expectations, topology
from harness.errors import HarnessError
from harness.scenario import Scenario
from harness.timed import Timed


@dataclass(frozen=True)
class Project:
    """Scenarios, topologies, and what their cells must come out as.

    Attributes:
        report: names of the topologies that ``harness reproduce`` runs, in order.
        failure: names of those that it tells the failure on: the first whose parts are here.
        timed: the journeys that ``harness bench`` times.
    """

    scenarios: Mapping[str, Scenario]
    plan: topology.Plan
    expected: expectations.Expectations
    report: Sequence[str]
    failure: Sequence[str]
    timed: Sequence[Timed] = ()

    @property
    def journey(self) -> Scenario:
        """The journey that the failure is told by: the first."""
        return next(iter(self.scenarios.values()))

    def scenario(self, name: str) -> Scenario:
        """The scenario of that name.

        Raises:
            HarnessError: there is none; the message lists what there is.
        """
        if name not in self.scenarios:
            raise HarnessError(f"no scenario {name!r}; there are: {', '.join(self.scenarios)}")
        return self.scenarios[name]

    def judged_by(self, topology: topology.Topology) -> list[Scenario]:
        """The scenarios that a topology is judged by, in order."""
        return [one for name, one in self.scenarios.items() if name in (topology.scenarios or self.scenarios)]


def load(package: str = "scenarios", topologies: Path | None = None, expected: Path | None = None) -> Project:
    """Import the package and read ``topologies.toml`` and ``expectations.toml`` beside it.

    Args:
        topologies, expected: other files to read in their place.

    Raises:
        HarnessError: no such package, no ``SCENARIOS`` in it, or a file that is not valid.
    """
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise HarnessError(f"--scenarios {package}: cannot be imported: {error}") from error
    scenarios = getattr(module, "SCENARIOS", None)
    if not isinstance(scenarios, Mapping) or not scenarios or module.__file__ is None:
        raise HarnessError(f"--scenarios {package}: has no table SCENARIOS of name -> Scenario")
    folder = Path(module.__file__).parent
    plan = topology.load(topologies or folder / "topologies.toml")
    for found in plan.topologies.values():
        for name in found.scenarios:
            if name not in scenarios:
                raise HarnessError(
                    f"{plan.path}: topology.{found.name}.scenarios: no such scenario {name!r}; "
                    f"there are: {', '.join(scenarios)}"
                )
    report = [name for name in getattr(module, "REPORT", plan.topologies) if name in plan.topologies]
    failure = [name for name in getattr(module, "FAILURE", ()) if name in plan.topologies]
    if not report:
        raise HarnessError(f"{plan.path}: has none of the topologies that {package}.REPORT names")
    return Project(
        scenarios,
        plan,
        expectations.load(expected or folder / "expectations.toml", scenarios),
        report,
        failure or report[:1],
        getattr(module, "TIMED", ()),
    )
