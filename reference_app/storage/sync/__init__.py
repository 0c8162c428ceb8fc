"""Uploads on the instance's own disk, copied to the other instances by rsync over ssh.

    upload -> A's disk, then push: rsync A -> every peer
    chat   -> B's disk; where nothing is there, pull: rsync peer -> B, and look again

    rsync ── ssh -F SYNC_SSH_CONFIG peer ──> the peer's sshd ── gate.py ──> rsync --server, in its tree

The report's first attempted fix. ``original`` has its faults, each of which can be taken away;
``repaired`` is what this approach can give at best.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import BinaryIO, Protocol

from reference_app.errors import ConfigError, StoreDown
from reference_app.settings import Settings
from reference_app.storage import local
from reference_app.storage.base import Copy, Flag
from reference_app.storage.files import FileTree
from reference_app.storage.sync.original import Original
from reference_app.storage.sync.repaired import ASKS_NOTHING, Repaired
from reference_app.storage.sync.ssh import Fleet


class Copier(Protocol):
    """Copies sessions between instances. What comes of each step is in the evidence."""

    def push(self, session_id: str, flag: Flag) -> list[Copy]:
        """Copy a session to the peers; what came of it, as far as it tells."""

    def pull(self, session_id: str) -> None:
        """Copy a session from a peer that has it, if one has."""

    def clear(self, session_id: str) -> None:
        """Take the session's flag away from the peers."""


class SyncedTree:
    """A local tree whose sessions travel: writing pushes, a miss pulls."""

    name = "instance-sync"

    def __init__(self, tree: FileTree, copier: Copier) -> None:
        self._tree, self._copier = tree, copier
        self.check, self.where = tree.check, tree.where

    def publish(
        self, session_id: str, flag: Flag, data: BinaryIO, original: BinaryIO | None = None
    ) -> list[Copy]:
        self._tree.publish(session_id, flag, data, original)
        with _down():
            return self._copier.push(session_id, flag)

    def flag(self, session_id: str) -> Flag | None:
        if (found := self._tree.flag(session_id)) is not None:
            return found
        with _down():
            self._copier.pull(session_id)
        return self._tree.flag(session_id)

    def read(self, session_id: str) -> tuple[Flag, BinaryIO] | None:
        if (found := self._tree.read(session_id)) is not None:
            return found
        with _down():
            self._copier.pull(session_id)
        return self._tree.read(session_id)

    def clear_flag(self, session_id: str) -> None:
        self._tree.clear_flag(session_id)
        with _down():
            self._copier.clear(session_id)


@contextlib.contextmanager
def _down() -> Iterator[None]:
    """The tree or the programs are gone; a peer that is gone is an outcome, and no error."""
    try:
        yield
    except OSError as error:
        raise StoreDown("storage (instance-sync)", error) from error


def open_storage(settings: Settings) -> SyncedTree:
    """The tree beneath UPLOAD_ROOT and its way to the peers.

    Raises:
        ConfigError: the ssh configuration is no file, or ssh or rsync is not installed.
        StoreDown: the tree cannot be made.
    """
    root, sync = settings.upload_root, settings.sync
    assert root is not None  # settings demand both for this strategy
    assert sync is not None
    if not sync.ssh_config.is_file():
        raise ConfigError(
            f"SYNC_SSH_CONFIG is {str(sync.ssh_config)!r}, which is not a file; an ssh configuration "
            "(ssh_config(5)) that names the hosts of SYNC_PEERS is needed"
        )
    copier: Copier
    if sync.original:
        whole_family = "leaves-ssh" not in sync.faults
        fleet = Fleet(root, sync.peers, sync.ssh_config, whole_family=whole_family)
        copier = Original(fleet, sync.faults, sync.seconds)
    else:
        fleet = Fleet(root, sync.peers, sync.ssh_config, ssh_options=ASKS_NOTHING)
        copier = Repaired(fleet, sync.seconds)
    return SyncedTree(local.open_storage(settings), copier)
