"""Instance sync as it should be: every file by temporary name and rename, the flag last, in time.

rsync writes a file beside its name and renames it (rsync(1), --inplace says what it does otherwise). What is
sent is one generation with a copy of its flag in it, then that copy under the flag's name; so a peer has the
old data set or the new one, and a push never carries what another upload has put in its place meanwhile.

What it cannot give, being copies: between upload and push a peer has the old data; a peer that is down
misses the push; an instance lost before it takes the upload along; of two writers each keeps the
other's data.

A generation that a push has replaced stays at the peer: who reads it just now can go on. It goes with the
next upload of its session there (base.superseded), or stays, as the last one of every session does.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reference_app.storage.base import FLAG_NAME, Copy, Flag, checked
from reference_app.storage.sync.ssh import Fleet, Outcome

ASKS_NOTHING = ("-o", "BatchMode=yes")
"""A question has nobody to answer it (ssh_config(5)); it must not last until the time is over."""


class Repaired:
    """Push to all peers at once after an upload; pull from one after the other on a miss.

    Args:
        seconds: the budget of a push, and of a pull, for all peers together.
    """

    def __init__(self, fleet: Fleet, seconds: float) -> None:
        self._fleet, self._seconds = fleet, seconds

    def push(self, session_id: str, flag: Flag) -> list[Copy]:
        session_id = checked(session_id)
        end = time.monotonic() + self._seconds
        generation = f"{session_id}/{flag.generation}"
        with contextlib.suppress(FileNotFoundError):  # replaced here already; rsync will say so
            (self._fleet.root / generation / FLAG_NAME).write_bytes(flag.to_bytes())

        def send(peer: str, source: str, target: str, *options: str, what: str) -> Outcome:
            return self._fleet.rsync(
                peer, source, target, *options, seconds=end - time.monotonic(), what=what
            )

        def to(peer: str) -> list[Outcome]:
            sent = [send(peer, generation, f"{peer}:.", "--relative", what="push: data")]
            if sent[0].ok:
                own_flag, home = f"{generation}/{FLAG_NAME}", f"{peer}:{session_id}/"
                sent.append(send(peer, own_flag, home, what="push: flag"))
            return sent

        return [Copy(last.peer, last.ok, str(last)) for *_, last in self._at_once(to)]

    def pull(self, session_id: str) -> None:
        session_id = checked(session_id)
        end = time.monotonic() + self._seconds
        for number, peer in enumerate(self._fleet.peers):
            now = time.monotonic()
            share = (end - now) / (len(self._fleet.peers) - number)  # a dead peer costs its share
            if self._pull_from(peer, session_id, now + share):
                return

    def clear(self, session_id: str) -> None:
        flag = f"{checked(session_id)}/{FLAG_NAME}"

        def at(peer: str) -> list[Outcome]:
            return [self._fleet.ssh(peer, "rm", "-f", flag, seconds=self._seconds, what="clear: flag")]

        self._at_once(at)

    def _pull_from(self, peer: str, session_id: str, end: float) -> bool:
        """The flag to a temporary name, the generation that it names, and only then the flag's own name."""

        def fetch(part: str, target: str, *options: str, what: str) -> bool:
            source, seconds = f"{peer}:{session_id}/{part}", end - time.monotonic()
            return self._fleet.rsync(peer, source, target, *options, seconds=seconds, what=what).note().ok

        with _temporary(self._fleet.root) as new:
            if not fetch(FLAG_NAME, new.name, what="pull: flag"):
                return False
            generation = Flag.from_bytes(new.read_bytes()).generation
            if not fetch(generation, ".", "--relative", what="pull: data"):
                return False
            with contextlib.suppress(FileExistsError):  # a push has come meanwhile, with what is newer
                os.link(new, self._fleet.root / session_id / FLAG_NAME)
            return True

    def _at_once(self, work: Callable[[str], list[Outcome]]) -> list[list[Outcome]]:
        """With all peers in parallel; noted here, for a thread has no request."""
        if not self._fleet.peers:
            return []
        with ThreadPoolExecutor(len(self._fleet.peers)) as pool:
            ended = list(pool.map(work, self._fleet.peers))
        for outcome in (outcome for outcomes in ended for outcome in outcomes):
            outcome.note()
        return ended


@contextlib.contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    """An empty file for a moment, on the file system where it is to get another name."""
    descriptor, name = tempfile.mkstemp(prefix=".pulled-", dir=folder)
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)
