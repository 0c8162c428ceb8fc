"""The rules by which backends are told apart and confidence is stated."""

from itertools import pairwise

import pytest

from harness.prober.backends import tell_apart
from harness.prober.confidence import ruled_out
from harness.prober.wire import Sample, Wire, date_of


def samples(**columns):
    rows = zip(*columns.values(), strict=True)
    return [
        Sample(200, "HTTP/1.1", dict(zip(columns, row, strict=True)), {}, {}, None, 0.0, 0.0) for row in rows
    ]


@pytest.mark.parametrize(
    ("column", "names"),
    [
        ("ababababab", {"a": "A", "b": "B"}),
        ("abbabaabba", {"a": "A", "b": "B"}),
        ("aaaaaaaaaa", {}),  # one value
        ("abcdefghij", {}),  # an id
        ("aaaaabbbbb", {}),  # a clock, a deployment
        ("abababcdcd", {}),  # too few of each
    ],
)
def test_what_tells_backends_apart(column, names):
    assert tell_apart(samples(x=column)).names == names


def test_a_header_made_for_it_goes_before_others():
    found = tell_apart(samples(**{"header server": "abcabcabcabc", "header x-backend": "pqpqpqpqpqpq"}))
    assert found.feature == "header x-backend"
    assert found.others == {}


def test_what_follows_the_backend_is_a_difference():
    found = tell_apart(samples(**{"header x-backend": "pqpqpqpq", "header server": "ababacab"[:8]}))
    assert found.others == {}
    found = tell_apart(samples(**{"header x-backend": "pqpqpqpq", "header server": "abababab"}))
    assert found.others == {"header server": {"A": "a", "B": "b"}}


@pytest.mark.parametrize(("trials", "rate"), [(0, 1.0), (1, 0.95), (300, 0.00994), (3000, 0.001)])
def test_what_trials_without_a_miss_rule_out(trials, rate):
    assert ruled_out(trials) == pytest.approx(rate, rel=0.01)


@pytest.mark.parametrize("text", [None, "", "soon", "Tue, 99 Abc 99999 99:99:99 GMT"])
def test_what_is_no_date(text):
    assert date_of(text) is None


def test_the_rate_is_kept(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    monkeypatch.setattr("time.sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))
    wire, at = Wire("http://127.0.0.1:1/", 50, 10.0), []
    for number in range(20):
        wire.turn()
        at.append(now[0])
        now[0] += 0.35 if number == 5 else 0.0  # a slow answer is no credit
    gaps = [after - before for before, after in pairwise(at)]
    assert min(gaps) >= 0.1 - 1e-9
