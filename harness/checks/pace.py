"""How many operations a second all guarantees together are decided for, on a history that keeps them."""

from __future__ import annotations

import time

from harness.checks import History, Operation, check

OPERATIONS = 200_000
USERS = 50
WRITES = 5
"""Every so many operations of a user one is a write; the others read it back."""


STALE = 10
"""Every so many reads one finds nothing, where the guarantees are broken."""


def operations_per_second(broken: bool) -> float:
    """Of processor time, indexing included; making the operations is not."""
    made = _operations(broken)
    start = time.process_time()
    found = check(History(made))
    seconds = time.process_time() - start
    assert bool(found) == broken
    return len(made) / seconds


def _operations(broken: bool) -> list[Operation]:
    """Users side by side, each with data of their own, on two instances."""
    made = []
    for number in range(OPERATIONS):
        turn, user = divmod(number, USERS)
        last = turn - turn % WRITES
        kind = "write" if turn == last else "read"
        begins, name = turn + user / USERS, f"user {user}"
        version: str | None = f"{name}, {last}"
        if broken and kind == "read" and number % STALE == 0:
            version = None
        made.append(
            Operation(
                name, kind, f"the data of {name}", begins, begins + 0.9, "ok", version, "AB"[number % 2]
            )
        )
    return made
