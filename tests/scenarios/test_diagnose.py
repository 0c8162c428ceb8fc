"""Diagnoses from end to end: faults are really planted, and what is said of them is proved on real parts."""

import json
import re
from pathlib import Path

import pytest

from harness.diagnose import faults, materials
from harness.diagnose.examine import examine
from harness.diagnose.trials import Lab
from harness.report import answer
from harness.runtimes.process import ProcessRuntime
from harness.scenario import WORKS
from harness.toml_file import Table
from harness.topology import changed


@pytest.fixture(scope="session")
def made(known):
    return materials.load("scenarios", known)


@pytest.fixture
def lab(known, made, services):
    return Lab(ProcessRuntime(known.plan, services), known.plan, made.swaps, parallel=3)


@pytest.fixture
def of_the_page(known, made, tmp_path):
    """The fault that docs/diagnose.md adds, in a folder of its own."""
    page = (Path(__file__).parents[2] / "docs/diagnose.md").read_text(encoding="utf-8")
    name = re.search(r"for example `scenarios/faults/([\w-]+\.toml)`", page)[1]
    (tmp_path / name).write_text(re.search(r"<!-- fault -->\n```toml\n(.*?)```", page, re.DOTALL)[1])
    return faults.load(tmp_path, known.plan, made.scenarios)


@pytest.mark.parametrize(
    ("fault", "cure"),
    [
        ("key-rotated-on-one", "one-key"),
        ("uploads-on-own-disk", "s3"),
        ("sticky-path-too-narrow", "sticky-options"),
        ("balancer-strips-cookies", "cookies-pass"),
        ("recycled-worker-forgets", "no-recycling"),
        ("package-missing-on-one", "same-packages"),
        ("one-replica-with-wrong-parser", "tool-parser"),
    ],
)
def test_a_planted_fault_of_each_layer_is_found_and_proved(lab, made, of_the_page, fault, cure):
    planted = {**made.faults, **of_the_page}[fault]
    found = examine(lab, planted.planted, [made.scenarios[planted.shown_by]])
    (finding,) = found.findings
    assert finding.cause.cause.id == planted.cause
    assert cure in [trial.swaps[0].name for trial in finding.proved[planted.cause]]
    assert cure in [swap.name for (swap,) in found.cures]
    told = "\n".join(answer.answer(found))
    assert f"Proved: with {made.swaps[cure].title}" in told or len(finding.proved[planted.cause]) > 1
    assert json.loads(json.dumps(answer.as_json(found)))["findings"][0]["causes"][0]["proved"]


def test_two_faults_at_once_need_two_changes(lab, known, made):
    both = changed(
        known.plan,
        made.faults["secret-keys-differ"].planted,
        Table(known.plan.path, "", {"storage": "local"}),
    )
    found = examine(lab, both, [made.scenarios["upload-a-chat-b"]])
    assert {frozenset(swap.name for swap in cure) for cure in found.cures} >= {frozenset({"one-key", "s3"})}
    assert all(len(cure) == 2 for cure in found.cures)
    assert "Not proved" in "\n".join(answer.answer(found))


def test_what_works_needs_no_explanation(lab, known):
    found = examine(lab, known.plan.topology("single"), [known.scenario("upload-then-chat")])
    assert ([one.verdict for one in found.findings], found.cures, found.broken) == ([WORKS], [], [])
    assert list(answer.answer(found)) == ["Single instance: nothing to explain (upload-then-chat)"]
