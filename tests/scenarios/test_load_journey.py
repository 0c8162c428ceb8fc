"""What a visit under load takes for wrong, and by which name."""

import io

import pandas as pd
import pytest

from scenarios import load
from scenarios.v3 import Dataset

OLD, NEW, THEIRS = (Dataset.random().totals for _ in range(3))


@pytest.fixture(autouse=True)
def everybody(monkeypatch):
    numbers = load.Everybody(most=12)
    for totals in (OLD, NEW, THEIRS):
        numbers.add(totals)
    monkeypatch.setattr(load, "EVERYBODY", numbers)
    return numbers


def said(totals):
    return "Ward, sum: " + "; ".join(f"{ward}: {number}" for ward, number in totals.items())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (said(NEW), None),
        (said(NEW) + "; all: 587,851,095", None),
        (said(OLD), "numbers of an earlier upload"),
        (said(THEIRS), "another user's numbers"),
        (said(NEW) + said(THEIRS), "another user's numbers"),
        (said(dict.fromkeys(NEW, 123456789)), "numbers that this user never uploaded"),
        ("Please upload your data file first.", "a general answer after an upload"),
        ("", "a general answer after an upload"),
    ],
    ids=["right", "right-and-more", "stale", "anothers", "both", "invented", "general", "empty"],
)
def test_what_is_wrong_has_a_name(text, name):
    assert load.wrong(text, [OLD, NEW]) == name


def test_numbers_are_kept_up_to_a_bound(everybody):
    everybody.add({"Rano": 1, "Dala": 2})
    assert everybody.others("2", [])
    assert not everybody.others(str(next(iter(OLD.values()))), [])


def test_a_large_file_has_its_size_and_totals_of_its_own():
    one, other = load.file(2), load.file(2)
    assert abs(len(one.csv) - 2_000_000) < 10_000
    assert one.totals != other.totals
    table = pd.read_csv(io.BytesIO(one.csv))
    assert table.groupby("Ward")["Tests"].sum().to_dict() == one.totals
    assert len(load.file(0).csv) < 1000
