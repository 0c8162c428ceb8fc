"""What a run leaves behind: four files, a table and a line of advice; whatever the app answered."""

import csv
import json
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from harness.diagnose import CAUSES, Diagnosis
from harness.expectations import Expectation
from harness.matrix import Cell
from harness.plays import Check, Play
from harness.report import files, html, terminal
from harness.scenario import AFFINITY, AROUND, BALANCED, BROKEN, SKIPPED, UNKNOWN, WORKS

SCRIPT = "<script>alert(1)</script>"
TEXT = "& ]]> \"double\" 'single' [/bold] {{ 7 * 7 }}"
HOSTILE = f"{SCRIPT}\x00\x08\x0b\x1b\x7f\ufffe\uffff {TEXT}"
MISSING = "missing part: weed: not on PATH; install it with: pip install weed"


def cell(scenario, topology, verdict, expected=None, cause=None, **fields):
    diagnosis = Diagnosis(CAUSES[cause], f"shown for {cause}") if cause else None
    line = expected and Expectation(*expected.split(": "))
    return Cell(scenario, topology, "process", verdict, line, diagnosis, **fields)


@pytest.fixture
def cells(seen):
    """Two topologies, three scenarios: as expected or not, skipped or not."""
    plays = (
        Play(BALANCED, [seen("1")], [Check("it holds", True, "", "1")]),
        Play(AROUND, [seen("2", instance="B", status=500)], [Check("it holds", False, "500", "2")]),
    )
    return [
        cell("ask", "one", WORKS, "works", seconds=1.23456),
        cell("upload", "one", BROKEN, "works", "D01", plays=plays, witness=plays[1]),
        cell("kill", "one", SKIPPED, "skipped", reason="needs 2 instances"),
        cell("ask", "two", AFFINITY, f"{AFFINITY}: D01", "D01", notes=("a folder stands in",)),
        cell("upload", "two", SKIPPED, "works", reason=MISSING),
        cell("kill", "two", UNKNOWN, reason="the scenario raised KeyError: 'key'"),
    ]


@pytest.fixture
def hostile(seen):
    """A cell in which everything that comes from the app, a story or a file means harm."""
    evidence = {
        "session": {"cookie_sent": True, "source": "minted", "strategy": HOSTILE},
        "mode": {"looked_at": [{"what": "flag", "where": HOSTILE, "found": False}]},
        "storage": [{"op": "read", "where": HOSTILE, "found": False}],
        "llm": [{"error": HOSTILE}],
    }
    bad = seen(
        "1", label=HOSTILE, path=HOSTILE, reply={"response": HOSTILE}, evidence=evidence, worker=HOSTILE
    )
    nobody = seen("2", instance=None, status=None, error=HOSTILE, reply=HOSTILE)
    play = Play(HOSTILE, [bad, nobody], [Check(HOSTILE, False, HOSTILE, "1")], HOSTILE)
    fields = {"plays": (play,), "witness": play, "notes": (HOSTILE,), "reason": HOSTILE}
    diagnosis = Diagnosis(CAUSES["X01"], HOSTILE)
    return [
        Cell(SCRIPT, "two", "process", BROKEN, Expectation(WORKS), diagnosis, **fields),
        Cell("skipped", "two", "process", SKIPPED, Expectation(SKIPPED), reason=HOSTILE),
        Cell("unknown", "two", "process", UNKNOWN, None, None, HOSTILE),
    ]


@pytest.fixture
def topologies(topology):
    return [topology("one", title="The first"), topology("two", title="The second")]


@pytest.fixture
def write(tmp_path, topologies):
    """Write the files of these cells; their folder."""

    def into(cells):
        files.write(tmp_path, cells, topologies)
        return tmp_path

    return into


@pytest.fixture
def out(monkeypatch):
    for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    return terminal.console


def test_each_run_has_a_folder_of_its_own(tmp_path):
    folders = [files.new_folder(tmp_path / "deep" / "results") for _ in range(3)]
    assert len(set(folders)) == 3
    assert all(folder.is_dir() and folder.parent == tmp_path / "deep" / "results" for folder in folders)


def test_results_json(write, cells):
    assert sorted(path.name for path in write(cells).iterdir()) == [
        "junit.xml", "matrix.csv", "report.html", "results.json",
    ]  # fmt: skip
    found = json.loads((write(cells) / "results.json").read_text(encoding="utf-8"))["cells"]
    assert [one["as_expected"] for one in found] == [True, False, True, True, True, False]
    assert [one["expected"] for one in found[:2]] == ["works", "works"]
    assert found[5]["expected"] is None
    assert found[1]["cause"] == "D01 upload on one instance's disk"
    assert [one["witness"] for one in found[:2]] == [None, 1]
    assert found[1]["plays"][1]["observations"][0]["instance"] == "B"
    assert found[1]["plays"][1]["checks"][0] == {
        "sentence": "it holds", "holds": False, "found": "500", "request_id": "2",
    }  # fmt: skip


