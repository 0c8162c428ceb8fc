"""What is deployed: one named deployment a table in a TOML file, validated.

The file has two halves. ``[app]`` tells how to run the application under test and which environment
each of its strategies needs; ``[topology.NAME]`` combines them. The harness itself knows no strategy
of any app: a new one is a table in the file.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from harness import settings, toml_file
from harness.errors import HarnessError
from harness.services import AFFINITIES, IDLE_TIMEOUT, LLM_FAULTS, SERVICES
from harness.toml_file import Table, not_one_of

KINDS = ("session", "storage", "mode", "sync")
MAX_INSTANCES = 8
MAX_WORKERS = 16
MAX_IDLE_TIMEOUT = 4000
"""Seconds: what an ALB allows at most (its ``idle_timeout.timeout_seconds``)."""


NOTHING = settings.Own()


@dataclass(frozen=True)
class Strategy:
    """What choosing a strategy means for the app: its environment and the services it needs."""

    env: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class App:
    """How to run the application under test.

    Attributes:
        wsgi: ``module:callable`` for gunicorn.
        ready: path that answers 200 when a worker can serve.
        health: path of the cheapest answer, which touches nothing.
        preload: modules imported once, in the parent that instances are forked from.
        ssh_command: what instances may run on each other by ssh: sshd's forced command.
        needs: services that every topology of this app needs.
        env: environment of every instance; ``{name}`` is filled in by the runtime.
        strategies: ``strategies[kind][name]`` for each kind of ``KINDS`` and ``affinity``.
    """

    wsgi: str
    ready: str
    health: str
    preload: tuple[str, ...]
    ssh_command: str
    needs: tuple[str, ...]
    env: Mapping[str, str]
    strategies: Mapping[str, Mapping[str, Strategy]]

    def chosen(self, topology: Topology) -> list[Strategy]:
        """The strategies that a topology combines, its affinity's part last."""
        found = [self.strategies[kind][getattr(topology, kind)] for kind in KINDS]
        return [*found, self.strategies["affinity"].get(topology.affinity, Strategy())]


@dataclass(frozen=True)
class Topology:
    """One named deployment: instances x workers, affinity, and the app's strategies.

    Attributes:
        idle_timeout: seconds that the balancer waits for an instance.
        needs: names of the services to start, each once, in order of need.
        scenarios: names of those that it is judged by; all of them where empty.
        env: more environment, by instance.
        ready: path that tells when a worker can serve; the app's own where empty.
        nginx, gunicorn, own: what is set on the balancer, on every gunicorn, on an instance alone.
    """

    name: str
    title: str
    session: str
    storage: str
    mode: str
    sync: str = "none"
    affinity: str = "round-robin"
    instances: int = 2
    workers: int = 2
    llm: str = "none"
    idle_timeout: int = IDLE_TIMEOUT
    needs: tuple[str, ...] = ()
    scenarios: tuple[str, ...] = ()
    env: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ready: str = ""
    nginx: settings.Nginx = field(default_factory=settings.Nginx)
    gunicorn: Mapping[str, int] = field(default_factory=dict)
    own: Mapping[str, settings.Own] = field(default_factory=dict)

    @property
    def instance_names(self) -> tuple[str, ...]:
        return tuple(string.ascii_uppercase[: self.instances])


@dataclass(frozen=True)
class Plan:
    """A topologies file, read: the app and its topologies by name, in the file's order."""

    path: Path
    app: App
    topologies: Mapping[str, Topology]

    def topology(self, name: str) -> Topology:
        """The topology of that name.

        Raises:
            HarnessError: there is none; the message lists what there is.
        """
        if name not in self.topologies:
            raise HarnessError(not_one_of(f"{self.path}: topology", name, self.topologies))
        return self.topologies[name]


def load(path: Path) -> Plan:
    """Read and validate a topologies file.

    Raises:
        HarnessError: unreadable, not TOML, or a key or value that is not allowed; the message names
            the file, the key, the value found and what is allowed.
    """
    top = Table(path, "", toml_file.read(path))
    top.only("app", "topology")
    app = _app(top.table("app"))
    tables = top.table("topology")
    topologies = {name: _topology(name, tables.table(name), app) for name in tables.data}
    if not topologies:
        raise HarnessError(f"{path}: no [topology.NAME] table: nothing to deploy")
    return Plan(path, app, topologies)


