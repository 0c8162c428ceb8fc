"""The real components found on this machine, for ``harness list``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.errors import PartMissing
from harness.services import nginx, redis, seaweedfs, sshd


@dataclass(frozen=True)
class Part:
    """Where a component was found, or why it is missing and what installs it."""

    name: str
    found: str | None
    missing: str | None


EXECUTABLES: dict[str, Callable[[], Path]] = {
    "nginx": nginx.executable,
    "redis": redis.executable,
    "seaweedfs": seaweedfs.executable,
    "sshd": sshd.executable,
}


def survey() -> list[Part]:
    """All parts, those that are missing too."""
    found = [_part(name, executable) for name, executable in EXECUTABLES.items()]
    missing = seaweedfs.fuse_missing()
    return [*found, Part("fuse", None if missing else "/dev/fuse", missing)]


def _part(name: str, executable: Callable[[], Path]) -> Part:
    try:
        return Part(name, str(executable()), None)
    except PartMissing as error:
        return Part(name, None, f"{error.reason}; install it with: {error.install}")
