"""What the commands do that measure."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Sequence

from harness import bench as benching
from harness.commands.options import Options
from harness.report import table
from harness.workshop import open_workshop


def bench(options: Options, repetitions: int, only: Sequence[str], markdown: bool) -> int:
    """Measure, and print a table with medians and spread."""
    known, out, start = options.project(), options.out, time.monotonic()
    with open_workshop() as workshop, contextlib.ExitStack() as stack:
        notify = stack.enter_context(options.progress(document=markdown))
        prepared = stack.enter_context(benching.prepared(known, workshop, options.deployments, notify))
        taken = benching.take(prepared, repetitions, only, notify)
    if options.as_json:
        print(json.dumps([measure.row() for measure in taken], indent=1))
    else:
        table.show(out, taken, markdown=markdown)
        if prepared.missing:
            out.print(f"not measured in containers: {prepared.missing}", markup=False)
        out.print(f"{repetitions} repetitions, interleaved, {time.monotonic() - start:.0f} s")
    return 0