def test_matrix_csv(write, cells):
    with (write(cells) / "matrix.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["scenario", "topology", "runtime", "verdict", "expected", "cause", "seconds"]
    assert rows[1] == ["ask", "one", "process", "works", "works", "", "1.235"]
    assert rows[4][3:6] == [AFFINITY, f"{AFFINITY}: D01", "D01 upload on one instance's disk"]
    assert rows[6][3:6] == [UNKNOWN, "", "the scenario raised KeyError: 'key'"]
    assert len(rows) == 7


def test_junit_xml(write, cells):
    suite = ET.parse(write(cells) / "junit.xml").getroot()
    assert {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped", "time")} == {
        "tests": "6", "failures": "2", "errors": "0", "skipped": "2", "time": "1.235",
    }  # fmt: skip
    failed = {
        (c.get("classname"), c.get("name")): c.find("failure") for c in suite if c.find("failure") is not None
    }
    assert list(failed) == [("one", "upload"), ("two", "kill")]
    assert failed["one", "upload"].get("message") == "broken: D01; expected works"
    assert failed["one", "upload"].text == "shown for D01"
    assert failed["two", "kill"].text == "the scenario raised KeyError: 'key'"
    skipped = {
        c.get("classname"): c.find("skipped").get("message") for c in suite if c.find("skipped") is not None
    }
    assert skipped == {"one": "needs 2 instances", "two": MISSING}


def test_a_skip_that_nobody_expected_is_a_failure(write):
    folder = write([cell("a", "one", SKIPPED, "works", reason="needs 3 instances")])
    suite = ET.parse(folder / "junit.xml").getroot()
    assert (suite.get("failures"), suite.get("skipped")) == ("1", "0")
    assert suite.find("testcase/failure").get("message") == "skipped; expected works"
    assert suite.find("testcase/skipped") is None


class Page(HTMLParser):
    """Every tag of a page with its attributes, and its text without style and script."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        if self.tags and self.tags[-1][0] not in ("style", "script"):
            self.text += data


def test_report_html_has_every_cell_and_leads_to_it(write, cells):
    page = Page((write(cells) / "report.html").read_text(encoding="utf-8"))
    ids = [attrs["id"] for tag, attrs in page.tags if tag == "details"]
    assert ids == [f"{one.topology}--{one.scenario}" for one in cells]
    assert {attrs["href"] for tag, attrs in page.tags if tag == "a"} == {f"#{name}" for name in ids}
    assert len([tag for tag, _ in page.tags if tag == "svg"]) == 2
    for text in (
        "2 of 6 cells are not as expected",
        "The second",
        "shown for D01",
        "a folder stands in",
        MISSING,
    ):
        assert text in page.text


def test_report_html_needs_nothing_from_elsewhere(write, cells, hostile):
    page = Page((write(cells + hostile) / "report.html").read_text(encoding="utf-8"))
    for tag, attrs in page.tags:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form")
        assert not {name for name in attrs if name == "src" or name.startswith("on")}
        assert attrs.get("href", "#").startswith("#")
    assert [attrs for tag, attrs in page.tags if tag == "script"] == [{}]


def test_what_means_harm_is_escaped_in_every_file(write, hostile):
    folder = write(hostile)
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert SCRIPT not in page
    assert "{{ 7 * 7 }}" in Page(page).text
    read = json.loads((folder / "results.json").read_text(encoding="utf-8"))["cells"]
    assert read[0]["plays"][0]["observations"][0]["reply"] == {"response": HOSTILE}
    suite = ET.parse(folder / "junit.xml").getroot()
    assert suite[0].get("name") == SCRIPT
    told = (suite[0][0].text, suite[1][0].get("message"), suite[2][0].text)
    assert told == (f"{SCRIPT} {TEXT}",) * 3
    with (folder / "matrix.csv").open(encoding="utf-8", newline="") as file:
        assert [row["cause"] for row in csv.DictReader(file)][1] == HOSTILE


@pytest.mark.parametrize("cells_of", [[], [cell("a", "one", WORKS, "works")]])
def test_a_page_without_trouble(topologies, cells_of):
    text = html.render(cells_of, topologies)
    assert f"All {len(cells_of)} cells are as expected" in text


def test_the_drawing_has_a_lane_for_everyone_who_took_part(seen):
    looked = {"storage": [{"op": "read", "where": "s3://x", "found": True}]}
    play = Play(BALANCED, [seen("1", instance="B", evidence=looked), seen("2")])
    picture = html.diagram(play)
    assert [name for name, _ in picture.lanes] == ["browser", "nginx", "A", "B", "S3"]
    assert len(picture.arrows) == 7
    assert all(0 < x < picture.width for arrow in picture.arrows for x in (arrow.x1, arrow.x2))
    assert max(arrow.y for arrow in picture.arrows) < picture.height
