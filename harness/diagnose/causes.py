"""The causes the harness can name, read from ``causes.toml``: what it is, in which layer, what cures it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness import toml_file
from harness.toml_file import Table

LAYERS = ("session", "storage", "affinity", "proxy", "worker", "deployment", "llm")
"""Where a fault can be; a cause's family."""

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Cause:
    """A known reason for a multi-instance failure.

    Attributes:
        layer: one of ``LAYERS`` or ``UNKNOWN``.
        alone: where it shows when every request goes to one instance: on ``one`` of them, on ``all``, on
            ``none``; empty where that tells nothing.
    """

    id: str
    title: str
    layer: str
    fix: str
    alone: str = ""


def load(path: Path) -> dict[str, Cause]:
    """Read a catalogue of causes, by id.

    Raises:
        HarnessError: it is not valid.
    """
    top = Table(path, "", toml_file.read(path))
    return {cause: _cause(cause, top.table(cause)) for cause in top.data}


def _cause(cause: str, table: Table) -> Cause:
    table.only("title", "layer", "fix", "alone")
    layer = table.choice("layer", (*LAYERS, UNKNOWN))
    alone = table.choice("alone", ("one", "all", "none")) if "alone" in table.data else ""
    return Cause(cause, table.text("title"), layer, table.text("fix"), alone)


CAUSES = load(Path(__file__).with_name("causes.toml"))
