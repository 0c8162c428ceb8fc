"""Measures: interleaved, with median and spread; a table for people, every value for machines."""

import itertools

import pytest

from harness import bench
from harness.bench import Measure
from harness.errors import HarnessError
from harness.report import table, terminal

TAKEN = [
    Measure("warm start, one", "s", (0.2, 0.5, 0.3)),
    Measure("cold start, one", "s", (3.0, 2.4, 9.0)),
    Measure("warm start, two", "s", (0.1,)),
    Measure("requests through nginx", "requests/s", (900.0, 1100.0)),
    Measure("requests straight to A", "requests/s", (1500.0,)),
]


@pytest.fixture
def taken(monkeypatch):
    """Measures that note their turn."""
    turns, clock = [], itertools.count(1.0)

    def measure(name):
        def take():
            turns.append(name)
            return next(clock)

        return ("s", take)

    monkeypatch.setattr(bench, "measures", lambda _: {name: measure(name) for name in ("a x", "b x", "b y")})
    return turns


def test_every_measure_has_its_turn_in_each_repetition(taken):
    found = bench.take(None, 3)
    assert taken == ["a x", "b x", "b y"] * 3
    assert [measure.values for measure in found] == [(1.0, 4.0, 7.0), (2.0, 5.0, 8.0), (3.0, 6.0, 9.0)]


def test_those_that_are_asked_for(taken):
    told = []
    found = bench.take(None, 2, ("x",), told.append)
    assert [measure.name for measure in found] == ["a x", "b x"]
    assert told == ["1 of 2: a x", "1 of 2: b x", "2 of 2: a x", "2 of 2: b x"]


def test_one_that_there_is_not(taken):
    with pytest.raises(HarnessError, match="--only z: no such measure; there are: a x; b x; b y"):
        bench.take(None, 1, ("z",))


def test_one_that_takes_long_is_taken_by_its_whole_name(taken, monkeypatch):
    monkeypatch.setattr(bench, "ON_DEMAND", ("b x",))
    assert [measure.name for measure in bench.take(None, 1)] == ["a x", "b y"]
    assert [measure.name for measure in bench.take(None, 1, ("b",))] == ["b y"]
    assert [measure.name for measure in bench.take(None, 1, ("b x",))] == ["b x"]


def test_a_row_has_the_spread_and_every_value():
    assert TAKEN[0].row() == {
        "measure": "warm start, one", "unit": "s", "median": 0.3, "min": 0.2, "max": 0.5,
        "values": [0.2, 0.5, 0.3],
    }  # fmt: skip


def test_ratios_are_of_medians_on_the_same_topology():
    assert list(table.ratios(TAKEN)) == [
        "cold start, one / warm start, one: 10.00",
        "requests straight to A / requests through nginx: 1.50",
    ]


def test_a_journeys_steps_are_compared_with_the_single_instances():
    taken = [
        Measure("first chat, 1 MB, single", "ms", (10.0,)),
        Measure("first chat, 10 MB, single", "ms", (50.0,)),
        Measure("first chat, 1 MB, s3", "ms", (15.0,)),
        Measure("cell a, s3", "s", (1.0,)),
        Measure("cell a, single", "s", (1.0,)),
    ]
    assert list(table.ratios(taken)) == ["first chat, 1 MB, s3 / first chat, 1 MB, single: 1.50"]


def test_the_table_in_markdown(capsys):
    table.show(terminal.console(), TAKEN, markdown=True)
    told = capsys.readouterr().out.splitlines()
    assert "cores" in told[0]
    assert told[2] == "| measure | unit | median | min | max |"
    assert told[4] == "| warm start, one | s | 0.30 | 0.20 | 0.50 |"
    assert told[-1] == "- requests straight to A / requests through nginx: 1.50"


def test_the_table_in_a_pipe(capsys):
    table.show(terminal.console(), TAKEN)
    words = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["requests", "through", "nginx", "requests/s", "1000", "900", "1100"] in words
