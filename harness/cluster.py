"""An app on several instances behind nginx, for a team's own tests: the ``cluster`` of the pytest plugin."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import secrets
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from harness import anyapp
from harness.anyapp import AnyApp
from harness.client import PIN_HEADER
from harness.errors import HarnessError
from harness.runtimes.command import CommandDeployment, CommandRuntime
from harness.services import AFFINITIES
from harness.toml_file import not_one_of
from harness.topology import Topology
from harness.workshop import Workshop

ASKED = ("app", "health", "env", "instances", "workers", "affinity", "fresh")
"""What ``@pytest.mark.topology`` may say."""

FENCE = "/harness-has-read-so-far"
LOG_LINES = 40
"""Lines of an instance's log that a failed test shows."""


@dataclass(frozen=True)
class Served:
    """One request that came through the balancer, by nginx's log.

    Attributes:
        request: method and path.
        instance: ``A``, or where workers are told apart ``A/1``; "nobody" where none answered.
    """

    request: str
    instance: str
    status: int
    seconds: float


@dataclass(repr=False)
class Cluster:
    """An app that is up on several instances, as one test sees it.

    Any client will do: ``url`` is the balancer, and who served what is read from its log.
    """

    deployment: CommandDeployment
    spent: bool = False
    """Whether an instance was killed: nginx passes it over for a while, so no other test gets it."""
    _begin: int = field(init=False)

    def __post_init__(self) -> None:
        self._begin = self._log.stat().st_size if self._log.exists() else 0

    def __repr__(self) -> str:
        return f"<{self.deployment.topology.title} at {self.url}>"

    @property
    def url(self) -> str:
        """The balancer, without a slash at the end."""
        return self.deployment.url

    @property
    def instances(self) -> tuple[str, ...]:
        """Names: A, B, ..."""
        return self.deployment.topology.instance_names

    def address(self, instance: str) -> str:
        """URL of one instance, round the balancer; such requests are not in ``served``."""
        return self.deployment.address(instance)

    def pin(self, instance: str) -> dict[str, str]:
        """Headers that send a request through the balancer to this instance, round its choice."""
        return {PIN_HEADER: instance}

    def stop(self, instance: str) -> None:
        """Kill an instance; its disk stays."""
        self.deployment.stop(instance)
        self.spent = True

    def lose(self, instance: str) -> None:
        """Kill an instance with its disk."""
        self.deployment.kill(instance)
        self.spent = True

    def start(self, instance: str) -> None:
        """Start an instance that was stopped, or another in place of one that was lost."""
        self.deployment.start(instance)

    @property
    def served(self) -> list[Served]:
        """The requests of this test so far, in the order in which they were answered."""
        self._settle()
        with self._log.open("rb") as log:
            log.seek(self._begin)
            lines = [json.loads(line) for line in log.read().decode(errors="replace").splitlines()]
        return [
            Served(
                line["request"],
                self.deployment.served_by(line["upstream"]) or "nobody",
                int(line["status"]),
                float(line["seconds"]),
            )
            for line in lines
            if FENCE not in line["request"]
        ]

    def log(self, instance: str) -> str:
        """What an instance has written to its output, the end of it."""
        text = self.deployment.log(instance).read_text(encoding="utf-8", errors="replace")
        return "\n".join(text.splitlines()[-LOG_LINES:])

    def told(self) -> Iterator[tuple[str, str]]:
        """What a failed test should show: headings and texts."""
        served = [
            f"{one.instance:<7} {one.status} {one.request}  ({one.seconds:.3f} s)" for one in self.served
        ]
        title = f"who served what, on {self.deployment.topology.title}"
        yield title, "\n".join(served) or "no request came through the balancer"
        for instance in self.instances:
            yield f"end of the log of instance {instance}", self.log(instance) or "(empty)"

    def _settle(self) -> None:
        """Return when every answer that has come is in the log.

        nginx, one process, writes an answer's line before it looks at a request that came later; this
        one, which lacks a Host, it refuses by itself.
        """
        address = ("127.0.0.1", urlsplit(self.url).port)
        with contextlib.suppress(OSError), socket.create_connection(address, timeout=5) as own:
            own.sendall(f"GET {FENCE} HTTP/1.1\r\n\r\n".encode())
            while own.recv(4096):
                pass

    @property
    def _log(self) -> Path:
        return self.deployment.config.with_name("access.log")


class Clusters:
    """The deployments of one test session, each started when a test first asks for it.

    Args:
        workshop: where they live.
        stack: closed at the end of the session.
    """

    def __init__(self, workshop: Workshop, stack: contextlib.ExitStack) -> None:
        self._workshop, self._stack = workshop, stack
        self._up: dict[str, tuple[CommandDeployment, contextlib.ExitStack]] = {}

    @contextlib.contextmanager
    def use(self, config: Path, asked: Mapping[str, Any]) -> Iterator[Cluster]:
        """The cluster that a test asks for, as that test sees it; gone after it if it is spent.

        Args:
            config: ``harness.toml``; needed unless ``app`` is asked for.
            asked: of ``app``, ``health``, ``env``, ``instances``, ``workers``, ``affinity``, what shall be
                other than there; ``fresh`` for a cluster that no other test uses.

        Raises:
            PartMissing: a real component is not on this machine. HarnessError: it cannot be brought up.
        """
        app, topology = deployed(config, asked)
        fresh = bool(asked.get("fresh"))
        key = secrets.token_hex(8) if fresh else repr((app, topology))
        if key not in self._up:
            own = self._stack.enter_context(contextlib.ExitStack())
            self._up[key] = own.enter_context(CommandRuntime(app, self._workshop).up(topology)), own
        deployment, own = self._up[key]
        cluster = Cluster(deployment)
        try:
            yield cluster
        finally:
            if cluster.spent or fresh:
                del self._up[key]
                own.close()


def deployed(config: Path, asked: Mapping[str, Any]) -> tuple[AnyApp, Topology]:
    """The app and its topology: of harness.toml or ``app``, changed by what else is asked for.

    Raises:
        HarnessError: nothing says how to run the app, or something is not valid.
    """
    for name in asked:
        if name not in ASKED:
            raise HarnessError(not_one_of("@pytest.mark.topology", name, ASKED, "argument"))
    if asked.get("affinity", "single") not in AFFINITIES:
        raise HarnessError(not_one_of("@pytest.mark.topology: affinity", asked["affinity"], AFFINITIES))
    if "app" in asked:
        app = AnyApp(asked["app"], config.parent, source="@pytest.mark.topology: app")
        topology = anyapp.topology(anyapp.checked(app))
    elif config.exists():
        app, topology = anyapp.load(config)
    else:
        raise HarnessError(
            f"{config}: not there, and no @pytest.mark.topology(app=...) says how to run the app; "
            "harness init writes one"
        )
    env = {**app.env, **asked.get("env", {})}
    app = anyapp.checked(dataclasses.replace(app, health=asked.get("health", app.health), env=env))
    return app, anyapp.topology(
        app,
        asked.get("instances", topology.instances),
        asked.get("workers", topology.workers),
        asked.get("affinity", topology.affinity),
        topology.env,
    )