def changed(plan: Plan, base: Topology, change: Table, without: Iterable[str] = ()) -> Topology:
    """A topology with some of its keys changed: tables are merged, everything else is replaced.

    Args:
        change: the keys that change, as in ``[topology.NAME]``.
        without: paths of keys to take out first, e.g. ``env.*.SECRET_KEY``; a star is any one key.

    Raises:
        HarnessError: what comes out is not allowed; the message names the file of the change.
    """
    table = asdict(base)
    del table["name"], table["needs"]
    for path in without:
        _take_out(table, path.split("."))
    merged = _merged(table, change.data)
    return _topology(base.name, Table(change.path, change.key, _as_toml(merged)), plan.app)


def _take_out(table: dict[str, Any], path: Sequence[str]) -> None:
    first, *rest = path
    for key in list(table) if first == "*" else [first]:
        if not rest:
            table.pop(key, None)
        elif isinstance(table.get(key), dict):
            _take_out(table[key], rest)


def _merged(table: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(table[key], value) if isinstance(value, dict) and isinstance(table[key], dict) else value
        for key, value in change.items()
        if key in table
    }
    return {**table, **change, **both}


def _as_toml(value: Any) -> Any:
    """As a TOML file has it: lists for tuples."""
    if isinstance(value, dict):
        return {key: _as_toml(one) for key, one in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _app(table: Table) -> App:
    table.only("wsgi", "ready", "health", "preload", "ssh_command", "needs", "env", "affinity", *KINDS)
    strategies: dict[str, dict[str, Strategy]] = {}
    for kind in (*KINDS, "affinity"):
        named = table.table(kind)
        strategies[kind] = {name: _strategy(named.table(name)) for name in named.data}
    if unknown := [name for name in strategies["affinity"] if name not in AFFINITIES]:
        raise HarnessError(not_one_of(table.where("affinity"), unknown[0], AFFINITIES))
    strategies["sync"].setdefault("none", Strategy())
    wsgi = table.text("wsgi")
    if ":" not in wsgi:
        raise HarnessError(f"{table.where('wsgi')}: {wsgi!r} is not of the form module:callable")
    return App(
        wsgi=wsgi,
        ready=table.text("ready", "/"),
        health=table.text("health", table.text("ready", "/")),
        preload=table.texts("preload"),
        ssh_command=table.text("ssh_command", "false"),
        needs=table.texts("needs", SERVICES),
        env=table.env("env"),
        strategies=strategies,
    )


def _strategy(table: Table) -> Strategy:
    table.only("env", "needs")
    return Strategy(env=table.env("env"), needs=table.texts("needs", SERVICES))


def _topology(name: str, table: Table, app: App) -> Topology:
    allowed = ("title", "instances", "workers", "affinity", "llm", "idle_timeout", "scenarios", "env")
    table.only(*allowed, "ready", "nginx", "gunicorn", "own", *KINDS)
    instances = table.number("instances", 2, MAX_INSTANCES)
    names = tuple(string.ascii_uppercase[:instances])
    env, own = table.table("env"), table.table("own")
    topology = Topology(
        name=name,
        title=table.text("title", name),
        session=table.choice("session", app.strategies["session"]),
        storage=table.choice("storage", app.strategies["storage"]),
        mode=table.choice("mode", app.strategies["mode"]),
        sync=table.choice("sync", app.strategies["sync"], "none"),
        affinity=table.choice("affinity", AFFINITIES, "round-robin"),
        instances=instances,
        workers=table.number("workers", 2, MAX_WORKERS),
        llm=table.choice("llm", LLM_FAULTS, "none"),
        idle_timeout=table.number("idle_timeout", IDLE_TIMEOUT, MAX_IDLE_TIMEOUT),
        scenarios=table.texts("scenarios"),
        env={instance: env.env(instance) for instance in env.data if env.data[instance] != {}},
        ready=table.text("ready") if table.data.get("ready") else "",
        nginx=settings.nginx(table.table("nginx"), names),
        gunicorn=settings.gunicorn(table.table("gunicorn")),
        own={name: one for name in own.data if (one := settings.own(own.table(name), LLM_FAULTS)) != NOTHING},
    )
    for key, by_instance in (("env", topology.env), ("own", topology.own)):
        for instance in by_instance:
            if instance not in names:
                raise HarnessError(not_one_of(table.where(key), instance, names))
    if topology.affinity == "single" and instances != 1:
        raise HarnessError(
            f"{table.where('affinity')}: 'single' goes with instances = 1, not {instances}; "
            "use round-robin for more"
        )
    wanted = [*app.needs, *(need for strategy in app.chosen(topology) for need in strategy.needs)]
    return replace(topology, needs=tuple(dict.fromkeys(wanted)))
