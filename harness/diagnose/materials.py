"""What a diagnosis is made of, read from beside the scenarios: faults, swaps, more scenarios."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.diagnose import faults, swaps
from harness.diagnose.probes import Pair
from harness.project import Project
from harness.scenario import Scenario


@dataclass(frozen=True)
class Materials:
    """Faults and swaps by name, and every scenario: the project's, and those that only faults need.

    Attributes:
        pair: how a user writes and reads, for the probes; None where the package has no ``PAIR``.
    """

    scenarios: Mapping[str, Scenario]
    swaps: Mapping[str, swaps.Swap]
    faults: Mapping[str, faults.Fault]
    pair: Pair | None = None


def load(package: str, known: Project) -> Materials:
    """Read ``swaps.toml``, ``faults/*.toml`` and the table ``more.MORE`` of a package of scenarios.

    What is not there is empty: without swaps, causes are proposed and none is proved.

    Raises:
        HarnessError: a file that is not valid.
    """
    module = importlib.import_module(package)
    assert module.__file__ is not None  # it has been loaded as a project
    folder = Path(module.__file__).parent
    more: Mapping[str, Scenario] = {}
    if (folder / "more").is_dir():
        more = importlib.import_module(f"{package}.more").MORE
    scenarios = {**known.scenarios, **more}
    path = folder / "swaps.toml"
    return Materials(
        scenarios,
        swaps.load(path) if path.is_file() else {},
        faults.load(folder / "faults", known.plan, scenarios),
        getattr(module, "PAIR", None),
    )
