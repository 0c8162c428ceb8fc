"""The example of docs/guarantees.md prints what the page says."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[3] / "docs" / "guarantees.md").read_text(encoding="utf-8")


def block(name):
    return re.search(rf"<!-- {name} -->\n```\w*\n(.*?)```", PAGE, re.DOTALL)[1]


def test_the_page_s_example(capsys):
    exec(compile(block("guarantees"), "docs/guarantees.md", "exec"), {})
    assert capsys.readouterr().out == block("printed")
