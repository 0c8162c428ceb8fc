"""The first process of every container: does what the harness asks, a line of JSON at a time.

harness --stdin---> {"do": "start", "argv": ["nginx", ...], ...}
        <-stdout--- {"pid": 17}

What it has imported beforehand, the Python programs that it starts have imported, too: they are forked
from it. Between two deployments ``reset`` leaves nothing but itself. The end of the input means that the
harness is gone; then the container ends, and with it every process in it. Only the standard library is
needed, for there is nothing else in the image of SeaweedFS.

    python3 -P agent.py MODULE...
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

ENDED: dict[int, int] = {}
"""Exit codes of what has ended, by process id; negative for a signal."""


def main(preload: Sequence[str]) -> None:
    orders, replies = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)  # whatever an import prints is no reply
    for module in preload:
        importlib.import_module(module)
    _reply(replies, {"ready": True})
    for line in orders:
        order = json.loads(line)
        try:
            found = DOES[order.pop("do")](**order)
        except Exception as error:
            found = {"error": f"{type(error).__name__}: {error}"}
        _reap()
        _reply(replies, found)


def start(
    argv: Sequence[str], cwd: str, log: str, env: Mapping[str, str], module: bool = False
) -> dict[str, Any]:
    """Start a program, or a Python module with its arguments, as the leader of a session."""
    if (pid := os.fork()) == 0:
        _become(argv, cwd, log, {**os.environ, **env}, module)
    return {"pid": pid}


def run(argv: Sequence[str], cwd: str, env: Mapping[str, str], seconds: float) -> dict[str, Any]:
    """Run a program to its end."""
    done = subprocess.run(
        argv,
        cwd=cwd,
        env={**os.environ, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=seconds,
    )
    out, err = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    return {"code": done.returncode, "out": out, "err": err}


def code(pid: int) -> dict[str, Any]:
    """The exit code of what was started; none while it runs."""
    _reap()
    return {"code": ENDED.get(pid)}


def hears(address: str, port: int, greeting: int) -> dict[str, Any]:
    """Whether something answers there; how it greets, so many bytes of it at most."""
    try:
        with socket.create_connection((address, port), timeout=5) as connection:
            said = connection.recv(greeting).decode(errors="replace") if greeting else ""
    except OSError:
        return {"answers": False, "said": ""}
    return {"answers": True, "said": said}


def send(pid: int, number: int) -> dict[str, Any]:
    """Send a signal to what was started and to all that it has started in its session."""
    os.killpg(pid, number)
    return {}


def reset(folders: Sequence[str], empty: bool) -> dict[str, Any]:
    """Kill every process but this one, detach what is mounted in the folders, empty them if asked to."""
    while True:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            break
    ENDED.clear()
    for point, kind in _mounts():
        if kind.startswith("fuse") and any(point.startswith(f"{folder}/") for folder in folders):
            subprocess.run(["/usr/bin/fusermount3", "-u", "-z", point], check=True)
    kept = [Path(point) for point, _ in _mounts()]  # the folder shared with this machine may lie in /tmp
    for folder in folders if empty else ():
        for path in Path(folder).iterdir():
            if any(point.is_relative_to(path) for point in kept):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    return {}


DOES: dict[str, Callable[..., dict[str, Any]]] = {
    "start": start,
    "run": run,
    "code": code,
    "hears": hears,
    "send": send,
    "reset": reset,
}


def _become(argv: Sequence[str], cwd: str, log: str, env: dict[str, str], module: bool) -> NoReturn:
    """In the forked child: what the command would be."""
    ended = 127
    try:
        if module:
            from harness.processes import run_module

            run_module(argv[0], list(argv[1:]), env, cwd, log)
            ended = 0
        else:
            os.setsid()
            out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            os.dup2(out, 1)
            os.dup2(out, 2)
            os.chdir(cwd)
            os.execvpe(argv[0], list(argv), env)  # noqa: S606
    except SystemExit as end:
        ended = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        print(f"{argv[0]}: {type(error).__name__}: {error}", file=sys.stderr)
    finally:
        sys.stderr.flush()
        os._exit(ended)


def _mounts() -> list[tuple[str, str]]:
    """Mount points and their kinds (proc_mounts(5))."""
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    return [(line.split()[1], line.split()[2]) for line in lines]


def _reap() -> None:
    """Take note of what has ended; orphans are this process's to reap, too."""
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            ENDED[ended[0]] = os.waitstatus_to_exitcode(ended[1])


def _reply(replies: Any, found: Mapping[str, Any]) -> None:
    replies.write(json.dumps(found) + "\n")
    replies.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
