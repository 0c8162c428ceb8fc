"""The services, each on a host of its own: how it starts there and proves that it is ready."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

import requests

from harness import processes
from harness.errors import HarnessError
from harness.runtimes.docker.host import DISK, Host
from harness.services import llm, seaweedfs, sshd

ANYWHERE = "0.0.0.0"  # noqa: S104
"""Where servers listen in their containers: the network of the run reaches them, and this machine what is
published on 127.0.0.1."""

LLM_PORT, REDIS_PORT, NOWHERE_PORT = 8000, 6379, 2222
S3_PORT, FILER_PORT, FILER_GRPC_PORT = 8333, 8888, 18888
"""SeaweedFS's own (``weed help mini``)."""

HANG = """
import signal
from harness.ports import unreachable
with unreachable("{}", {}):
    signal.pause()
"""
MAKE_KEYS = """
import sys
from pathlib import Path
from harness.services import sshd
sshd.make_keys(Path(sys.argv[1]))
"""


@dataclass(frozen=True)
class Redis:
    """Where hosts find Redis."""

    url: str
    socket: Path


@dataclass(frozen=True)
class SeaweedFS:
    """S3 and the filer, where hosts find them; ``filer_url`` is where this machine finds the filer."""

    s3_url: str
    filer: str
    filer_url: str
    access_key: str
    secret_key: str

    def make_bucket(self, name: str) -> None:
        """An empty bucket of that name. Raises HarnessError."""
        answer = requests.post(f"{self.filer_url}/buckets/{name}/", timeout=30)
        if not answer.ok:
            raise HarnessError(f"weed mini refuses bucket {name!r}: {answer.status_code} {answer.text[:200]}")


def scripted_llm(host: Host, folder: Path) -> llm.LLM:
    """The scripted LLM, from the moment that it answers."""
    words = [
        "harness.services.scripted_llm",
        "--host",
        ANYWHERE,
        "--port",
        str(LLM_PORT),
        "--model",
        llm.MODEL,
    ]
    task = host.program("scripted LLM", ["python3", "-m", *words], cwd=DISK, log=folder / "llm.log")
    processes.wait_ready(task, lambda: host.hears(LLM_PORT))
    url, control = f"http://{host.address}:{LLM_PORT}/v1", f"http://127.0.0.1:{host.published}"
    return llm.LLM(url, "not-needed", llm.MODEL, scripted=True, control=control)


def redis(host: Host, folder: Path) -> Redis:
    """Redis, from the moment that it answers."""
    socket = folder / "redis.sock"
    argv: list[str | Path] = ["redis-server", "--port", str(REDIS_PORT), "--bind", ANYWHERE]
    argv += ["--protected-mode", "no", "--unixsocket", socket, "--dir", DISK, "--save", ""]
    task = host.program("redis-server", argv, cwd=DISK, log=folder / "redis.log")
    processes.wait_ready(task, lambda: host.hears(REDIS_PORT))
    return Redis(f"redis://{host.address}:{REDIS_PORT}/0", socket)


def weed_mini(host: Host, folder: Path) -> SeaweedFS:
    """SeaweedFS, from the moment that the filer has its bucket and S3 answers."""
    access_key, secret_key = f"AK{secrets.token_hex(8).upper()}", secrets.token_hex(20)
    keys = {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key}
    argv = ["weed", *seaweedfs.mini(DISK, host.address, {"s3.port": S3_PORT, "filer.port": FILER_PORT})]
    task = host.program("weed mini", argv, cwd=DISK, log=folder / "weed.log", env=keys)
    filer_url = f"http://127.0.0.1:{host.published}"
    bucket = f"{filer_url}/buckets/{seaweedfs.OTHER_BUCKET}/"
    processes.wait_ready(
        task, lambda: requests.get(bucket, timeout=5).status_code == 200 and host.hears(S3_PORT)
    )
    return SeaweedFS(
        s3_url=f"http://{host.address}:{S3_PORT}",
        filer=f"{host.address}:{FILER_PORT}.{FILER_GRPC_PORT}",
        filer_url=filer_url,
        access_key=access_key,
        secret_key=secret_key,
    )


def nowhere(host: Host, folder: Path) -> Host:
    """A host that takes no connection: every attempt hangs."""
    code = HANG.format(ANYWHERE, NOWHERE_PORT)
    host.program("nowhere", ["python3", "-c", code], cwd=DISK, log=folder / "nowhere.log")
    return host


def ssh_keys(host: Host, folder: Path) -> sshd.Keys:
    """Made on a host, by the user who is to read them; this machine needs no ssh.

    Raises:
        HarnessError: they could not be made.
    """
    done = host.run(["python3", "-c", MAKE_KEYS, str(folder)], cwd=DISK)
    if done.returncode != 0:
        raise HarnessError(f"docker: no ssh keys: {done.stderr.strip()}")
    return sshd.Keys(folder / "host", folder / "peer", folder / "locked")
