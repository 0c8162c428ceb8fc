"""Real apps by their commands, behind the real nginx; nothing in them knows of the harness."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from websockets.sync.client import connect

from harness import anyapp
from harness.anyapp import AnyApp
from harness.client import PIN_HEADER
from harness.errors import HarnessError
from harness.runtimes import disk
from harness.runtimes.command import CommandRuntime
from harness.workshop import Workshop, open_workshop

APPS = Path(__file__).parent / "explore" / "apps"


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    with open_workshop() as opened:
        yield opened


@pytest.fixture
def up(workshop):
    def start(
        command, folder=APPS, instances=1, workers=1, affinity="round-robin", by_instance=None, **fields
    ):
        app = AnyApp(command, folder, **fields)
        return CommandRuntime(app, workshop).up(
            anyapp.topology(app, instances, workers, affinity, by_instance)
        )

    return start


def test_a_web_socket_passes_through_nginx(up):
    with (
        up("uvicorn --port {port} live:app") as deployment,
        connect(deployment.url.replace("http:", "ws:") + "/socket") as socket,
    ):
        for text in ("one", "two"):
            socket.send(text)
            assert socket.recv(timeout=20) == f"echo {text}"


@pytest.mark.parametrize("command", ["uvicorn --port {port} live:app", "python events.py"])
def test_an_event_passes_through_nginx_when_it_is_sent(up, command):
    """The second is sent when the first has arrived: a proxy that keeps it back would wait for ever."""
    with (
        up(command) as deployment,
        requests.get(f"{deployment.url}/events", stream=True, timeout=20) as answer,
    ):
        lines = answer.iter_lines()
        assert next(lines) == b"data: first"
        requests.get(f"{deployment.url}/go-on", timeout=20)
        assert b"data: second" in list(lines)


def test_who_served_is_known_from_the_balancer_and_can_be_chosen(up):
    with up("gunicorn -b {bind} plain:app", instances=2, workers=2) as deployment:

        def served(**headers):
            answer = requests.get(deployment.url, headers=headers, timeout=20)
            assert "X-Served-By" not in answer.headers
            return deployment.served_by(answer.headers["X-Upstream-Addr"])

        assert {served(), served()} == {"A", "B"}
        for target in ("A", "B", "A/1", "A/2", "B/2"):
            assert served(**{PIN_HEADER: target}) == target
            assert requests.get(deployment.address(target), timeout=20).ok
    assert deployment.served_by(None) is None


def test_each_instance_has_a_disk_and_an_environment_of_its_own(up, tmp_path):
    (tmp_path / "data.txt").write_text("as it came")
    (tmp_path / ".git").mkdir()
    (tmp_path / "site.csv").touch()
    (tmp_path / "serve.py").write_text(SERVE)
    with up(
        "python serve.py {instance}",
        tmp_path,
        instances=2,
        env={"KIND": "{{all}}"},
        by_instance={"B": {"KIND": "other"}},
        exclude=("*.csv",),
        shared=("app/media/",),
        health="/data.txt",
    ) as deployment:

        def read(instance, path):
            return requests.get(f"{deployment.address(instance)}/{path}", timeout=20).text

        assert (read("A", "environment"), read("B", "environment")) == ("A {all}", "B other")
        assert requests.post(f"{deployment.address('A')}/own.txt", data="of A", timeout=20).ok
        assert requests.post(f"{deployment.address('A')}/media/all.txt", data="of all", timeout=20).ok
        assert read("A", "own.txt") == "of A"
        assert "own.txt" not in deployment.command("B", ["ls", "app"]).stdout.split()
        assert read("B", "media/all.txt") == "of all"
        assert "site.csv" not in deployment.command("A", ["ls", "-a", "app"]).stdout
        assert ".git" not in deployment.command("A", ["ls", "-a", "app"]).stdout
        assert deployment.written() == ("app/own.txt",)

        deployment.stop("A")
        deployment.start("A")
        assert read("A", "own.txt") == "of A"
        deployment.kill("A")
        deployment.start("A")
        assert "own.txt" not in deployment.command("A", ["ls", "app"]).stdout.split()
        assert read("A", "media/all.txt") == "of all"
    assert (tmp_path / "data.txt").read_text() == "as it came"
    assert not (tmp_path / "own.txt").exists()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (
            "python -c 'raise SystemExit(\"no database\")'",
            "ended with exit code 1 before it was ready; its log:\nno database",
        ),
        ("no-such-command --port {port}", "no command 'no-such-command'; looked for in "),
        ("./not-there", "./not-there: No such file or directory"),
    ],
)
def test_an_app_that_does_not_start_says_why(up, command, said):
    with pytest.raises(HarnessError) as error, up(command):
        pass
    assert said in str(error.value)


def test_a_folder_too_large_to_copy(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "MAX_BYTES", 1000)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "large.bin").write_bytes(bytes(2000))
    with pytest.raises(HarnessError, match=r"exclude = \[...\] of harness.toml, or set copy = false"):
        disk.make(AnyApp("x", tmp_path / "app"), tmp_path / "A", tmp_path / "common")
    disk.make(AnyApp("x", tmp_path / "app", exclude=("*.bin",)), tmp_path / "B", tmp_path / "common")


@pytest.mark.parametrize(
    ("files", "named"),
    [
        (["app/uploads/u1/a.csv", "app/uploads/u2/b.csv"], ("app/uploads/",)),
        (["app/uploads/u1/a.csv"], ("app/uploads/",)),
        (["app/web/media/a.png"], ("app/web/media/",)),
        (["app/web/a.png"], ("app/web/",)),
        (["app/db.sqlite3", "app/db.sqlite3-wal"], ("app/db.sqlite3", "app/db.sqlite3-wal")),
        (["app/main.py"], ("app/main.py",)),
        (["tmp/gradio/1/a.png", "tmp/x"], ("tmp/",)),
        (["data/u1/a"], ("data/",)),
        ([], ()),
    ],
)
def test_what_an_app_has_written_is_named_by_the_folder_that_would_be_shared(tmp_path, files, named):
    source = tmp_path / "source"
    (source / "web").mkdir(parents=True)
    for name in ("main.py", "web/views.py"):
        (source / name).touch()
    app, root = AnyApp("x", source), tmp_path / "A"
    disk.make(app, root, tmp_path / "common")
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("new")
    assert disk.written(app, root) == named


SERVE = """
import os, sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.lstrip("/")
        text = f"{sys.argv[1]} {os.environ['KIND']}" if path == "environment" else Path(path).read_text()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self):
        Path(self.path.lstrip("/")).write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()

HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
