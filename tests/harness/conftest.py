"""A deployment that is no deployment: a small server on this machine, and everything asked of it."""

from __future__ import annotations

import itertools
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from harness.observe import Observation
from harness.services import AFFINITIES, Affinity
from harness.topology import Topology


class Server:
    """Answers every request by ``answer``, and keeps what it was sent."""

    def __init__(self) -> None:
        self.answer: Callable[[Request], Response] = lambda _: Response("{}", mimetype="application/json")
        self.requests: list[Request] = []
        self._server = make_server("127.0.0.1", 0, self._serve, threaded=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def _serve(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        request.get_data()  # now: it cannot be read when the connection is gone
        self.requests.append(request)
        return self.answer(request)(environ, start_response)

    def close(self) -> None:
        """Refuse every connection from now on; does no harm twice."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass
class FakeDeployment:
    """See ``harness.runtimes.Deployment``; what was asked of it is in ``asked`` and ``faults``."""

    topology: Topology
    affinity: Affinity
    url: str = "http://127.0.0.1:1"
    notes: tuple[str, ...] = ()
    folder: Path = Path("/nowhere")
    config: Path = Path("/nowhere/nginx.conf")
    asked: list[tuple[str, ...]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    records: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def evidence(self) -> Mapping[str, Mapping[str, Any]]:
        return self.records

    def stop(self, instance: str) -> None:
        self.asked.append(("stop", instance))

    def kill(self, instance: str) -> None:
        self.asked.append(("kill", instance))

    def start(self, instance: str) -> None:
        self.asked.append(("start", instance))

    def stall_ssh(self, instance: str, stalled: bool) -> None:
        self.asked.append(("stall" if stalled else "heal", instance))

    def command(self, instance: str, argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
        self.asked.append((instance, *argv))
        return subprocess.run(argv, capture_output=True, text=True, check=False)

    def set_llm_fault(self, fault: str) -> None:
        self.faults.append(fault)


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    yield one
    one.close()


@pytest.fixture
def topology() -> Callable[..., Topology]:
    """A topology of two instances with two workers, changed as asked."""
    plain = {"title": "Two of them", "session": "cookie", "storage": "disk", "mode": "flag"}
    return lambda name="two", **changes: Topology(name, **{**plain, **changes})


@pytest.fixture
def deployment(topology: Callable[..., Topology]) -> Callable[..., FakeDeployment]:
    """A fake deployment of a topology; one of two instances where none is given."""

    def make(of: Topology | None = None, **fields: Any) -> FakeDeployment:
        chosen = of or topology()
        return FakeDeployment(chosen, AFFINITIES[chosen.affinity], **fields)

    return make


@pytest.fixture
def seen() -> Callable[..., Observation]:
    """An observation, each a second after the last: worker 1 of A answered 200; changed as asked."""
    clock = itertools.count(1.0)
    plain: dict[str, Any] = {
        "user": "user", "label": "ask", "method": "POST", "path": "/ask", "pinned": None,
        "instance": "A", "worker": "1", "status": 200, "reply": {"response": "fine"},
    }  # fmt: skip
    return lambda request_id, **changes: Observation(
        request_id, **{"started": next(clock), **plain, **changes}
    )
