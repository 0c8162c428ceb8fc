"""What each cell of the matrix must come out as, failures included: ``expectations.toml``."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from harness import toml_file
from harness.diagnose import CAUSES
from harness.errors import HarnessError
from harness.scenario import VERDICTS


@dataclass(frozen=True)
class Expectation:
    """A verdict, and for one that is not plain success the cause's id."""

    verdict: str
    cause: str | None = None

    def __str__(self) -> str:
        return f"{self.verdict}: {self.cause}" if self.cause else self.verdict


Expectations = Mapping[tuple[str, str], Expectation]
"""Keyed by (scenario, topology)."""


def load(path: Path, scenarios: Collection[str]) -> Expectations:
    """Read ``[topology]`` tables of ``scenario = "verdict"`` or ``"verdict: CAUSE"``.

    Raises:
        HarnessError: unreadable, not TOML, an unknown scenario, verdict or cause; the message names
            the file, the key, the value and what is allowed.
    """
    expectations = {}
    for topology, cells in toml_file.read(path).items():
        if not isinstance(cells, dict):
            raise HarnessError(f"{path}: {topology}: {cells!r} is not a table")
        for scenario, text in cells.items():
            where = f"{path}: {topology}.{scenario}"
            if scenario not in scenarios:
                raise HarnessError(f"{where}: no such scenario; there are: {', '.join(scenarios)}")
            expectations[scenario, topology] = _parse(where, text)
    return expectations


def _parse(where: str, text: object) -> Expectation:
    verdict, _, cause = text.partition(": ") if isinstance(text, str) else ("", "", "")
    if verdict not in VERDICTS:
        raise HarnessError(f"{where}: {text!r}: the verdict is one of: {', '.join(VERDICTS)}")
    if cause and cause not in CAUSES:
        raise HarnessError(f"{where}: {text!r}: the cause is one of: {', '.join(CAUSES)}")
    return Expectation(verdict, cause or None)
