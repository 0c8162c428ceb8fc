"""Figures from made-up requests: each number by hand."""

import math

import pandas as pd
import pytest

from harness.load import WRONG, figures, picture, rounds
from harness.load.cases import Case, base, cases
from harness.report import load as report
from harness.report import terminal

COLUMNS = ["started", "ms", "request", "visit", "judged", "failure"]


def rows(*some):
    return pd.DataFrame(some, columns=COLUMNS)


def upload(at, visit="v", ms=100.0, failure=None):
    return (at, ms, "upload", visit, False, failure)


def ask(at, visit="v", ms=100.0, failure=None):
    return (at, ms, "ask", visit, True, failure)


NO = WRONG + "a general answer"
GONE = "502 Server Error"


@pytest.fixture
def slices(topology):
    one = Case("single", "single", topology("single", instances=1), 0)
    two = Case("two", "two", topology("two"), 0)
    quick = rows(upload(0.0), ask(1.0), ask(1.9)).assign(storage_calls=[5.0, 2.0, 2.0])
    slow = rows(upload(0.0, ms=300.0), ask(1.0, failure=NO), ask(2.0, failure=GONE), ask(3.7, ms=300.0))
    return [
        rounds.Slice(one, "1", quick, memory=100.0),
        rounds.Slice(two, "1", slow, memory=150.0),
        rounds.Slice(one, "2", quick, memory=120.0),
        rounds.Slice(two, "2", slow, memory=150.0),
        rounds.Slice(
            two, "kill", rows(upload(0.0), ask(2.0, failure=NO)), memory=math.nan, killed=(1.0, 1.0)
        ),
    ]


def test_the_whole_of_each_case(slices):
    single, two = figures.lines(figures.figures(slices))
    assert (single["requests"], single["wrong"], single["failed"]) == (6, 0, 0)
    assert single["rps"] == pytest.approx(6 / 4)
    assert single["storage_calls"] == 3
    assert (two["requests"], two["wrong"], two["failed"], two["judged"]) == (8, 2, 2, 4)
    assert two["wrong_per_10000"] == 5000
    assert two["x_rps"] == pytest.approx((8 / 8) / (6 / 4))
    assert two["x_p95"] == pytest.approx(3)
    assert two["x_memory"] == pytest.approx(150 / 110)
    assert math.isnan(two["storage_calls"])
    assert (two["lost"], two["at_risk"]) == (1, 1)
    assert math.isnan(single["lost"])


def test_where_nothing_was_asked_nothing_is_right(slices):
    nothing = rounds.Slice(slices[0].case, "1", rows(upload(0.0), ask(1.0, failure=GONE)), memory=1.0)
    (line,) = figures.lines(figures.figures([nothing]))
    assert (line["judged"], line["failed"]) == (0, 1)
    assert math.isnan(line["wrong"])


def test_each_round_and_each_kind_of_request_has_a_line(slices):
    table = figures.figures(slices)
    assert len(table) == 2 * 3 * 3
    first = table[(table["case"] == "two") & (table["round"] == "1") & (table["request"] == "ask")].iloc[0]
    assert (first["requests"], first["x_p50"]) == (3, 1)


@pytest.mark.parametrize(
    ("after", "lost"),
    [
        ([], (0, 0)),
        ([ask(6.5)], (0, 1)),
        ([ask(5.5)], (0, 0)),
        ([ask(5.5), ask(6.5, failure=NO)], (1, 1)),
        ([ask(5.5, failure=NO)], (1, 1)),
        ([ask(5.5, failure=GONE), ask(7.0)], (0, 1)),
        ([ask(5.5, failure=GONE), upload(6.0), ask(7.0)], (0, 0)),
        ([ask(5.5, failure=GONE), ask(6.5, failure=NO), upload(7.0), ask(8.0)], (1, 1)),
        ([upload(5.5), ask(6.0, failure=NO)], (0, 0)),
    ],
)
def test_a_session_is_lost_if_nothing_was_right_until_it_began_anew(after, lost):
    assert figures.lost(rows(upload(1.0), ask(2.0), *after), 5.0, 6.0) == lost


def test_who_had_nothing_before_the_kill_loses_nothing():
    assert figures.lost(rows(upload(1.0, failure=GONE), ask(6.0, failure=NO)), 5.0, 6.0) == (0, 0)
    assert figures.lost(rows(upload(4.95), ask(6.0, failure=NO)), 5.0, 6.0) == (0, 0)


def test_cases_are_compared_with_the_fewest_instances_at_the_same_size(topology):
    one = topology("one", instances=1, affinity="single")
    many = topology("many", env={"B": {"KEY": "1"}})
    every = cases([many, one], ["http://elsewhere"], (1, 2), (1, 10))
    assert [case.name for case in every] == [
        *("many x1, 1 MB", "many x2, 1 MB", "one, 1 MB", "http://elsewhere, 1 MB"),
        *("many x1, 10 MB", "many x2, 10 MB", "one, 10 MB", "http://elsewhere, 10 MB"),
    ]
    assert base(every[5], every) == every[4]
    assert (every[0].topology.env, every[1].topology.env) == ({}, {"B": {"KEY": "1"}})


def test_a_narrow_window_has_the_figures_below_each_other(slices, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    report.show(terminal.console(), figures.figures(slices))
    shown = capsys.readouterr().out
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= 50
    words = shown.split()
    assert {"200", "3.00x", "5000", "150", "1.36x"} <= set(words)
    assert words.count("two") == words.count("single") > 1


def test_what_is_shown_and_left(slices, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "140")
    table, every = figures.figures(slices), figures.requests(slices)
    report.show(terminal.console(), table)
    shown = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert shown[-2:] == ["two 1 200 300 300 5000 2 1 of 1 n/a n/a n/a 150", "0.67x 2.00x 3.00x 3.00x 1.36x"]
    report.show(terminal.console(), table, markdown=True)
    *_, last = capsys.readouterr().out.splitlines()
    assert last.startswith("| two | 1, 0.67x | 200, 2.00x | 300, 3.00x |")
    assert report.failures(every) == [f"two: 2 x {NO}", f"two: 2 x {GONE}", f"two, killed: 1 x {NO}"]
    names = report.write(tmp_path, table, every)
    assert len(pd.read_parquet(tmp_path / "requests.parquet")) == len(every)
    assert len(pd.read_csv(tmp_path / "load.csv")) == len(pd.read_parquet(tmp_path / "load.parquet"))
    assert all((tmp_path / name).exists() for name in names if not name.endswith("/"))


def test_the_picture_has_a_line_for_what_grows(topology, tmp_path):
    every = cases([topology("many")], [], (1, 2), (1, 10))
    slices = [rounds.Slice(case, "1", rows(upload(0.0), ask(1.0)), memory=1.0) for case in every]
    picture.draw(figures.figures(slices), tmp_path / "load.svg")
    text = (tmp_path / "load.svg").read_text(encoding="utf-8")
    assert "<!-- p95, ms, over instances -->" in text
    assert "<!-- p95, ms, over megabytes -->" in text
