"""What nginx and the instances wrote into their logs meanwhile, as far as it is trouble."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.runtimes import Deployment

TROUBLE = re.compile(r"\[(?:error|crit|alert|emerg|ERROR|CRITICAL)\]")
"""Levels of nginx (ngx_core_module, error_log) and of gunicorn (its ``loglevel``)."""

BALANCER = "nginx"
LONGEST = 1_000_000
"""Bytes of a log that are read, its last."""


class Logs:
    """Logs from now on; a file that is not there has no lines."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        self._paths = paths
        self._starts = {name: _size(path) for name, path in paths.items()}

    @classmethod
    def of(cls, deployment: Deployment) -> Logs:
        """nginx's error log and each instance's own."""
        instances = deployment.topology.instance_names
        paths = {name: deployment.folder / f"{name}.log" for name in instances}
        return cls({BALANCER: deployment.config.with_name("error.log"), **paths})

    def errors(self) -> dict[str, list[str]]:
        """The lines of trouble since the start, by name; names without any are left out."""
        found = {name: self._lines(name, path) for name, path in self._paths.items()}
        return {name: lines for name, lines in found.items() if lines}

    def _lines(self, name: str, path: Path) -> list[str]:
        try:
            with path.open("rb") as log:
                log.seek(max(self._starts[name], _size(path) - LONGEST))
                text = log.read().decode(errors="replace")
        except OSError:
            return []
        return [line for line in text.splitlines() if TROUBLE.search(line)]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
