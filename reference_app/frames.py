"""Data sets that this worker has parsed, by the hash of their file: none is parsed twice.

What may be answered from here is decided by the flag, which is read anew for each question: it names the
hash. A frame is shared by requests; nobody changes it. Of each session it is known which frame its last
question was answered from: a guess, for the flag may name another by now.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

import pandas as pd

MOST_SESSIONS = 1000
"""Sessions of which a worker knows the last frame, a hundred bytes each."""


class Frames:
    """The least recently used go when all together need more than the budget.

    Args:
        budget: bytes.
    """

    def __init__(self, budget: int) -> None:
        self._budget, self._held = budget, 0
        self._frames: OrderedDict[str, tuple[pd.DataFrame, int]] = OrderedDict()
        self._last: OrderedDict[str, str] = OrderedDict()
        self._lock = Lock()

    def last(self, session_id: str) -> pd.DataFrame | None:
        """The frame that the session's last question here was answered from, if it is still here."""
        with self._lock:
            digest = self._last.get(session_id)
        return None if digest is None else self.get(digest)

    def answers(self, session_id: str, digest: str) -> None:
        """Say which frame a question of the session is answered from."""
        with self._lock:
            self._last.pop(session_id, None)
            self._last[session_id] = digest
            if len(self._last) > MOST_SESSIONS:
                self._last.popitem(last=False)

    def get(self, digest: str) -> pd.DataFrame | None:
        """The frame of a file with that SHA-256, if it is here."""
        with self._lock:
            if digest not in self._frames:
                return None
            self._frames.move_to_end(digest)
            return self._frames[digest][0]

    def put(self, digest: str, frame: pd.DataFrame) -> None:
        """Keep a frame, if it is not larger than the whole budget."""
        size = int(frame.memory_usage(deep=True).sum())
        if size > self._budget:
            return
        with self._lock:
            self._held += size - self._frames.pop(digest, (frame, 0))[1]
            self._frames[digest] = frame, size
            while self._held > self._budget:
                _, (_, freed) = self._frames.popitem(last=False)
                self._held -= freed
