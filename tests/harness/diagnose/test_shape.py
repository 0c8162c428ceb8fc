"""The shape of what the probes found names the family, and nothing else does."""

import io
import json
import time

import pytest
from rich.console import Console

from harness.diagnose import probes
from harness.diagnose.probes import Look, Table
from harness.diagnose.shape import RULES, family
from harness.observe import Access
from harness.report import probes as report

ALL = [(wrote, read) for wrote in ("A/1", "B/1") for read in ("A/1", "A/2", "B/1", "B/2")]
ACROSS = [ways for ways in ALL if ways[0][0] != ways[1][0]]
ROWS = (
    probes.BACK, probes.LATER, probes.BALANCED, probes.NO_STICKINESS, probes.STRANGER, probes.TWO_USERS,
    probes.MEANWHILE,
)  # fmt: skip


@pytest.fixture
def look(seen):
    def make(wrote="A/1", read="B/1", holds=True, **changes):
        instance, worker = read.split("/")
        accepted = seen("1", instance=wrote[0], pinned=wrote, cookies_set=("session",))
        answer = {
            "pinned": read,
            "instance": instance,
            "worker": worker,
            "cookies_sent": ("session",),
            **changes,
        }
        return Look(holds, accepted, [seen("2", **answer)])

    return make


@pytest.fixture
def table(look):
    """A table in which everything holds but for these, each changed as asked."""

    def make(*fails, pins=False, **changes):
        places = {name: ("A/1", "A/1" if name == probes.BACK else "B/1") for name in ROWS}
        return Table(
            {
                ways: look(*ways, holds=ways not in fails, **(changes if ways in fails else {}))
                for ways in ALL
            },
            {name: look(*places[name], holds=name not in fails, **changes) for name in ROWS},
            pins,
        )

    return make


def layer(found):
    return found.layer if found else None


NOT_SHARED = (*ACROSS, probes.LATER, probes.BALANCED)


@pytest.mark.parametrize(
    ("fails", "changes", "named"),
    [
        ((), {}, None),
        (NOT_SHARED, {}, "storage"),
        ((*NOT_SHARED, probes.BACK), {}, "session"),
        ((*ACROSS, probes.BALANCED), {}, "storage"),  # late: a second later it is there
        ((probes.LATER,), {}, "storage"),  # gone a second later
        ([*ACROSS[:2], probes.LATER], {}, "deployment"),
        ([("B/1", "B/1"), ("B/1", "B/2"), *ACROSS], {}, "deployment"),
        ([("A/1", "A/2")], {}, "worker"),
        (ALL, {"cookies_sent": ()}, "session"),
        (ALL, {"reply": {"response": "Rano 4711"}}, "llm"),
        (ALL, {"instance": None, "status": 431, "upstream": "127.0.0.1:1"}, "worker"),
        (ALL, {"reply": {"error": {"type": "llm_cut"}}}, "llm"),
        (ACROSS, {"reply": {"error": {"type": "llm_cut"}}}, "llm"),
        ((probes.BALANCED,), {"instance": None, "status": 503}, "proxy"),
        ((probes.BALANCED,), {}, "proxy"),
        ((probes.STRANGER,), {}, "proxy"),
        ((probes.MEANWHILE,), {}, "session"),
        ((probes.TWO_USERS,), {}, "session"),
    ],
)
def test_the_shape_names_the_family(table, fails, changes, named):
    assert layer(family(table(*fails, **changes))) == named


def test_stickiness_that_does_not_hide_what_is_not_shared(table):
    assert layer(family(table(*NOT_SHARED, pins=True))) == "affinity"
    hidden = (*ACROSS, probes.LATER, probes.NO_STICKINESS)
    assert layer(family(table(*hidden, pins=True))) == "storage"


def test_no_cookie_at_all(table, seen):
    bare = table(*ALL)
    for one in bare.grid.values():
        one.wrote.cookies_set = ()
    assert layer(family(bare)) == "proxy"


def test_a_write_that_is_refused(seen):
    refused = seen("1", status=503, pinned="A/1")
    found = family(Table({("A/1", "A/1"): Look(False, refused, ())}))
    assert (found.layer, found.why) == ("deployment", "A/1 answered 503 to ask")


def test_every_rule_says_nothing_of_what_it_does_not_see():
    assert [rule(Table()) for rule in RULES] == [None] * len(RULES)


class Shelf:
    """A user of stores that the test decides on: what each worker sees of what was written."""

    def __init__(self, seen, name, shares):
        self._seen, self._name, self._shares = seen, name, shares
        self._number, self._last = 0, None

    def write(self, to=None):
        self._number += 1
        self._last = to or "A/1"
        version = f"{self._name}, {self._number}"
        return self._seen("w", pinned=to, access=Access(self._name, "write", self._name, version))

    def read(self, to=None):
        there = self._shares(self._last, to or "A/1") and self._last is not None
        version = f"{self._name}, {self._number}" if there else None
        return self._seen("r", pinned=to, access=Access(self._name, "read", self._name, version))

    def loses_cookies(self, *names):
        self._last = self._last if names else None


@pytest.mark.parametrize(
    ("shares", "named"),
    [
        (lambda wrote, read: True, None),
        (lambda wrote, read: wrote[0] == read[0], "storage"),
        (lambda wrote, read: wrote == read, "worker"),
        (lambda wrote, read: (wrote[0], read[0]) != ("B", "A"), "deployment"),
        (lambda wrote, read: False, "session"),
    ],
)
def test_probing_finds_out_who_shares_what(deployment, seen, shares, named, monkeypatch):
    monkeypatch.setattr(probes, "LATER_SECONDS", 0.0)
    found = probes.probe(deployment(), lambda _, name: Shelf(seen, name, lambda w, r: w and shares(w, r)))
    assert {ways: look.holds for ways, look in found.grid.items()} == {ways: shares(*ways) for ways in ALL}
    assert found.rows[probes.STRANGER].holds
    for one in found.grid.values():
        one.wrote.cookies_set = one.failed.cookies_sent = ("session",)
    assert layer(family(found)) == named


def test_what_takes_too_long_is_left_out_and_said(deployment, seen, monkeypatch):
    class Slow(Shelf):
        def read(self, to=None):
            time.sleep(0.6)
            return super().read(to)

    monkeypatch.setattr(probes, "LATER_SECONDS", 0.0)
    found = probes.probe(deployment(), lambda _, name: Slow(seen, name, lambda w, r: True), seconds=0.4)
    assert 0 < len(found.grid) < len(ALL)
    assert found.left_out >= len(ALL) - len(found.grid)
    assert family(found) is None
    out = io.StringIO()
    report.show(Console(file=out, width=120), found, None)
    assert f"{found.left_out} probes are left out" in out.getvalue()
    assert report.as_json(found, None)["left_out"] == found.left_out


def test_people_and_machines_are_told_the_same(table):
    found = table(*NOT_SHARED)
    out = io.StringIO()
    report.show(Console(file=out, width=120), found, family(found))
    lines = [" ".join(line.split()) for line in out.getvalue().splitlines()]
    assert "written at read at A/1 read at A/2 read at B/1 read at B/2" in lines
    assert "A/1 yes yes no no" in lines
    assert f"{probes.BACK}: yes" in lines
    assert lines[-1].startswith("the shape says storage (or: deployment): A/1 took it, B/1 does not have it")
    told = json.loads(json.dumps(report.as_json(found, family(found))))
    assert (told["family"], len(told["grid"]), len(told["rows"])) == ("storage", 8, 7)
    assert report.said(None) == "the probes name no family"
