"""For each row of the report the same verdicts and causes from both runtimes, side by side.

The scenarios chosen are those that ask something of a runtime: pins to instances and workers, an instance
that is lost and replaced, one that is down for a while, ssh that hangs, a command by hand, a model that is
misconfigured. ``make docker`` judges all of them.
"""

import pytest

from harness import matrix, project

KNOWN = project.load()
SCENARIOS = (
    "upload-then-chat",
    "other-worker",
    "instance-replaced",
    "during-push",
    "peer-down",
    "rsync-by-hand",
    "llm-misconfigured",
)


@pytest.mark.parametrize("topology", KNOWN.report)
def test_the_runtimes_judge_alike(topology, containers, processes):
    chosen = KNOWN.plan.topology(topology)
    pairs = [(chosen, [KNOWN.scenario(name) for name in SCENARIOS])]
    ours, theirs = (matrix.run(runtime, pairs, KNOWN.expected) for runtime in (containers, processes))
    assert {cell.runtime for cell in ours} == {"docker"}
    said = [(cell.scenario, str(cell.came_out), cell.reason) for cell in ours]
    assert said == [(cell.scenario, str(cell.came_out), cell.reason) for cell in theirs]
    assert [cell.scenario for cell in ours if not cell.as_expected] == []


def test_a_broken_fix_is_broken_in_containers_too(containers, tmp_path):
    text = (KNOWN.plan.path).read_text(encoding="utf-8")
    path = tmp_path / "topologies.toml"
    path.write_text(text + '\n[topology.s3.env.B]\nS3_BUCKET = "elsewhere"\n', encoding="utf-8")
    broken = project.load(topologies=path)
    pairs = [(broken.plan.topology("s3"), [broken.scenario("upload-a-chat-b")])]
    (cell,) = matrix.run(type(containers)(broken.plan, containers._services), pairs, broken.expected)
    assert str(cell.came_out) == "broken: E02"


def test_no_observation_names_a_folder_or_an_address(containers, services):
    pairs = [(KNOWN.plan.topology("efs"), [KNOWN.scenario("upload-a-chat-b")])]
    (cell,) = matrix.run(containers, pairs, KNOWN.expected)
    text = repr([seen.evidence for play in cell.plays for seen in play.observations])
    assert "shared-files:/" in text
    assert str(services.folder) not in text
    assert "/srv/instance" not in text


def test_an_instance_is_weighed_in_its_container(containers):
    with containers.up(KNOWN.plan.topology("single")) as deployment:
        assert 20 < deployment.memory("A") / 2**20 < 1000
        deployment.stop("A")
        assert deployment.memory("A") == 0
