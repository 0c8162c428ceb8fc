"""The shell script of a difference: it does what the journey does, and its exit code tells the same."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.explore import answer, replay, search
from harness.explore.shrink import shrink
from harness.journey import Capture, Journey, Place, Request, Upload

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="no curl: apt-get install curl")


@pytest.fixture
def script(up, tmp_path):
    """Explore, write the script of the difference, and run it with addresses in the places of A and B."""

    def prepare(journey, command):
        single, site = up(command)
        outcome = search.explore(search.specify(journey, single), site, search.Plan())
        smallest = shrink(outcome.found, single, site)
        path = tmp_path / "replay.sh"
        path.write_text(replay.script(smallest, command), encoding="utf-8")

        def run(a, b):
            places = {name: site.deployment.address(instance) for name, instance in (("A", a), ("B", b))}
            here = Path(sys.executable).parent  # where beautifulsoup4 is, which CSS needs
            environment = {**os.environ, **places, "PATH": f"{here}:{os.environ['PATH']}"}
            return subprocess.run(
                ["sh", str(path)], env=environment, capture_output=True, text=True, check=False
            )

        return smallest, run

    return prepare


def test_values_from_every_place_come_back(script):
    places = {
        "css": Place("css", "input[name=csrf]", "value"),
        "regex": Place("regex", "code = '(\\w+)'"),
        "header": Place("header", "X-Token"),
        "cookie": Place("cookie", "told"),
    }
    journey = Journey(
        "captures",
        (
            Request("GET", "/page", captures=tuple(Capture(name, place) for name, place in places.items())),
            Request("GET", "/data", captures=(Capture("json", Place("json", "items[0].id")),)),
            Request(
                "POST",
                "/check?told={{cookie}}&id={{json}}",
                headers={"X-Token": "{{header}}"},
                form=(("csrf", "{{css}}"), ("code", "{{regex}}"), ("odd", 'a "quoted" $HOME `x` \\ ü&=')),
            ),
        ),
    )
    smallest, run = script(journey, "gunicorn -b {bind} captures:app")
    assert answer.sentence(smallest).endswith("on B: 404, where one instance answers 200")
    there = run("A", "B")
    assert (there.returncode, there.stderr) == (1, "")
    assert "here it was 404:\nnobody of that name" in there.stdout
    gone = run("A", "A")
    assert (gone.returncode, gone.stderr) == (0, ""), gone.stdout
    assert run("B", "A").returncode == 1


def test_where_only_the_text_differs_a_person_compares(script):
    note = Journey("note", (Request("POST", "/note", body="$x"), Request("GET", "/note")))
    _, run = script(note, "gunicorn -b {bind} plain:app")
    there = run("A", "B")
    assert (there.returncode, there.stderr) == (0, "")
    assert 'one instance answers 200:\n{"note": "$x"}' in there.stdout
    assert 'here it was 200:\n{"note": null}' in there.stdout


def test_files_of_text_and_of_bytes(script):
    files = (Upload("a", "a.txt", "it's $5\n", "text/plain"), Upload("b", "b.bin", b"\x00\xff\x00"))
    upload = Request("POST", "/parts", files=files, form=(("more", "@x;y"),))
    journey = Journey("files", (upload, Request("GET", "/parts")))
    smallest, run = script(journey, "gunicorn -b {bind} captures:app")
    assert run("A", "B").returncode == 1
    same = run("A", "A")
    assert same.returncode == 0
    shown = same.stdout.partition("here it was 200:\n")[2].strip()
    assert set(ast.literal_eval(shown)) == set(ast.literal_eval(smallest.deviation.expected.text))


def test_without_the_app_it_could_not_run(script, monkeypatch):
    note = Journey("note", (Request("POST", "/note", body="x"), Request("GET", "/note")))
    _, run = script(note, "gunicorn -b {bind} plain:app")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # nobody is there: as if the app were not
    assert run("A", "B").returncode == 2
