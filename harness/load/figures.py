"""Figures: from every request to one line a case, each also by round and by kind of request.

| column | what |
|---|---|
| case, place, instances, megabytes | what was run |
| round, request | which part of it; ``all`` for the whole |
| requests, failed, wrong, judged | how many; a wrong answer is not among the failed |
| wrong_per_10000 | wrong answers per 10,000 judged |
| rps | requests per second |
| p50, p95, p99 | milliseconds |
| storage_calls, storage_bytes, ... | per request, by the app's own evidence |
| memory | MiB of an instance at the end of a slice |
| lost, at_risk | sessions that an instance's death ended, of those that it could have |
| x_... | the same as a multiple of the base's |
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from harness.load import WRONG
from harness.load.cases import Case, base
from harness.load.rounds import KILL, STORES, Slice, cases_of

ALL = "all"
RATIOS = ("rps", "p50", "p95", "p99", "memory")
NONE = float("nan")


def figures(slices: Sequence[Slice]) -> pd.DataFrame:
    """One row for each case, round and kind of request, and for the whole of each."""
    cases = cases_of(slices)
    lines = [line for case in cases for line in _of(case, [one for one in slices if one.case == case])]
    table = pd.DataFrame(lines)
    return table.join(_ratios(table, cases))


def requests(slices: Sequence[Slice]) -> pd.DataFrame:
    """One row a request, with its case and round."""
    parts = [one.rows.assign(case=one.case.name, round=one.round) for one in slices]
    return pd.concat(parts, ignore_index=True)


def whole(table: pd.DataFrame) -> pd.DataFrame:
    """One row a case."""
    return table[(table["round"] == ALL) & (table["request"] == ALL)]


def lines(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The same, as dictionaries by column."""
    return [{str(name): value for name, value in row.items()} for row in whole(table).to_dict("records")]


def lost(rows: pd.DataFrame, dying: float, dead: float) -> tuple[int, int]:
    """Sessions lost by an instance's death, and those at risk.

    At risk is a visit that had something to lose, a request that went well before, and got an answer
    about it after. It is lost if not one of these was right until it began anew. Errors are no answers,
    and what an instance still gets right while it is dying counts for nothing.
    """
    gone = risky = 0
    for _, visit in rows.sort_values("started").groupby("visit", sort=False):
        before = visit[visit["started"] + visit["ms"] / 1000 < dying]
        if not (before["failure"].isna() & ~before["judged"]).any():
            continue
        after = visit[visit["started"] >= dying]
        asked = after[after["judged"].cummin()]  # the next request that nobody judges begins anew
        right, wrong = asked["failure"].isna(), _wrong(asked)
        counted = right[wrong | (right & (asked["started"] >= dead))]
        risky += not counted.empty
        gone += not counted.empty and not counted.any()
    return gone, risky


def _of(case: Case, slices: Sequence[Slice]) -> Iterator[dict[str, Any]]:
    head = {"case": case.name, "place": case.place, "instances": case.instances, "megabytes": case.megabytes}
    measured = [one for one in slices if one.round != KILL]
    deaths = [lost(one.rows, *one.killed) for one in slices if one.killed is not None]
    for name, part in [(ALL, measured), *((one.round, [one]) for one in measured)]:
        seconds = sum(map(_seconds, part))
        rows = pd.concat([one.rows for one in part])
        for request, some in [(ALL, rows), *rows.groupby("request", sort=False)]:
            line = {**head, "round": name, "request": request, **_numbers(some, seconds)}
            if request == ALL:
                line["memory"] = sum(one.memory for one in part) / len(part)
            if (name, request) == (ALL, ALL):
                line["lost"], line["at_risk"] = deaths[0] if deaths else (NONE, NONE)
            yield line


def _numbers(rows: pd.DataFrame, seconds: float) -> dict[str, float]:
    wrong = _wrong(rows)
    failed = rows["failure"].notna() & ~wrong
    judged = int((rows["judged"] & ~failed).sum())
    found: dict[str, float] = {
        "requests": len(rows),
        "failed": int(failed.sum()),
        "wrong": int(wrong.sum()) if judged or wrong.any() else NONE,  # unasked is not right
        "judged": judged,
        "wrong_per_10000": 10_000 * int((wrong & rows["judged"]).sum()) / judged if judged else NONE,
        "rps": len(rows) / seconds,
    }
    found |= {f"p{share}": float(rows["ms"].quantile(share / 100)) for share in (50, 95, 99)}
    for column in (f"{store}_{what}" for store in STORES for what in ("calls", "bytes")):
        found[column] = float(rows[column].mean()) if column in rows else NONE
    return found


def _wrong(rows: pd.DataFrame) -> pd.Series[bool]:
    return rows["failure"].fillna("").str.startswith(WRONG)


def _seconds(one: Slice) -> float:
    """From the first request's beginning to the last one's end."""
    return float((one.rows["started"] + one.rows["ms"] / 1000).max() - one.rows["started"].min())


def _ratios(table: pd.DataFrame, cases: Sequence[Case]) -> pd.DataFrame:
    bases = {case.name: base(case, cases).name for case in cases}
    keyed = table.set_index(["case", "round", "request"])
    places = zip(table["case"].map(bases), table["round"], table["request"], strict=True)
    of_base = keyed.reindex(list(places))
    return pd.DataFrame(
        {f"x_{name}": table[name].to_numpy() / of_base[name].to_numpy() for name in RATIOS}, index=table.index
    )
