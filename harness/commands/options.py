"""The options that commands share, and the runtime that they choose."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from harness import project
from harness.report import terminal
from harness.runtimes import Runtime
from harness.runtimes.process import ProcessRuntime
from harness.runtimes.shared import SharedServices
from harness.workshop import open_workshop


@dataclass(frozen=True)
class Options:
    """The options that commands share."""

    package: str = "scenarios"
    topologies: Path | None = None
    expectations: Path | None = None
    cold: bool = False
    llm_url: str | None = None
    runtime: str = "process"
    as_json: bool = False
    parallel: int | None = None
    results: Path = Path("results")

    def project(self) -> project.Project:
        return project.load(self.package, self.topologies, self.expectations)

    @property
    def deployments(self) -> int:
        """How many to have up at a time; more than cores by default: cells wait more than they compute.

        Containers are used again by the next deployment, and each has to import the app once: fewer of them.
        """
        return self.parallel or (1 if self.runtime == "docker" else 2) * (os.cpu_count() or 1)

    @property
    def out(self) -> Console:
        """Where people read: standard error when standard output is for machines."""
        return terminal.console(stderr=self.as_json)

    @contextlib.contextmanager
    def progress(self, *, document: bool = False) -> Iterator[Callable[[str], None]]:
        """Tells what is going on: in one line that changes on a terminal, line after line in a pipe.

        Args:
            document: standard output is kept for a document, as for machines.
        """
        out = terminal.console(stderr=self.as_json or document)
        with out.status("starting") as status:

            def tell(doing: str) -> None:
                status.update(doing)
                if not out.is_terminal:
                    out.print(f"   {doing}", markup=False)

            yield tell


@contextlib.contextmanager
def runtime_of(options: Options, known: project.Project) -> Iterator[Runtime]:
    """The runtime, ready to bring topologies up; nothing of it is left at the end.

    Raises:
        PartMissing: a part that every topology of it needs, as an engine for containers.
    """
    chosen: dict[str, Any] = {
        "preload": known.plan.app.preload,
        "cold": options.cold,
        "llm_url": options.llm_url,
    }
    with open_workshop() as workshop:
        if options.runtime == "docker":
            from harness.runtimes.docker.runtime import DockerRuntime
            from harness.runtimes.docker.services import DockerServices

            with DockerServices(workshop, **chosen) as containers:
                yield DockerRuntime(known.plan, containers)
        else:
            with SharedServices(workshop, **chosen) as services:
                yield ProcessRuntime(known.plan, services)
