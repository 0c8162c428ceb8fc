"""The score: what counts as proved, as missed, as a false alarm; on made-up examinations."""

import itertools

import pytest

from harness import project
from harness.diagnose import Diagnosis, materials
from harness.diagnose import score as scoring
from harness.diagnose.causes import LAYERS
from harness.diagnose.examine import Examination, Finding
from harness.diagnose.trials import Lab, Trial
from harness.errors import HarnessError, PartMissing
from harness.observe import Observation
from harness.plays import Play
from harness.report import scoring as report
from harness.report.terminal import console
from harness.scenario import AFFINITY, BROKEN, SKIPPED, WORKS

KNOWN = project.load()
MADE = materials.load("scenarios", KNOWN)
FAULT = MADE.faults["secret-keys-differ"]
SCENARIO = MADE.scenarios[FAULT.shown_by]
LAB = Lab(None, KNOWN.plan, MADE.swaps)


def finding(*causes, proved=(), verdict=BROKEN):
    seen = Observation("1", "user", "ask", "GET", "/", None, evidence={"session": {}})
    witness = None if verdict in (WORKS, SKIPPED) else Play("x", [seen])
    trials = {cause: [Trial((MADE.swaps["one-key"],), WORKS)] for cause in proved}
    proposals = [Diagnosis.of(cause, "so it seems") for cause in causes]
    return Finding(SCENARIO, verdict, "no such part", witness, {}, proposals, trials)


@pytest.fixture
def scored(monkeypatch):
    """Score with these findings for the planted fault, and this one for the topology without it."""

    def run(*planted, healthy=None):
        found = itertools.chain([healthy or finding(verdict=WORKS)], planted)

        def examine(lab, topology, wanted):
            one = next(found)
            if isinstance(one, Exception):
                raise one
            return Examination(topology, [one], seconds=1.0)

        monkeypatch.setattr(scoring, "examine", examine)
        sound = [(FAULT.healthy, (FAULT.shown_by,))]
        return scoring.score(LAB, [FAULT] * len(planted), sound, MADE.scenarios)

    return run


@pytest.mark.parametrize(
    ("came_out", "outcome", "good"),
    [
        (finding("S01", "E02", proved=["S01"]), "proved", True),
        (finding("E02", "S01", proved=["E02", "S01"]), "proved", True),
        (finding("S01", "E02", proved=["E02"]), "proposed", False),
        (finding("S13", proved=["S13"]), "family", False),
        (finding("D01", "E02", "P09", "S01", proved=["D01"]), "wrong", False),
        (finding(verdict=WORKS), "missed", False),
        (HarnessError("B did not come up"), "wrong", False),
        (finding(verdict=SKIPPED), "skipped", True),
        (PartMissing("redis", "not there", "apt"), "skipped", True),
    ],
)
def test_what_a_finding_is_worth(scored, came_out, outcome, good):
    found = scored(came_out)
    assert found.faults[0].outcome == outcome
    assert found.good == good
    assert report.as_json(found)["counts"][outcome] == 1


def test_being_named_first_is_counted_apart(scored):
    assert scored(finding("S01", proved=["S01"])).faults[0].first
    assert not scored(finding("E02", "S01", proved=["E02", "S01"])).faults[0].first


def test_one_fault_in_twenty_may_be_explained_otherwise_and_none_be_missed(scored):
    right, wrong = finding("S01", proved=["S01"]), finding("D01")
    assert scored(*[right] * 19, wrong).good
    assert not scored(*[right] * 18, wrong).good
    assert not scored(*[right] * 99, finding(verdict=WORKS)).good


@pytest.mark.parametrize("verdict", [BROKEN, AFFINITY])
def test_a_healthy_topology_that_is_called_ill_is_a_false_alarm(scored, verdict):
    found = scored(finding("S01", proved=["S01"]), healthy=finding("D01", verdict=verdict))
    assert (found.alarms, found.good) == (["s3 / upload-a-chat-b: D01"], False)
    assert "false alarm: s3 / upload-a-chat-b: D01" in list(report.summary(found))


def test_a_healthy_topology_that_does_not_come_up_is_a_false_alarm_too(scored):
    found = scored(finding("S01", proved=["S01"]), healthy=HarnessError("A was not ready"))
    assert (found.alarms, found.good) == (["s3: A was not ready"], False)


@pytest.mark.parametrize("markdown", [True, False])
def test_the_tables_have_a_row_for_each_layer_and_say_what_was_reached(scored, capsys, markdown):
    report.show(console(), scored(finding("S13", proved=["S13"])), markdown=markdown)
    said = capsys.readouterr().out
    assert "session" in said
    assert "secret-keys-differ" in said
    assert "NOT reached: every fault noticed, 95% of the causes proved, no false alarm" in said


def test_the_healthy_ones_are_those_that_expectations_and_faults_say(scored):
    healthy = scoring.healthy_ones(KNOWN.plan, KNOWN.expected, MADE.faults.values())
    assert len(healthy) >= 20
    works_on = {topology.name: works for topology, works in reversed(healthy)}
    assert "chat-first" in works_on["baseline"]
    assert "upload-then-chat" not in works_on["baseline"]
    assert all(
        any(fault.healthy == topology and fault.shown_by in works for topology, works in healthy)
        for fault in MADE.faults.values()
    )


def test_there_are_faults_of_every_layer():
    layers = [fault.layer for fault in MADE.faults.values()]
    assert len(layers) >= 45
    assert set(layers) == set(LAYERS)
