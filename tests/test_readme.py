"""The README's how-to, followed to the letter in a copy of the project."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(name):
    found = re.search(rf"<!-- {name} -->\n```\w*\n(.*?)```", README, re.DOTALL)
    assert found, f"README.md has no block {name!r}"
    return found[1]


@pytest.fixture
def copy(tmp_path):
    for folder in ("harness", "reference_app", "scenarios"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def insert(path, before, text):
    old = path.read_text(encoding="utf-8")
    assert before in old
    path.write_text(old.replace(before, text + before, 1), encoding="utf-8")


def harness(folder, *arguments):
    command = [sys.executable, "-m", "harness", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout + done.stderr


def test_adding_a_scenario(copy):
    (copy / "scenarios/ask_twice.py").write_text(block("scenario"))
    table = copy / "scenarios/__init__.py"
    insert(table, "    chat_first,\n    dropped", "    ask_twice,\n")
    insert(table, "        upload_then_chat,\n        upload_a", "        ask_twice,\n")
    code, said = harness(copy, "run", "ask-twice", "-t", "s3")
    assert code == 1
    assert "no line in expectations.toml" in said
    insert(copy / "scenarios/expectations.toml", "\n[s3-redis]", block("expectation"))
    code, said = harness(copy, "run", "ask-twice", "-t", "s3")
    assert code == 0, said


def test_adding_a_strategy(copy):
    (copy / "reference_app/sessions/shared_files.py").write_text(block("strategy"))
    insert(copy / "reference_app/sessions/__init__.py", '    "memory":', block("strategy-line"))
    with (copy / "scenarios/topologies.toml").open("a") as topologies:
        topologies.write("\n" + block("strategy-topology"))
    code, said = harness(copy, "run", "upload-a-chat-b", "-t", "efs-sessions")
    assert "\nworks" in said, said
    assert code == 1, "no expectation yet"


def test_breaking_a_fix(copy):
    broken = copy / "broken.toml"
    shutil.copy(copy / "scenarios/topologies.toml", broken)
    (line,) = re.findall(r"printf '(.*)' >> /tmp/broken.toml", README)
    with broken.open("a") as topologies:
        topologies.write(line.replace(r"\n", "\n"))
    code, said = harness(copy, "matrix", "-t", "s3", "-s", "upload-a-chat-b", "--topologies", "broken.toml")
    assert code == 1
    assert "E02 one instance configured differently" in said


@pytest.mark.parametrize("command", ["reproduce", "run", "matrix", "up", "list"])
def test_every_command_of_the_readme_is_there(command):
    assert f"harness {command}" in README
    assert harness(ROOT, command, "--help")[0] == 0


def test_the_readme_names_every_exit_of_the_report():
    from harness import project

    known = project.load()
    for name in known.report:
        title = known.plan.topology(name).title.split(",")[0].split(" (")[0].split(" and")[0]
        assert title in block("reproduce")
