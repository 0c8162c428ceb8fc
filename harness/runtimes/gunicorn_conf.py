"""gunicorn's configuration for an instance: each worker gets a number and a door of its own.

Workers share the instance's listening socket, so nobody outside can choose one. Here each worker also
listens on ``$HARNESS_SOCKETS/N.sock``, N = 1, 2, ..., or on the Nth port of ``$HARNESS_PORTS``; a request
sent there is served by that worker. Any gunicorn can use it, by the path of this file.
Settings: https://docs.gunicorn.org/en/stable/settings.html (server hooks).

What a topology sets comes as ``HARNESS_GUNICORN`` (JSON), modules that are not installed as
``HARNESS_MISSING``, the folder of another release of the app's package as ``HARNESS_CODE``.
"""

import json
import os
import sys
from typing import Any

from gunicorn.sock import TCPSocket, UnixSocket

worker_class = "sync"  # as the original app ran
control_socket_disable = True
graceful_timeout = 5
accesslog = None
for key, value in json.loads(os.environ.pop("HARNESS_GUNICORN", "{}")).items():
    globals()[key] = bool(value) if key == "preload_app" else value

for module in os.environ.pop("HARNESS_MISSING", "").split():
    sys.modules[module] = None  # type: ignore[assignment]  # importing it fails, as where it is not installed

if code := os.environ.pop("HARNESS_CODE", ""):  # another release than the warm parent has imported
    package = os.environ.pop("HARNESS_PACKAGE")
    for loaded in [name for name in sys.modules if name.partition(".")[0] == package]:
        del sys.modules[loaded]
    sys.path.insert(0, code)


def pre_fork(server: Any, worker: Any) -> None:
    """Number the worker with the lowest number that no living worker has."""
    taken = {living.number for living in server.WORKERS.values()}
    worker.number = next(number for number in range(1, len(taken) + 2) if number not in taken)


def post_fork(server: Any, worker: Any) -> None:
    """Open the worker's own door, and tell the app its number as WORKER_ID."""
    os.environ["WORKER_ID"] = str(worker.number)
    # A new list: the old one is shared with the master's view of its listeners.
    worker.sockets = [*worker.sockets, _door(worker)]


def _door(worker: Any) -> Any:
    if ports := os.environ.get("HARNESS_PORTS"):
        address = ("127.0.0.1", int(ports.split(",")[worker.number - 1]))
        return TCPSocket(address, worker.cfg, worker.log)
    path = f"{os.environ['HARNESS_SOCKETS']}/{worker.number}.sock"
    return UnixSocket(path, worker.cfg, worker.log)
