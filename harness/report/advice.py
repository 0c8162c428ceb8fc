"""The last line: what to do, from what came out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from harness.matrix import Cell
from harness.scenario import AFFINITY, SKIPPED, WORKS
from harness.topology import Topology


def advice(cells: Sequence[Cell], topologies: Sequence[Topology]) -> str:
    """What to do, from what came out: the commonest cause's fix, what holds, what only hides it."""
    verdicts: dict[str, set[str]] = defaultdict(set)
    for cell in cells:
        verdicts[cell.topology].add(cell.verdict)
    found = Counter(cell.diagnosis.cause for cell in cells if cell.diagnosis)
    if not found:
        return "What to do: nothing; no cell failed."
    title = {topology.name: topology.title for topology in topologies}
    every = {topology.name for topology in topologies if not topology.scenarios}
    ((cause, _),) = found.most_common(1)
    holds = [title[name] for name, seen in verdicts.items() if name in every and seen - {SKIPPED} == {WORKS}]
    hides = [title[name] for name, seen in verdicts.items() if AFFINITY in seen]
    text = f"What to do ({cause.id}, {cause.title}): {cause.fix}. "
    text += f"Proved in every scenario: {', '.join(holds) or 'none of these'}."
    return text + (f" Only hides the problem: {', '.join(hides)}." if hides else "")
