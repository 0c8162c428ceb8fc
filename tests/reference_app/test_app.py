"""Headers, health, JSON errors; and the refusal to start, under a real gunicorn."""

import os
import subprocess
import sys

import pytest

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def test_the_page_and_its_headers(start):
    response = start(MAX_CONTENT_LENGTH="12345").client().get("/")
    assert response.status_code == 200
    assert response.headers["Content-Security-Policy"] == CSP
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"]
    assert "12345" in response.text
    assert ".xlsx" in response.text
    assert "Set-Cookie" not in response.headers


def test_health_touches_no_store(instance, monkeypatch, model):
    client = instance.client()
    client.set_cookie("chatmrpt_session", "anything")
    monkeypatch.setattr(instance.app.extensions["v3"].storage, "_down", None)
    response = client.get("/health")
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    assert model.requests == []


def test_ready(client):
    response = client.get("/ready")
    good = {"ok": True, "detail": ""}
    assert response.status_code == 200
    assert response.json["checks"] == {"session": good, "storage": good, "llm": good}


def test_ready_says_that_storage_is_down(client, tmp_path):
    (tmp_path / "uploads").rmdir()
    response = client.get("/ready")
    assert (response.status_code, response.json["down"]) == (503, ["storage"])
    assert "uploads" in response.json["checks"]["storage"]["detail"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/none", 404),
        ("GET", "/send_message", 405),
        ("DELETE", "/api/data-analysis/upload", 405),
        ("GET", "/none", 404),
    ],
)
def test_errors_are_json_and_served_by_someone(client, method, path, status):
    response = client.open(path, method=method)
    assert response.status_code == status
    assert response.json["status"] == "error"
    assert response.headers["X-Served-By"].startswith("A/")


def test_importing_needs_no_environment_and_no_client_library():
    code = (
        "import sys, pkgutil, importlib, reference_app\n"
        "names = [m.name for m in pkgutil.walk_packages(reference_app.__path__, 'reference_app.')]\n"
        "skip = ('wsgi', 'sessions.redis', 'storage.s3')\n"
        "[importlib.import_module(n) for n in names if not n.endswith(skip)]\n"
        "assert len(names) > 15, names\n"
        "assert not {'obstore', 'redis'} & set(sys.modules), 'imported without being chosen'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PATH": os.environ["PATH"]})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"SECRET_KEY": "hunter2"}, "SECRET_KEY has 7 characters"),
        ({"SESSION_STRATEGY": "redis", "REDIS_URL": "unix:///nowhere/r.sock"}, "session store (redis)"),
        ({"STORAGE_STRATEGY": "shared", "SHARED_ROOT": "/nowhere"}, "SHARED_ROOT is '/nowhere'"),
        (
            {"STORAGE_STRATEGY": "instance-sync", "SYNC_PEERS": "B", "SYNC_SSH_CONFIG": "/nowhere/config"},
            "SYNC_SSH_CONFIG is '/nowhere/config', which is not a file",
        ),
    ],
)
def test_gunicorn_halts_with_one_line(env, tmp_path, changes, said):
    # One worker: a second that exits while gunicorn 27 halts can make it raise HaltServer twice, and exit 1.
    program = [sys.executable, "-m", "gunicorn", "--no-control-socket", "-w", "1"]
    ended = subprocess.run(
        [*program, "-b", f"unix:{tmp_path}/g.sock", "reference_app.wsgi:app"],
        env={"PATH": os.environ["PATH"], **env, **changes},
        capture_output=True,
        text=True,
        timeout=60,
    )
    ours = [line for line in ended.stderr.splitlines() if line.startswith("reference_app: ")]
    assert ended.returncode == 4, ended.stderr
    assert len(ours) == 1, ended.stderr
    assert said in ours[0]
    assert "hunter2" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_gunicorn_serves(env, tmp_path):
    """The whole way once: fork, worker, socket, answer."""
    import http.client
    import socket
    import threading

    path = tmp_path / "g.sock"
    program = [sys.executable, "-m", "gunicorn", "--no-control-socket", "-b", f"unix:{path}"]
    process = subprocess.Popen(
        [*program, "reference_app.wsgi:app"],
        env={"PATH": os.environ["PATH"], **env},
        stderr=subprocess.DEVNULL,
    )
    try:
        connection = http.client.HTTPConnection("localhost", timeout=30)
        connection.sock = socket.socket(socket.AF_UNIX)
        for _ in range(3000):  # the socket is there before it listens
            if connection.sock.connect_ex(str(path)) == 0 or process.poll() is not None:
                break
            threading.Event().wait(0.01)
        connection.request("GET", "/ready")
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()
        assert answer.headers["X-Served-By"].startswith("A/")
        assert answer.headers["X-Served-By"] != f"A/{process.pid}"
        connection.close()
    finally:
        process.terminate()
        process.wait()
