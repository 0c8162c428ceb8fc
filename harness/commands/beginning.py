"""What ``harness init`` does."""

from __future__ import annotations

import json
from pathlib import Path

from harness import anyapp
from harness.errors import HarnessError
from harness.guess import Guess, guess
from harness.report import terminal

CONFIG = """\
# How to run the app, for harness explore and for the fixture cluster of pytest. {reason}.
# health = "/health" would name a path that answers 2xx or 3xx when it serves; "/" will do without.
# {{bind}} is host:port; {{host}} and {{port}} are its parts. Each instance has a disk: {{instance_dir}}.
[app]
command = {command}{health}{folder}
{env}
[topology]
instances = 2
workers = 1
"""

JOURNEY = """\
# What users do, in order: what writes, then what reads it back. Add the requests that matter to yours;
# or record them in a browser (Save all as HAR) and give harness explore the .har in place of this file.
name = "A first journey"

[[request]]
path = "/"

# [[request]]
# method = "POST"
# path = "/notes"
# form = { text = "note-{{random}}" }       # {{random}} is another one each time
# capture = { id = { json = "id" } }
#
# [[request]]
# user = "bob"                              # another person, with a browser of their own
# path = "/notes/{{id}}"
# status = 200
"""

JOB = """\
# Every routing of the journey over two instances must answer as one instance does.
name: second instance
on: [push, pull_request]
jobs:
  explore:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {{ python-version: "3.12" }}
{install}
      - run: pip install second-instance
      - run: harness explore journey.toml
"""

INSTALLS = {
    "requirements.txt": "pip install -r requirements.txt",
    "pyproject.toml": "pip install .",
    "package-lock.json": "npm ci",
    "package.json": "npm install",
}


def init(folder: Path, command: str | None) -> int:
    """Write the files; 0 when they are written.

    Raises:
        HarnessError: one of them is there (then nothing is written), or nobody knows how to run the app.
    """
    found = _given(command) if command else guess(folder)
    if found is None:
        raise HarnessError(
            f"{folder}: no Flask, Django, FastAPI, Starlette, Streamlit, Gradio or Node app recognised; "
            'say how to run it: harness init --app "COMMAND", with {bind}, or {host} and {port}'
        )
    files = {
        folder / anyapp.FILE: _config(found),
        folder / "journey.toml": JOURNEY,
        folder / ".github/workflows/second-instance.yml": _job(folder),
    }
    if there := [str(path) for path in files if path.exists()]:
        raise HarnessError(f"{', '.join(there)}: is there and is not overwritten; move it away first")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    out = terminal.console()
    out.print(f"{found.framework}: {found.reason}", markup=False)
    for path in files:
        out.print(f"  wrote {path}", markup=False)
    out.print(
        "Next: put what your users do into journey.toml, then: harness explore journey.toml", markup=False
    )
    return 0


def _given(command: str) -> Guess:
    anyapp.given(command)  # raises where it is not valid
    return Guess("An app", "its command was given", command)


def _config(found: Guess) -> str:
    env = "".join(f"{name} = {json.dumps(value)}\n" for name, value in found.env.items())
    return CONFIG.format(
        reason=f"Guessed from {found.reason}" if found.framework != "An app" else "As given",
        command=json.dumps(found.command),
        health=f"\nhealth = {json.dumps(found.health)}" if found.health else "",
        folder=f"\nfolder = {json.dumps(found.folder)}" if found.folder != "." else "",
        env=f"\n[app.env]\n{env}" if env else "",
    )


def _job(folder: Path) -> str:
    lines = [f"      - run: {line}" for name, line in INSTALLS.items() if (folder / name).exists()]
    if "      - run: npm ci" in lines:
        lines.remove("      - run: npm install")
    return JOB.format(install="\n".join(lines)).replace("\n\n", "\n")
