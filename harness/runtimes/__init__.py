"""How a topology is brought up; every runtime yields a ``Deployment``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any, Protocol

from harness.services import Affinity
from harness.topology import Topology


class Deployment(Protocol):
    """A topology that is up. It is spent once an instance was lost."""

    topology: Topology
    affinity: Affinity
    url: str
    notes: tuple[str, ...]
    """What differs from the real thing here, e.g. a shared folder instead of a mount."""
    folder: Path
    """Where its files are on this machine."""
    config: Path
    """nginx's configuration, as it runs."""

    def evidence(self) -> Mapping[str, Mapping[str, Any]]:
        """The app's records so far, by request id; locations as ``A:/...`` or ``shared-files:/...``."""

    def stop(self, instance: str) -> None:
        """Kill an instance; its disk stays."""

    def kill(self, instance: str) -> None:
        """Kill an instance; its disk goes with it."""

    def start(self, instance: str) -> None:
        """Start an instance that was stopped, or another in place of one that was killed, until it serves."""

    def stall_ssh(self, instance: str, stalled: bool) -> None:
        """Let its peers' ssh connections to an instance hang, or go on; users reach it all the same."""

    def command(self, instance: str, argv: Sequence[str]) -> CompletedProcess[str]:
        """Run a command as a person would who is logged in on the instance, in its root folder."""

    def set_llm_fault(self, fault: str) -> None:
        """Misconfigure the model server. Raises HarnessError where it cannot be."""


class Runtime(Protocol):
    """Brings topologies up."""

    name: str

    def up(self, topology: Topology) -> AbstractContextManager[Deployment]:
        """The topology, ready; gone at the end.

        Raises:
            PartMissing: a real component is not on this machine. HarnessError: one did not start.
        """
