"""What a visit under load takes for wrong, and by which name."""

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
        (said(NEW) + "; Elsewhere: 587,851,095", None),
        (said(OLD), "numbers of an earlier upload"),
        (said(THEIRS), "another user's numbers"),
        (said(NEW) + said(THEIRS), "another user's numbers"),
        (said(dict.fromkeys(NEW, 123456789)), "numbers that this user never uploaded"),
        ("Please upload your data file first.", "a general answer after an upload"),
        ("", "a general answer after an upload"),
    ],
)
def test_what_is_wrong_has_a_name(text, name):
    assert load.wrong(text, [OLD, NEW]) == name


def test_numbers_are_kept_up_to_a_bound(everybody):
    everybody.add({"Rano": 1, "Dala": 2})
    assert everybody.others("2", [])
    assert not everybody.others(str(next(iter(OLD.values()))), [])


def test_a_file_has_its_size_and_the_same_totals():
    data = Dataset.random()
    csv = load.Padded(data, 2).csv
    assert abs(len(csv) - 2_000_000) < 1000
    assert csv.startswith(data.csv)
    assert load.Padded(data, 0).csv == data.csv
