"""Swaps: what they change, what they leave alone, and what is said about mistakes in the file."""

from dataclasses import replace
from pathlib import Path

import pytest

import scenarios
from harness import project
from harness.diagnose import CAUSES, swaps
from harness.errors import HarnessError
from harness.settings import Nginx, Own
from harness.toml_file import Table
from harness.topology import changed

FILE = Path(scenarios.__file__).parent / "swaps.toml"
PLAN = project.load().plan
SWAPS = swaps.load(FILE)


def topology(name, **change):
    return changed(PLAN, PLAN.topology(name), Table(FILE, "", change))


def test_every_swap_says_what_it_is_worth():
    for swap in SWAPS.values():
        assert swap.cures
        assert swap.costs
        assert swap.leaves
        assert swap.lines


def test_every_cause_has_a_swap_but_those_that_nothing_known_here_cures():
    cured = {cause for swap in SWAPS.values() for cause in swap.cures}
    assert {"X01", "X02"} == {cause for cause in CAUSES if cause not in cured}


def test_a_swap_changes_its_part_and_nothing_else():
    ill = topology("s3", env={"B": {"SECRET_KEY": "k", "S3_BUCKET": "b"}}, nginx={"body_limit": "1m"})
    cured = SWAPS["one-key"].apply(PLAN, ill)
    assert cured.env == {"B": {"S3_BUCKET": "b"}}
    assert cured.nginx == Nginx(body_limit="1m")
    assert SWAPS["body-limit"].apply(PLAN, SWAPS["same-environment"].apply(PLAN, ill)) == topology("s3")


def test_a_repair_mends_one_misconfiguration_wherever_it_is_and_no_other():
    ill = topology("s3", llm="unknown-model", own={"B": {"llm": "no-tool-flags", "wsgi": "a:b"}})
    cured = SWAPS["tool-flags"].apply(PLAN, ill)
    assert (cured.llm, cured.own) == ("unknown-model", {"B": Own(llm="none", wsgi="a:b")})


def test_what_changes_nothing_or_does_not_go_with_it_is_no_intervention():
    assert swaps.applied(PLAN, topology("s3"), [SWAPS["s3"]]) is None
    assert swaps.applied(PLAN, topology("single"), [SWAPS["one-instance"]]) is None
    both = swaps.applied(PLAN, topology("baseline"), [SWAPS["s3"], SWAPS["stickiness"]])
    assert (both.storage, both.affinity) == ("s3", "sticky-cookie")
    assert swaps.applied(PLAN, topology("baseline"), [SWAPS["s3"], SWAPS["s3"]]) is None
    tape = replace(SWAPS["s3"], change=Table(FILE, "tape", {"storage": "tape"}))
    assert swaps.applied(PLAN, topology("baseline"), [tape]) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[a]\ncures = []\n", "a.title: missing"),
        ('[a]\ntitle = "t"\ncures = ["S99"]\n', "a.cures: 'S99' is not an allowed value"),
        ('[a]\ntitle = "t"\ncosts = "c"\nleaves = "l"\n', "a.change: missing: a swap needs change"),
        ('[a]\ntitle = "t"\n[a.lines]\napache = "x"\n', "a.lines.apache: 'apache' is not an allowed key"),
        ("[a]\nchanges = 1\n", "a.changes: 'changes' is not an allowed key"),
    ],
)
def test_a_mistake_is_named(tmp_path, text, found):
    (tmp_path / "swaps.toml").write_text(text, encoding="utf-8")
    with pytest.raises(HarnessError) as error:
        swaps.load(tmp_path / "swaps.toml")
    assert found in str(error.value)
