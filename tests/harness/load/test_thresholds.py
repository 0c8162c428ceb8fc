"""Thresholds: what is understood, what is refused and how, and that each can fail."""

import pytest

from harness.errors import HarnessError
from harness.load import thresholds

PLACES = ("single", "s3-redis", "https://staging.example.org")
FIGURES = {"wrong": 0, "p95": 300.0, "x_p95": 1.5, "rps": 50.0, "lost": float("nan")}
LINE = {"case": "s3-redis", "place": "s3-redis", **FIGURES}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("wrong == 0", True),
        ("wrong != 0", False),
        ("p95 < 300ms", False),
        ("p95 <= 0.3s", True),
        ("p95<1.6x", True),
        ("p95 < 1.5x", False),
        ("rps > 50", False),
        ("s3-redis: rps >= 50", True),
    ],
)
def test_a_threshold_is_held_against_the_figure_that_it_names(text, holds):
    (verdict,) = thresholds.judge([thresholds.parse(text, PLACES)], [LINE])
    assert verdict.holds is holds


def test_one_for_another_topology_is_not_held_against_this_one():
    one = thresholds.parse("https://staging.example.org: wrong == 1", PLACES)
    other = {**LINE, "case": "staging", "place": "https://staging.example.org"}
    assert [verdict.case for verdict in thresholds.judge([one], [LINE, other])] == ["staging"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("p95 below 300ms", "is no threshold; the form is"),
        ("p95", "is no threshold; the form is"),
        ("p96 < 300ms", "'p96' is not an allowed value (did you mean 'p99'?); allowed: requests, failed"),
        ("p95 =< 300ms", "'=<' is not an allowed value"),
        ("p95 < 300", "p95 is compared with a time such as 300ms or 1.5s, or 1.5x"),
        ("wrong == 1.5x", "wrong is compared with a number such as 50, not '1.5x'"),
        ("rps > 50ms", "rps is compared with a number such as 50, or 1.5x"),
        ("s3: wrong == 0", "'s3' is not an allowed value"),
    ],
)
def test_what_is_no_threshold_is_refused_with_its_text_and_what_is_allowed(text, said):
    with pytest.raises(HarnessError) as error:
        thresholds.parse(text, PLACES)
    assert repr(text) in str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lost == 0", "cannot be judged for s3-redis: it was not measured"),
        ("single: wrong == 0", "cannot be judged: single was skipped"),
    ],
)
def test_what_cannot_be_judged_does_not_hold_by_silence(text, said):
    with pytest.raises(HarnessError, match=said):
        thresholds.judge([thresholds.parse(text, PLACES)], [LINE])


def test_a_file_of_them(tmp_path):
    path = tmp_path / "limits.toml"
    path.write_text('every = ["wrong == 0"]\ns3-redis = ["p95 < 1s"]', encoding="utf-8")
    found = thresholds.load(path, PLACES)
    assert [(one.place, one.column, one.value) for one in found] == [
        ("every", "wrong", 0),
        ("s3-redis", "p95", 1000),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('s3 = ["wrong == 0"]', "'s3' is not an allowed key"),
        ('every = "wrong == 0"', "is not a list of strings"),
        ('every = ["wrong = 0"]', "limits.toml:1: every: 'wrong = 0': '=' is not an allowed value"),
        ('single = ["s3-redis: wrong == 0"]', "is for another topology than its key says"),
    ],
)
def test_a_bad_file_is_refused_with_its_name_and_key(tmp_path, text, said):
    path = tmp_path / "limits.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(HarnessError) as error:
        thresholds.load(path, PLACES)
    assert said in str(error.value)
