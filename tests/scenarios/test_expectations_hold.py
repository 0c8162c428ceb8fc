"""The whole matrix on real parts: each cell comes out as ``expectations.toml`` says."""

import itertools

import pytest

from harness import project
from harness.report.terminal import differences
from harness.scenario import WORKS

KNOWN = project.load()


@pytest.mark.parametrize("topology", KNOWN.plan.topologies)
def test_every_scenario_comes_out_as_expected(bench, topology):
    cells = bench.cells(topology)
    assert [cell.scenario for cell in cells if cell.expected is None] == []
    assert [line.plain for line in differences(cells)] == []


def test_the_failure_is_the_reports(bench):
    cell = bench.cell("baseline", "upload-then-chat")
    upload, chat = cell.witness.observations
    assert upload.status == chat.status == 200, "a wrong answer is HTTP 200"
    assert upload.instance != chat.instance
    assert chat.value("workflow") == "normal"
    (look,) = chat.evidence["mode"]["looked_at"]
    assert look["what"] == "flag"
    assert look["where"].startswith(f"{chat.instance}:/uploads/")
    assert look["found"] is False
    assert cell.cause_id == "D01"


def test_a_works_verdict_rests_on_the_numbers_of_the_rows_through_another_worker_each_time(bench):
    cell = bench.cell("s3-redis", "upload-then-chat")
    assert cell.verdict == WORKS
    balanced, around = cell.plays
    for play in (balanced, around):
        assert all(check.holds for check in play.checks)
        assert sum("computed from the rows" in check.sentence for check in play.checks) == 2
    served = [seen.served_by for seen in around.observations]
    assert all(one != after for one, after in itertools.pairwise(served))
    assert {seen.instance for seen in around.observations} == {"A", "B"}


def test_no_observation_names_a_folder_of_this_machine_or_a_secret(bench, workshop):
    cells = bench.cells("efs", "upload-a-chat-b")
    text = repr([seen.evidence for cell in cells for play in cell.plays for seen in play.observations])
    assert "shared-files:/" in text or "A:/" in text
    assert str(workshop.root) not in text
