"""Where scenarios come from: a package and its two files."""

import sys

import pytest

from harness import project
from harness.errors import HarnessError

APP = '[app]\nwsgi = "shop:app"\n[app.session.s]\n[app.storage.s]\n[app.mode.s]\n'
SAME = 'session = "s"\nstorage = "s"\nmode = "s"\n'
CODE = """
from harness.scenario import Scenario
SCENARIOS = {"ask": Scenario("ask", "Ask", lambda run: run.must("x", True))}
"""


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Make a package of the current folder, with this code in it."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.chdir(tmp_path)
    names = []

    def make(name, code=CODE):
        (tmp_path / name).mkdir()
        if code is not None:
            (tmp_path / name / "__init__.py").write_text(code, encoding="utf-8")
        (tmp_path / name / "topologies.toml").write_text(f"{APP}[topology.two]\n{SAME}[topology.one]\n{SAME}")
        (tmp_path / name / "expectations.toml").write_text('[two]\nask = "works"\n')
        names.append(name)
        return name

    yield make
    for name in names:
        sys.modules.pop(name, None)


def test_the_project_of_this_repository():
    known = project.load()
    assert len(known.scenarios) == 15
    assert known.scenario("chat-first").name == "chat-first"
    assert all(name == one.name for name, one in known.scenarios.items())
    assert known.report[0] == "baseline"
    assert known.failure[0] == "sync-as-it-was"
    assert known.journey.name == "upload-then-chat"
    assert len(known.judged_by(known.plan.topology("s3"))) == 15
    judged = [one.name for one in known.judged_by(known.plan.topology("sync-dead-peer"))]
    assert judged == ["upload-a-chat-b"]
    assert set(known.report) <= set(known.plan.topologies)
    assert [one.name for one in known.timed] == ["1 MB", "10 MB", "30 MB"]
    assert all(set(one.topologies) <= set(known.plan.topologies) for one in known.timed)


def test_a_package_of_the_current_folder(package):
    known = project.load(package("their_scenarios"))
    assert list(known.scenarios) == ["ask"]
    assert list(known.plan.topologies) == list(known.report) == ["two", "one"]
    assert str(known.expected["ask", "two"]) == "works"


def test_a_report_names_its_topologies_in_its_order(package):
    known = project.load(package("with_report", f'{CODE}\nREPORT = ("one", "gone", "two")'))
    assert known.report == ["one", "two"]


def test_other_files_in_their_place(package, tmp_path):
    (tmp_path / "t.toml").write_text(f"{APP}[topology.three]\n{SAME}")
    (tmp_path / "e.toml").write_text('[three]\nask = "skipped"\n')
    known = project.load(package("replaced"), tmp_path / "t.toml", tmp_path / "e.toml")
    assert list(known.plan.topologies) == ["three"]
    assert list(known.expected) == [("ask", "three")]


def test_a_package_that_is_not_there():
    with pytest.raises(
        HarnessError, match="--scenarios no_such_package: cannot be imported: No module named"
    ):
        project.load("no_such_package")


def test_a_package_that_imports_what_is_not_there(package):
    with pytest.raises(
        HarnessError, match=r"--scenarios lacking: cannot be imported: .*'not_installed_here'"
    ):
        project.load(package("lacking", "import not_installed_here"))


@pytest.mark.parametrize(("name", "code"), [("a", ""), ("b", "SCENARIOS = {}"), ("c", "SCENARIOS = [1]")])
def test_a_package_without_scenarios(package, name, code):
    with pytest.raises(HarnessError, match=f"--scenarios empty_{name}: has no table SCENARIOS of name"):
        project.load(package(f"empty_{name}", code))


def test_a_folder_that_is_no_package(package):
    with pytest.raises(HarnessError, match="--scenarios bare_folder: has no table SCENARIOS"):
        project.load(package("bare_folder", code=None))


def test_an_expectation_of_a_scenario_that_is_not_in_the_package(package, tmp_path):
    name = package("other_names")
    (tmp_path / name / "expectations.toml").write_text('[two]\nbuy = "works"\n')
    with pytest.raises(HarnessError, match=r"expectations\.toml: two\.buy: no such scenario; there are: ask"):
        project.load(name)


def test_an_unknown_scenario_is_told_what_there_is(package):
    with pytest.raises(HarnessError, match="no scenario 'aks'; there are: ask"):
        project.load(package("asked")).scenario("aks")
