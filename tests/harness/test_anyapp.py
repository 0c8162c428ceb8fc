"""harness.toml and --app: what is read, and how a mistake is told."""

import pytest

from harness import anyapp
from harness.anyapp import AnyApp
from harness.errors import HarnessError

WHOLE = """
[app]
command = "gunicorn -b {bind} myapp:app"
folder = "web"
health = "/health"
exclude = ["*.csv"]
shared = ["app/media/", "app/db.sqlite3"]

[app.env]
UPLOADS = "{instance_dir}/uploads"

[topology]
instances = 3
workers = 2
affinity = "sticky-cookie"

[topology.env.C]
MODEL = "{{other}}"
"""


@pytest.fixture
def load(tmp_path):
    (tmp_path / "web").mkdir()

    def read(text):
        path = tmp_path / "harness.toml"
        path.write_text(text, encoding="utf-8")
        return anyapp.load(path)

    return read


def test_all_keys(load, tmp_path):
    app, topology = load(WHOLE)
    assert app == AnyApp(
        command="gunicorn -b {bind} myapp:app",
        folder=tmp_path / "web",
        health="/health",
        env={"UPLOADS": "{instance_dir}/uploads"},
        exclude=("*.csv",),
        shared=("app/media/", "app/db.sqlite3"),
        source=str(tmp_path / "harness.toml"),
    )
    assert topology.instance_names == ("A", "B", "C")
    assert (topology.workers, topology.affinity) == (2, "sticky-cookie")
    assert topology.env == {"C": {"MODEL": "{{other}}"}}


def test_what_is_not_said(load, tmp_path):
    app, topology = load('[app]\ncommand = "node server.js"')
    assert app == AnyApp("node server.js", tmp_path, source=str(tmp_path / "harness.toml"))
    assert (topology.instances, topology.workers, topology.affinity) == (2, 1, "round-robin")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("command =", "comand =", "app.comand: 'comand' is not an allowed key (did you mean 'command'?)"),
        ("{bind}", "{bnd}", "app.command: '{bnd}' is not an allowed value (did you mean '{bind}'?)"),
        ("{bind}", "{", "app.command: 'gunicorn -b { myapp:app': "),
        ("-b {bind}", "-b '{bind}", "No closing quotation"),
        ("{instance_dir}", "{instance_dirs}", "app.env.UPLOADS: '{instance_dirs}' is not an allowed value"),
        ('"{{other}}"', '"{other}"', "topology.env.C.MODEL: '{other}' is not an allowed value"),
        ('folder = "web"', 'folder = "wep"', "wep is not a folder"),
        ('"app/media/"', '"../media/"', "app.shared: '../media/' is not a path on an instance's disk"),
        ("instances = 3", "instances = 2", "topology.env: 'C' is not an allowed value"),
        ("gunicorn -b {bind}", "flask run -p {port}", "write {workers} where it takes their number"),
        ('health = "/health"', "copy = 1", "app.copy: 1 is neither true nor false"),
    ],
)
def test_a_mistake_is_named_with_file_and_key(load, before, after, said):
    assert before in WHOLE
    with pytest.raises(HarnessError) as error:
        load(WHOLE.replace(before, after))
    assert said in str(error.value)
    assert "harness.toml" in str(error.value)


@pytest.mark.parametrize(
    ("command", "told_apart"),
    [
        ("gunicorn -b {bind} m:app", True),
        ("/opt/venv/bin/gunicorn m:app", True),
        ("gunicorn -c conf.py m:app", False),
        ("gunicorn --config=conf.py m:app", False),
        ("uvicorn --port {port} --workers {workers} m:app", False),
    ],
)
def test_workers_are_told_apart_where_gunicorn_has_no_configuration_of_its_own(command, told_apart, tmp_path):
    app = AnyApp(command, tmp_path)
    assert app.gunicorn is told_apart
    (tmp_path / "gunicorn.conf.py").touch()
    assert not app.gunicorn
