"""Topologies that are really up: one warm process runtime a test worker."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness import matrix, project
from harness.matrix import Cell
from harness.runtimes.process import ProcessRuntime
from harness.runtimes.shared import SharedServices
from harness.workshop import Workshop, open_workshop

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def workshop() -> Iterator[Workshop]:
    with open_workshop() as opened:
        yield opened


@pytest.fixture(scope="session")
def services(workshop: Workshop, known: project.Project) -> Iterator[SharedServices]:
    with SharedServices(workshop, preload=known.plan.app.preload) as shared:
        yield shared


@pytest.fixture(scope="session")
def known() -> project.Project:
    return project.load()


@dataclass(frozen=True)
class Bench:
    """Judges cells of a project; ``cells("efs")`` for all its scenarios, or for those named."""

    known: project.Project
    services: SharedServices

    def cells(self, topology: str, *scenarios: str) -> list[Cell]:
        chosen = self.known.plan.topology(topology)
        wanted = [self.known.scenario(name) for name in scenarios] or self.known.judged_by(chosen)
        return matrix.run(
            ProcessRuntime(self.known.plan, self.services), [(chosen, wanted)], self.known.expected
        )

    def cell(self, topology: str, scenario: str) -> Cell:
        (only,) = self.cells(topology, scenario)
        return only


@pytest.fixture
def bench(known: project.Project, services: SharedServices) -> Bench:
    return Bench(known, services)


@pytest.fixture
def changed(tmp_path: Path, services: SharedServices) -> Callable[..., Bench]:
    """The project with its topologies file changed: text appended, and strings replaced in it."""

    def change(append: str = "", replace: tuple[str, str] = ("", "")) -> Bench:
        text = (ROOT / "scenarios/topologies.toml").read_text(encoding="utf-8")
        assert replace[0] in text
        path = tmp_path / "topologies.toml"
        path.write_text(text.replace(*replace) + "\n" + append if replace[0] else text + "\n" + append)
        return Bench(project.load(topologies=path), services)

    return change
