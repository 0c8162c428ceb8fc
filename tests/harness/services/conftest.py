"""A workshop for each module, a way to wait, instances that answer their name, and the scripted LLM."""

import json
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from types import SimpleNamespace

import openai
import psutil
import pytest

from harness import processes
from harness.services import llm, nginx
from harness.workshop import Workshop, open_workshop

SECONDS = 20


@pytest.fixture(scope="module")
def workshop() -> Iterator[Workshop]:
    with open_workshop() as opened:
        yield opened


@pytest.fixture
def folder(workshop: Workshop) -> Path:
    """An empty folder with a path short enough for Unix sockets."""
    return workshop.folder("test")


@pytest.fixture(scope="session")
def eventually() -> Callable[..., None]:
    def wait(what: str, holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + SECONDS
        while not holds():
            assert time.monotonic() < deadline, f"after {SECONDS} s still not so: {what}"
            time.sleep(0.01)

    return wait


@pytest.fixture(scope="session")
def dead() -> Callable[[psutil.Process], bool]:
    def ended(process: psutil.Process) -> bool:
        """A zombie has ended, too: who reaps it is not our affair."""
        try:
            return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    return ended


class Instance:
    """Answers who it is and what it was sent: on a TCP port, and on one Unix socket for each worker."""

    def __init__(self, name: str, folder: Path) -> None:
        sockets = tuple(folder / f"{name}{worker}.sock" for worker in (1, 2))
        tcp = _Tcp(("127.0.0.1", 0), _handler(name))
        doors = [_Unix(str(path), _handler(f"{name}/{n}")) for n, path in enumerate(sockets, 1)]
        self._servers: list[socketserver.BaseServer] = [tcp, *doors]
        self.upstream = nginx.Upstream(name, tcp.server_address[1], sockets)
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        while self._servers:
            server = self._servers.pop()
            server.shutdown()
            server.server_close()


class _Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


class _Unix(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


def _handler(name: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            size = len(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            answer = json.dumps({"headers": dict(self.headers), "size": size}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.send_header("X-Served-By", name)
            self.end_headers()
            self.wfile.write(answer)

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Say nothing; on a Unix socket there is no address to tell either."""

    return Handler


@pytest.fixture
def instances(folder: Path) -> Iterator[list[Instance]]:
    started = [Instance(name, folder) for name in "AB"]
    yield started
    for instance in started:
        instance.close()


@pytest.fixture(scope="module")
def server(workshop: Workshop) -> Iterator[llm.LLM]:
    """The scripted LLM, in a process of its own."""
    with llm.running(processes.PythonLauncher(workshop.root, warm=False), workshop.folder("llm")) as started:
        yield started


@pytest.fixture
def fault(server: llm.LLM) -> Iterator[Callable[[str], None]]:
    """Misconfigures the server for the length of a test."""
    yield server.set_fault
    server.set_fault("none")


@pytest.fixture
def client(server: llm.LLM) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.base_url, api_key=server.api_key, max_retries=0) as made:
        yield made


@pytest.fixture(params=["whole", "stream"])
def ask(client: openai.OpenAI, server: llm.LLM, request: pytest.FixtureRequest) -> Callable[..., object]:
    """Asks for a turn, whole and as a stream: its ``text``, ``calls`` and finish ``reason``."""

    def whole(**sent: object) -> SimpleNamespace:
        (choice,) = client.chat.completions.create(model=server.model, **sent).choices
        calls = [
            (call.function.name, json.loads(call.function.arguments))
            for call in choice.message.tool_calls or []
        ]
        return SimpleNamespace(text=choice.message.content, calls=calls, reason=choice.finish_reason)

    def stream(**sent: object) -> SimpleNamespace:
        text, reasons = "", []
        parts: dict[int, list[str]] = {}
        with ExitStack() as stack:
            chunks = client.chat.completions.create(model=server.model, stream=True, **sent)
            for chunk in stack.enter_context(chunks):
                (choice,) = chunk.choices
                text += choice.delta.content or ""
                reasons += [choice.finish_reason] if choice.finish_reason else []
                for call in choice.delta.tool_calls or []:
                    part = parts.setdefault(call.index, ["", ""])
                    part[0] += call.function.name or ""
                    part[1] += call.function.arguments or ""
        calls = [(name, json.loads(arguments)) for name, arguments in parts.values()]
        (reason,) = reasons
        return SimpleNamespace(text=text or None, calls=calls, reason=reason)

    return {"whole": whole, "stream": stream}[request.param]
