"""What harness init guesses and writes, and that it overwrites nothing."""

import pytest
from click.testing import CliRunner

from harness import anyapp, cli, journey
from harness.errors import HarnessError
from harness.guess import guess

ASGI = "uvicorn {} --host {{host}} --port {{port}}"
APPS = {
    "flask": ({"app.py": "from flask import Flask\napp = Flask(__name__)"}, "gunicorn -b {bind} app:app"),
    "factory": (
        {"web/__init__.py": "import flask\ndef create_app(): ..."},
        "gunicorn -b {bind} 'web:create_app()'",
    ),
    "src": ({"src/web/main.py": "import flask\nsite = flask.Flask('x')"}, "gunicorn -b {bind} web.main:site"),
    "not a test": (
        {"tests/app.py": "app = Flask()", "test_x.py": "app = Flask()", "main.py": "app = FastAPI()"},
        ASGI.format("main:app"),
    ),
    "django": (
        {"manage.py": "", "shop/wsgi.py": "", "x.py": "app = Flask()"},
        "gunicorn -b {bind} shop.wsgi:application",
    ),
    "starlette": (
        {"api/app.py": "import starlette\nasgi = applications.Starlette()"},
        ASGI.format("api.app:asgi"),
    ),
    "streamlit": (
        {"Home.py": "import streamlit as st", "pages/other.py": "import streamlit"},
        "streamlit run Home.py",
    ),
    "gradio": ({"demo.py": "import gradio as gr\ngr.Interface().launch()"}, "{python} demo.py"),
    "node": ({"package.json": '{"scripts": {"start": "node server.js"}}'}, "node server.js"),
    "npm": ({"package.json": '{"scripts": {"start": "next start"}}'}, "npm start"),
    "main": ({"package.json": '{"main": "index.js"}'}, "node index.js"),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path):
    def write(files):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return write


def init(*arguments):
    return CliRunner().invoke(cli.cli, ["init", *map(str, arguments)], catch_exceptions=False)


@pytest.mark.parametrize(("files", "command"), APPS.values(), ids=APPS)
def test_what_is_written_is_what_the_harness_reads(folder, files, command):
    here = folder(files)
    answer = init(here)
    assert answer.exit_code == 0, answer.output
    app, topology = anyapp.load(here / "harness.toml")
    assert (app.command, topology.instances) == (command, 2)
    assert app.folder == (here / "src" if "src" in command + str(files) else here)
    assert journey.load(here / "journey.toml").requests[0].path == "/"
    assert "harness explore journey.toml" in (here / ".github/workflows/second-instance.yml").read_text()


@pytest.mark.parametrize("files", [{}, {"app.py": "def ("}, {"package.json": "{"}, {"a.py": "x = 1"}])
def test_what_is_not_recognised(folder, files):
    assert guess(folder(files)) is None
    with pytest.raises(
        HarnessError, match=r"no Flask, Django, .* app recognised; say how to run it: .*--app"
    ):
        init(folder(files))


def test_a_command_that_is_given(folder):
    here = folder({})
    assert init(here, "--app", "caddy run --listen {bind}").exit_code == 0
    assert anyapp.load(here / "harness.toml")[0].command == "caddy run --listen {bind}"
    with pytest.raises(HarnessError, match=r"'\{bnd\}' is not an allowed value"):
        init(folder({}), "--app", "caddy {bnd}")


@pytest.mark.parametrize("name", ["harness.toml", "journey.toml", ".github/workflows/second-instance.yml"])
def test_nothing_is_overwritten(folder, name):
    here = folder({**APPS["flask"][0], name: "mine"})
    with pytest.raises(HarnessError, match="is there and is not overwritten"):
        init(here)
    assert (here / name).read_text() == "mine"
    assert len([path for path in here.rglob("*") if path.is_file()]) == 2


def test_the_job_installs_what_there_is(folder):
    here = folder({**APPS["node"][0], "package-lock.json": "", "requirements.txt": ""})
    init(here)
    job = (here / ".github/workflows/second-instance.yml").read_text()
    assert [line.strip() for line in job.splitlines() if "run:" in line] == [
        "- run: pip install -r requirements.txt",
        "- run: npm ci",
        "- run: pip install second-instance",
        "- run: harness explore journey.toml",
    ]
