"""The expectations file: what it means, its mistakes, and that nothing is missing from the project's."""

import re

import pytest

from harness import expectations, project
from harness.errors import HarnessError
from harness.expectations import Expectation


@pytest.fixture
def load(tmp_path):
    """Write this text into expectations.toml and read it, with two scenarios known."""

    def read(text):
        (tmp_path / "expectations.toml").write_text(text, encoding="utf-8")
        return expectations.load(tmp_path / "expectations.toml", ["ask", "upload"])

    return read


def test_a_line_is_a_verdict_and_perhaps_a_cause(load):
    text = '[two]\nask = "works"\nupload = "broken: D01"\n[one]\nask = "works only thanks to affinity: S01"'
    assert load(text) == {
        ("ask", "two"): Expectation("works"),
        ("upload", "two"): Expectation("broken", "D01"),
        ("ask", "one"): Expectation("works only thanks to affinity", "S01"),
    }


def test_an_expectation_is_written_as_it_is_read(load):
    for text in ("skipped", "works only thanks to affinity: W01"):
        assert str(load(f'[two]\nask = "{text}"')["ask", "two"]) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[two]\nask = "wroks"', "two.ask: 'wroks': the verdict is one of: works, works only thanks to"),
        ('[two]\nask = ""', "two.ask: '': the verdict is one of: "),
        ("[two]\nask = true", "two.ask: True: the verdict is one of: "),
        ('[two]\nask = "broken: D99"', "two.ask: 'broken: D99': the cause is one of: S01, S0"),
        ('[two]\nask = "broken D01"', "two.ask: 'broken D01': the verdict is one of: "),
        ('[two]\nask = "broken: d01"', "two.ask: 'broken: d01': the cause is one of: "),
        ('[two]\nbuy = "works"', "two.buy: no such scenario; there are: ask, upload"),
        ('two = "works"', "two: 'works' is not a table"),
        ("[two", "not a TOML file: "),
    ],
)
def test_a_mistake_is_named_with_what_is_allowed(load, tmp_path, text, said):
    with pytest.raises(HarnessError, match="^" + re.escape(f"{tmp_path / 'expectations.toml'}: {said}")):
        load(text)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(HarnessError, match=r"nothing\.toml: cannot be read: No such file"):
        expectations.load(tmp_path / "nothing.toml", [])


def test_every_cell_of_the_project_has_a_line_and_no_line_is_left_over():
    known = project.load()
    topologies = known.plan.topologies.values()
    assert set(known.expected) == {(one.name, top.name) for top in topologies for one in known.judged_by(top)}


def test_a_failure_that_is_expected_has_a_cause_and_a_success_has_none():
    for place, expected in project.load().expected.items():
        assert (expected.cause is None) == (expected.verdict in ("works", "skipped")), place
