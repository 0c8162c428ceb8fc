"""Instance sync as the report's was. Each fault has a name (settings.SYNC_FAULTS) and can be taken away.

Two more are no code: a peer list of another fleet (SYNC_PEERS), and an ssh that asks a question where
nobody answers (SYNC_SSH_CONFIG, by a key behind a passphrase and ``BatchMode no``).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from reference_app.storage.base import FLAG_NAME, Copy, Flag, checked
from reference_app.storage.sync.ssh import Fleet, Outcome

LOG = logging.getLogger(__name__)

Clock = Callable[[int], float]
"""Seconds for a command to which the original gave so many times its least."""

COMMAND, RSYNC = 1, 3  # 10 s and 30 s


class Original:
    """Push after an upload, pull on a miss, one peer after the other.

    Args:
        seconds: what a command may take, an rsync three times that; without ``no-budget``, all of it.
    """

    def __init__(self, fleet: Fleet, faults: frozenset[str], seconds: float) -> None:
        self._fleet, self._faults, self._seconds = fleet, faults, seconds

    def push(self, session_id: str, flag: Flag) -> list[Copy]:
        session_id, clock = checked(session_id), self._clock()
        folder = "." if "no-session-folder" in self._faults else f"{session_id}/"
        copies = []
        for peer in self._fleet.peers:
            # whatever comes of it: the original did not look
            self._ssh(peer, "mkdir", "-p", session_id, clock=clock, what="push: mkdir")
            outcome = self._rsync(peer, f"{session_id}/", f"{peer}:{folder}", clock, what="push: rsync")
            copies.append(Copy(peer, outcome.ok, str(outcome)))
        if "swallows-outcome" in self._faults:
            # a warning, although nothing is wrong as far as it knows: less is not shown by gunicorn
            LOG.warning("sync initiated to %s", ", ".join(self._fleet.peers))
            return [Copy(peer, True, "sync initiated") for peer in self._fleet.peers]
        return copies

    def pull(self, session_id: str) -> None:
        session_id, clock = checked(session_id), self._clock()
        flag_decides = "flag-decides" in self._faults
        proof = ("-f", f"{session_id}/{FLAG_NAME}") if flag_decides else ("-d", session_id)
        source = f"{session_id}/*" if "skips-dotfiles" in self._faults else f"{session_id}/"
        folder = "." if "no-session-folder" in self._faults else f"{session_id}/"
        for peer in self._fleet.peers:
            if (
                self._ssh(peer, "test", *proof, clock=clock, what=f"pull: test {proof[0]}").ok
                and self._rsync(peer, f"{peer}:{source}", folder, clock, what="pull: rsync").ok
            ):
                return

    def clear(self, session_id: str) -> None:
        """It never told the peers; the next pull brings the flag back."""

    def _ssh(self, peer: str, *command: str, clock: Clock, what: str) -> Outcome:
        return self._fleet.ssh(peer, *command, seconds=clock(COMMAND), what=what).note()

    def _rsync(self, peer: str, source: str, target: str, clock: Clock, what: str) -> Outcome:
        return self._fleet.rsync(peer, source, target, seconds=clock(RSYNC), what=what).note()

    def _clock(self) -> Clock:
        """For one request."""
        if "no-budget" in self._faults:
            return lambda times: times * self._seconds
        end = time.monotonic() + self._seconds
        return lambda times: end - time.monotonic()
