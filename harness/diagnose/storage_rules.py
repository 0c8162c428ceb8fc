"""Rules for storage that every instance shares, and where the order of writes is wrong."""

from __future__ import annotations

from harness.diagnose.case import Case, Diagnosis, overlap


def flag_first(case: Case) -> Diagnosis | None:
    """What announces the data is there, the data are not, and an upload is under way."""
    failed = case.failed
    if failed.status != 500 or "flag is there, the data is not" not in failed.text:
        return None
    writing = [seen for seen in case.writes if overlap(seen, failed)]
    if not writing:
        return None
    shown = f"{writing[-1].instance} was still at {writing[-1].label}, and {failed.instance} saw its flag"
    return Diagnosis.of("D05", f"{shown}: {failed.text[:100]}")
