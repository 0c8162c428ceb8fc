"""Any app: a command that listens on an address, in any language; from ``harness.toml`` or the command line.

    [app]
    command = "gunicorn -b {bind} myapp:app"
    health = "/health"

    [app.env]
    UPLOADS = "{instance_dir}/uploads"

    [topology]
    instances = 2

Names in braces are filled in for each instance: see ``VALUES``. A brace that is meant is written twice.
"""

from __future__ import annotations

import shlex
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from harness import toml_file
from harness.errors import HarnessError
from harness.services import AFFINITIES
from harness.toml_file import Table, not_one_of
from harness.topology import MAX_INSTANCES, MAX_WORKERS, Topology

FILE = "harness.toml"

VALUES = {
    "bind": "host:port to listen on",
    "host": "127.0.0.1",
    "port": "the instance's own; the environment variable PORT says the same",
    "instance": "A, B, ...",
    "instance_dir": "the instance's own disk; the app's folder is app/ in it, TMPDIR is tmp/",
    "workers": "how many workers the topology asks for",
    "python": "the Python that runs the harness",
    "secret": "64 hexadecimal digits, the same for every instance",
    "redis_url": "a Redis that every instance shares; it is started where this name is used",
}
"""What a command and its environment may name in braces, and what it stands for."""


@dataclass(frozen=True)
class AnyApp:
    """How to run an app of which nothing else is known.

    Attributes:
        command: one line, split as a shell would; it runs in the app's folder, without a shell.
        folder: the app's files. Each instance works in a copy of them, as on a host of its own.
        health: path that answers 2xx or 3xx when an instance serves; where empty, any answer of ``/``
            but 502 and 503 will do.
        env: environment of every instance, beside the harness's own.
        copy: False to run every instance in the folder itself.
        exclude: names or patterns (as of ``fnmatch``) that are not copied.
        shared: what all instances see as one, by its path on an instance's disk, e.g. ``app/uploads/``;
            a folder ends with a slash.
        source: the file it was read from, or the option, for messages.
    """

    command: str
    folder: Path
    health: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    copy: bool = True
    exclude: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    source: str = "--app"

    def uses(self, name: str) -> bool:
        """Whether the command or the environment names this value in braces."""
        return any(name in named(text) for text in (self.command, *self.env.values()))

    @property
    def gunicorn(self) -> bool:
        """Whether the command is a gunicorn without a configuration file of its own."""
        words = shlex.split(self.command)
        own = any(word.startswith(("-c", "--config")) for word in words)
        return (
            Path(words[0]).name == "gunicorn" and not own and not (self.folder / "gunicorn.conf.py").exists()
        )


def topology(
    app: AnyApp,
    instances: int = 2,
    workers: int = 1,
    affinity: str = "round-robin",
    env: Mapping[str, Mapping[str, str]] | None = None,
) -> Topology:
    """A deployment of an app whose sessions and files are its own affair.

    Raises:
        HarnessError: several workers, and the command cannot be told how many.
    """
    if workers > 1 and not (app.gunicorn or app.uses("workers")):
        raise HarnessError(
            f"{app.source}: {workers} workers, but the command cannot be told so: "
            "write {workers} where it takes their number"
        )
    name, own = "any-app", "own"
    title = f"{_counted(instances, 'instance')} with {_counted(workers, 'worker')} of {app.command}"
    return Topology(
        name, title, own, own, own, affinity=affinity, instances=instances, workers=workers, env=env or {}
    )


def load(path: Path) -> tuple[AnyApp, Topology]:
    """Read ``harness.toml``.

    Raises:
        HarnessError: unreadable, not TOML, or a key or value that is not allowed; the message names
            the file, the key, the value found and what is allowed.
    """
    top = Table(path, "", toml_file.read(path))
    top.only("app", "topology")
    app = _app(top.table("app"), path)
    table = top.table("topology")
    table.only("instances", "workers", "affinity", "env")
    by_instance = table.table("env")
    chosen = topology(
        app,
        table.number("instances", 2, MAX_INSTANCES),
        table.number("workers", 1, MAX_WORKERS),
        table.choice("affinity", AFFINITIES, "round-robin"),
        {instance: by_instance.env(instance) for instance in by_instance.data},
    )
    for instance in chosen.env:
        if instance not in chosen.instance_names:
            raise HarnessError(not_one_of(table.where("env"), instance, chosen.instance_names))
    for instance, env in chosen.env.items():
        _check(env, f"{path}: topology.env.{instance}")
    return app, chosen


def given(command: str, health: str = "", env: Mapping[str, str] | None = None) -> AnyApp:
    """An app from the command line; its folder is the one that the harness is called in.

    Raises:
        HarnessError: the command is empty or not closed, or names what is not known.
    """
    return checked(AnyApp(command, Path.cwd(), health, env or {}))


def checked(app: AnyApp) -> AnyApp:
    """The same app; see ``given`` for what it raises."""
    _check_app(app, f"{app.source}: command", f"{app.source}: env")
    return app


def named(text: str) -> set[str]:
    """The names in braces. Raises ValueError where braces do not match."""
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _app(table: Table, path: Path) -> AnyApp:
    table.only("command", "folder", "health", "copy", "exclude", "shared", "env")
    folder = (path.parent / table.text("folder", ".")).resolve()
    if not folder.is_dir():
        raise HarnessError(f"{table.where('folder')}: {folder} is not a folder")
    app = AnyApp(
        command=table.text("command"),
        folder=folder,
        health=table.text("health", "/") if "health" in table.data else "",
        env=table.env("env"),
        copy=table.truth("copy", True),
        exclude=table.texts("exclude"),
        shared=table.texts("shared"),
        source=str(path),
    )
    _check_app(app, table.where("command"), table.where("env"))
    for name in app.shared:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise HarnessError(f"{table.where('shared')}: {name!r} is not a path on an instance's disk")
    return app


def _check_app(app: AnyApp, command: str, env: str) -> None:
    _check({"": app.command}, command)
    _check(app.env, env)
    try:
        words = shlex.split(app.command)
    except ValueError as error:
        raise HarnessError(f"{command}: {app.command!r}: {error}") from error
    if not words:
        raise HarnessError(f"{command}: is empty: it is the command that starts the app")


def _check(texts: Mapping[str, str], where: str) -> None:
    for key, text in texts.items():
        place = f"{where}.{key}" if key else where
        try:
            names = named(text)
        except ValueError as error:
            raise HarnessError(
                f"{place}: {text!r}: {error}; a brace that is meant is written twice"
            ) from error
        for name in sorted(names - set(VALUES)):
            raise HarnessError(not_one_of(place, f"{{{name}}}", [f"{{{known}}}" for known in VALUES]))
