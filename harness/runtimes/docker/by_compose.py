"""What the containers of docker/compose.yaml run: ``python3 -m harness.runtimes.docker.by_compose ...``.

instance TOPOLOGY NAME     an instance, with the environment that its topology gives it
balancer TOPOLOGY          nginx, as that topology has it, in front of the hosts a, b, ...
keys                       the ssh keys of instances that copy uploads to each other

Hosts and folders are those of the compose file; secrets come from the environment.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import NoReturn

import click

from harness import topology
from harness.runtimes import filling
from harness.services import AFFINITIES, nginx, sshd

DISK, KEYS, SCRATCH = Path("/srv/instance"), Path("/srv/keys"), Path("/tmp")  # noqa: S108
APP_PORT, SSH_PORT, BALANCER_PORT = 8000, 2222, 8080
PLAN = Path("scenarios/topologies.toml")


@click.group()
def cli() -> None:
    """Start what a container of the compose file is.

    Example: python3 -m harness.runtimes.docker.by_compose instance s3 A
    """


@cli.command()
@click.argument("name")
@click.argument("instance")
def instance(name: str, instance: str) -> NoReturn:
    """Become an instance of a topology."""
    plan, chosen = _chosen(name)
    values = {
        "instance": instance,
        "root": str(DISK),
        "evidence_log": str(DISK / "evidence.jsonl"),
        "peers": filling.peers(chosen, instance),
        "secret": os.environ["SECRET_KEY"],
        "llm_url": os.environ.get("OPENAI_BASE_URL") or "http://llm:8000/v1",
        "llm_key": os.environ.get("OPENAI_API_KEY") or "not-needed",
        "llm_model": os.environ.get("OPENAI_MODEL") or "meta-llama/Llama-3.1-8B-Instruct",
        "redis_url": "redis://redis:6379/0",
        "redis_prefix": "chatmrpt:",
        "s3_url": "http://seaweedfs:8333",
        "s3_bucket": "uploads",
        "s3_access_key": os.environ.get("AWS_ACCESS_KEY_ID", ""),
        "s3_secret_key": os.environ.get("AWS_SECRET_ACCESS_KEY", ""),
        "shared_root": "/srv/shared",
        "shared_is_mount": "yes",
        "ssh_config": str(SCRATCH / "ssh_config"),
        "ssh_config_asks": str(SCRATCH / "ssh_config_asks"),
        "ssh_askpass": str(SCRATCH / "askpass"),
    }
    if "ssh" in chosen.needs:
        _sshd(plan, chosen, values)
    own = {**os.environ, **filling.environment(plan, chosen, instance, values)}
    words = [
        "gunicorn",
        "--no-control-socket",
        "-w",
        str(chosen.workers),
        "-b",
        f"0.0.0.0:{APP_PORT}",
        plan.app.wsgi,
    ]
    os.chdir(DISK)
    os.execvpe("gunicorn", words, own)  # noqa: S606, S607


@cli.command()
@click.argument("name")
def balancer(name: str) -> NoReturn:
    """Become the nginx of a topology."""
    _, chosen = _chosen(name)
    upstreams = [nginx.Upstream(one, APP_PORT, host=one.lower()) for one in chosen.instance_names]
    affinity = AFFINITIES[chosen.affinity]
    text = nginx.configuration(
        name,
        affinity,
        upstreams,
        BALANCER_PORT,
        chosen.idle_timeout,
        chosen.nginx,
        host="0.0.0.0",  # noqa: S104
    )
    config = SCRATCH / "nginx.conf"
    config.write_text(text, encoding="utf-8")
    os.execvp("nginx", ["nginx", "-p", str(SCRATCH), "-c", str(config), "-e", "/dev/stderr"])  # noqa: S606, S607


@cli.command()
def keys() -> None:
    """Make the ssh keys, unless they are there."""
    if not (KEYS / "peer").exists():
        sshd.make_keys(KEYS)


def _chosen(name: str) -> tuple[topology.Plan, topology.Topology]:
    """The topology that TOPOLOGY names, else the profile's own."""
    plan = topology.load(PLAN)
    return plan, plan.topology(os.environ.get("TOPOLOGY") or name)


def _sshd(plan: topology.Plan, chosen: topology.Topology, values: dict[str, str]) -> None:
    """Start the instance's sshd, and write how it reaches the others'."""
    made = sshd.Keys(KEYS / "host", KEYS / "peer", KEYS / "locked")
    package = Path(plan.app.wsgi.partition(".")[0]).resolve()
    known = values | {"python": "/venv/bin/python", "package": str(package)}
    command = filling.filled("ssh_command", plan.app.ssh_command, known, plan)
    server = sshd.configure(SCRATCH, made, command, SSH_PORT, "0.0.0.0")  # noqa: S104
    at = {name: name.lower() for name in chosen.instance_names} | {"*": "nowhere"}
    ports = dict.fromkeys(chosen.instance_names, SSH_PORT)
    for name, asks in (("ssh_config", False), ("ssh_config_asks", True)):
        sshd.client_config(Path(values[name]), ports, SSH_PORT, made, asks=asks, addresses=at, user="app")
    sshd.unanswered_prompt(Path(values["ssh_askpass"]))
    subprocess.Popen([sshd.executable(), "-D", "-e", "-f", server.folder / "sshd_config"])


if __name__ == "__main__":
    cli()
