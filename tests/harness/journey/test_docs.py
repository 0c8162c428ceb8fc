"""The examples of docs/journeys.md, played as they stand."""

import re
from pathlib import Path

import pytest

from harness.journey import load, play

DOCS = (Path(__file__).parents[3] / "docs/journeys.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", DOCS, re.DOTALL))


@pytest.mark.parametrize("name", ["journey.toml", "journey.py", "listed.py"])
def test_an_example_is_played(name, url, tmp_path):
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n")
    (tmp_path / name).write_text(FILES[name], encoding="utf-8")
    assert play(load(tmp_path / name), lambda _: url).failure is None
