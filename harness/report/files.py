"""What a run leaves in ``results/<run>/``: results.json, matrix.csv, junit.xml, report.html."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.matrix import Cell
from harness.report import html
from harness.scenario import SKIPPED
from harness.topology import Topology

COLUMNS = ("scenario", "topology", "runtime", "verdict", "expected", "cause", "seconds")


def new_folder(results: Path) -> Path:
    """``results/<UTC time>``, with a number behind it where two runs began in the same second.

    Raises:
        OSError: it cannot be made.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    for number in range(1, 1000):
        folder = results / (stamp if number == 1 else f"{stamp}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        return folder
    raise FileExistsError(f"{results}/{stamp}: a thousand runs in a second")


def write(folder: Path, cells: Sequence[Cell], topologies: Sequence[Topology]) -> None:
    """Write all four files."""
    text = json.dumps({"cells": [as_json(cell) for cell in cells]}, indent=1, ensure_ascii=False)
    (folder / "results.json").write_text(text, encoding="utf-8")
    _write_csv(folder / "matrix.csv", cells)
    _write_junit(folder / "junit.xml", cells)
    (folder / "report.html").write_text(html.render(cells, topologies), encoding="utf-8")


def as_json(cell: Cell) -> dict[str, Any]:
    """A cell with every play, observation, check and evidence record."""
    data = asdict(cell)
    data["expected"] = str(cell.expected) if cell.expected else None
    data["as_expected"] = cell.as_expected
    data["cause"] = cell.cause
    # The witness is one of the plays; its number says which.
    data["witness"] = next((n for n, play in enumerate(cell.plays) if play is cell.witness), None)
    return data


def row(cell: Cell) -> dict[str, Any]:
    """A cell as a line of matrix.csv."""
    return {
        "scenario": cell.scenario,
        "topology": cell.topology,
        "runtime": cell.runtime,
        "verdict": cell.verdict,
        "expected": str(cell.expected) if cell.expected else "",
        "cause": cell.cause,
        "seconds": round(cell.seconds, 3),
    }


def _write_csv(path: Path, cells: Sequence[Cell]) -> None:
    import pandas as pd  # here, because it takes longer to import than the rest together

    pd.DataFrame([row(cell) for cell in cells], columns=list(COLUMNS)).to_csv(path, index=False)


def _write_junit(path: Path, cells: Sequence[Cell]) -> None:
    """One test case a cell: a difference from the expectation is a failure, a skip is a skip."""
    unexpected = [cell for cell in cells if not cell.as_expected]
    skipped = [cell for cell in cells if cell.verdict == SKIPPED and cell.as_expected]
    suite = ET.Element(
        "testsuite",
        name="harness",
        tests=str(len(cells)),
        failures=str(len(unexpected)),
        errors="0",
        skipped=str(len(skipped)),
        time=f"{sum(cell.seconds for cell in cells):.3f}",
    )
    for cell in cells:
        case = ET.SubElement(
            suite, "testcase", classname=cell.topology, name=cell.scenario, time=f"{cell.seconds:.3f}"
        )
        if not cell.as_expected:
            message = f"{cell.came_out}; expected {cell.expected}"
            detail = cell.diagnosis.shown_by if cell.diagnosis else cell.reason or ""
            ET.SubElement(case, "failure", message=_xml(message)).text = _xml(detail)
        elif cell.verdict == SKIPPED:
            ET.SubElement(case, "skipped", message=_xml(cell.reason or ""))
    ET.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def _xml(text: str) -> str:
    """Without the control characters that XML 1.0 has no way to write."""
    return "".join(char for char in text if char.isprintable() or char in "\n\t")
