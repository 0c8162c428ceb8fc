"""How a topology is brought up; every runtime yields a ``Deployment``."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from harness.services import Affinity
from harness.topology import Topology


class Deployment(Protocol):
    """A topology that is up. It is spent once an instance was killed."""

    topology: Topology
    affinity: Affinity
    url: str
    notes: tuple[str, ...]
    """What differs from the real thing here, e.g. a shared folder instead of a mount."""

    @property
    def lost(self) -> frozenset[str]:
        """Instances that were killed."""

    def evidence(self) -> Mapping[str, Mapping[str, Any]]:
        """The app's records so far, by request id; locations as ``A:/...`` or ``shared-files:/...``."""

    def kill(self, instance: str) -> None:
        """Kill an instance; its disk goes with it."""

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
