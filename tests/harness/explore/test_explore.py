"""``harness explore`` from end to end: exit codes, answers, the files it leaves, and what cures."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from harness import anyapp, cli
from harness.errors import HarnessError

APPS = Path(__file__).parent / "apps"
ROOT = Path(cli.__file__).parents[2]

DOCS = (ROOT / "docs" / "explore.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", DOCS, re.DOTALL))
"""The files that the docs show, which are the ones that are tested."""

NOTE = """
[[request]]
method = "POST"
path = "/PATH"
body = "{{random}}"

[[request]]
method = "GET"
path = "/PATH"
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with one of the apps and a journey; explored with these options, in this process."""
    monkeypatch.chdir(tmp_path)

    def explore(app, journey, *options):
        text = FILES.get(app) or (APPS / app).read_text(encoding="utf-8")
        Path(app).write_text(text, encoding="utf-8")
        Path("journey.toml").write_text(journey, encoding="utf-8")
        command = f"gunicorn -b {{bind}} {app.removesuffix('.py')}:app"
        arguments = ["explore", "--app", command, "journey.toml", "--json", *options]
        done = CliRunner().invoke(cli.cli, arguments, catch_exceptions=False)
        return done.exit_code, json.loads(done.stdout), done.stderr

    return explore


def cures(report):
    """Each set that cures: whether it only hides, and the events that it was seen to survive."""
    return {
        " + ".join(one["fixes"]): (
            "hides" if one["only_hides"] else "cures",
            *(kind for kind, yes in one["survives"].items() if yes),
        )
        for one in report["fixes"]
        if one["cures"]
    }


def test_an_upload_on_one_disk(here):
    code, report, told = here("uploads.py", FILES["journey.toml"])
    sentence = "POST /upload on A, then GET /report/{{id}} on B: 404, where one instance answers 200"
    assert code == 1
    assert report["difference"]["sentence"] == sentence
    (answer,) = re.findall(r"<!-- answer -->\n```\n(.*?)```", DOCS, re.DOTALL)
    shown = ".*".join(re.escape(part.strip(" \n")) for part in answer.split("..."))
    assert re.search(shown, told, re.DOTALL), told
    assert cures(report) == {
        "shared app/uploads/": ("cures", "restart", "lose"),
        "sticky cookie": ("hides", "restart"),
        "ip-hash": ("hides", "restart"),
    }
    assert report["fixes"][0]["fixes"] == ["the same SECRET_KEY"]
    assert report["fixes"][0]["why_not"] == sentence

    folder = Path(report["files"][0]).parent
    assert sorted(path.name for path in folder.iterdir()) == [
        "explore.json",
        "replay.sh",
        "test_difference.py",
    ]
    assert json.loads((folder / "explore.json").read_text())["difference"] == report["difference"]

    test = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        str(folder / "test_difference.py"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    broken = subprocess.run(test, env=environment, capture_output=True, text=True, check=False)
    assert broken.returncode == 1
    assert "GET /report/{{id}} on B: 404, where one instance answers 200" in broken.stdout

    # cured: all instances write to one folder
    cured = (
        Path("uploads.py").read_text().replace("Path(__file__).parent", f"Path({str(folder.resolve())!r})")
    )
    Path("uploads.py").write_text(cured)
    fixed = subprocess.run(test, env=environment, capture_output=True, text=True, check=False)
    assert fixed.returncode == 0, fixed.stdout


def test_the_harness_toml_of_the_docs(tmp_path):
    (tmp_path / "harness.toml").write_text(FILES["harness.toml"], encoding="utf-8")
    app, topology = anyapp.load(tmp_path / "harness.toml")
    assert (app.exclude, app.shared) == (("*.csv",), ("app/media/",))
    assert topology.env == {"B": {"FEATURE": "on"}}
    assert all(f"`{{{name}}}`" in DOCS for name in anyapp.VALUES)


def test_a_key_that_each_instance_makes_for_itself(here):
    code, report, _ = here("plain.py", NOTE.replace("PATH", "signed"))
    assert code == 1
    assert report["difference"]["sentence"].endswith("GET /signed on B: 403, where one instance answers 200")
    assert cures(report) == {
        "the same SECRET_KEY": ("cures", "restart", "lose"),
        "sticky cookie": ("hides",),
        "ip-hash": ("hides",),
    }


def test_a_note_in_memory_is_cured_by_a_shared_store(here):
    code, report, _ = here("plain.py", NOTE.replace("PATH", "note"))
    assert code == 1
    assert cures(report)["a shared Redis by REDIS_URL"] == ("cures", "restart", "lose")


def test_without_a_store_only_two_at_once_hide_it(here):
    """Nothing brings a user back to a worker: a sticky instance must have only one."""
    code, report, told = here("memory.py", NOTE.replace("PATH", "note"), "--workers", "2")
    assert code == 1
    assert cures(report) == {"one worker + sticky cookie": ("hides",), "one worker + ip-hash": ("hides",)}
    assert "one worker: not by itself" in told


@pytest.mark.parametrize(
    ("path", "came"),
    [("list", "404, where one instance answers 200"), ("count", "200, but body.rows: 0, where one instance")],
)
def test_what_an_instance_keeps_for_everybody_shows_where_nobody_was_before(here, path, came):
    """Where each instance has served somebody before, nothing is missing on any."""
    journey = NOTE.replace("PATH", path)
    code, report, told = here("everybody.py", journey)
    assert code == 1
    assert report["difference"]["just_started"] is True
    sentence = f"POST /{path} on A, then GET /{path} on B, both just started: {came}"
    assert report["difference"]["sentence"].startswith(sentence)
    assert "on instances that have just started: 1 tried of 1" in told
    assert cures(report) == {"sticky cookie": ("hides",), "ip-hash": ("hides",)}
    test = next(Path(name) for name in report["files"] if name.endswith(".py")).read_text(encoding="utf-8")
    assert "difference(APP, JOURNEY, ROUTING, fresh=True) is None" in test

    code, report, _ = here("everybody.py", journey, "--no-fresh")
    assert (code, report["agrees"]) == (0, True)


def test_an_app_that_keeps_nothing_agrees(here):
    journey = NOTE.replace("PATH", "nature")
    code, report, told = here("plain.py", journey, "--lose")
    assert code == 0
    assert report["agrees"] is True
    assert report["difference"] is None
    stages = [(stage["tried"], stage["of"]) for stage in report["tried"]]
    assert stages == [(4, 4), (4, 4), (1, 1)]
    assert "all routings that were tried agree with one instance" in told
    assert not Path("results").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["journey.toml"], "no --app, and no harness.toml in this folder: say how to run the app"),
        (["--app", "node {prt}", "journey.toml"], "--app: command: '{prt}' is not an allowed value"),
        (["--app", "node", "--env", "A", "journey.toml"], "--env A: is not of the form NAME=VALUE"),
        (["--app", "node", "--workers", "2", "journey.toml"], "write {workers} where it takes their number"),
        (["--app", "no-such-command", "journey.toml"], "no command 'no-such-command'"),
        (["--app", "node", "missing.toml"], "missing.toml"),
    ],
)
def test_what_cannot_be_run_is_told(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "journey.toml").write_text(NOTE.replace("PATH", "note"), encoding="utf-8")
    with pytest.raises(HarnessError) as error:
        CliRunner().invoke(cli.cli, ["explore", *arguments], catch_exceptions=False)
    assert said in str(error.value)
