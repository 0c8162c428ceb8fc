"""A witness in plain English, for someone who knows the app and not the theory."""

from __future__ import annotations

from collections.abc import Sequence

from harness.checks.history import FAILED, OK, WRITE, Loss, Operation


def sentence(witness: Sequence[Operation], losses: Sequence[Loss], beginning: float) -> str:
    """What happened, in order; times are seconds after ``beginning``.

    For example: user 1 uploaded sales.csv to A at 0.41 s; at 0.52 s B answered user 1 as if there were
    no data.
    """
    things = {operation.thing for operation in witness}
    told = [(one.started, _told(one, one.started - beginning, len(things) > 1)) for one in witness]
    told += [(loss.at, f"at {loss.at - beginning:.2f} s {loss.instance} was lost") for loss in losses]
    return "; ".join(text for _, text in sorted(told))


def _told(operation: Operation, at: float, several: bool) -> str:
    """One operation; of several things, with the thing that it is about."""
    user, instance = operation.user, operation.instance or "somebody"
    twice = f", which was carried out {operation.runs} times" if operation.runs > 1 else ""
    about = f" about {operation.thing}" if several else ""
    if operation.kind == WRITE:
        to = f" to {operation.instance}" if operation.instance else ""
        ended = {OK: "", FAILED: ", which was refused"}.get(operation.outcome, ", and got no clear answer")
        return f"{user} {operation.verb} {operation.version}{to} at {at:.2f} s{ended}{twice}"
    if operation.outcome != OK:
        return f"at {at:.2f} s {user} asked{about} and got no answer{twice}"
    saw = "as if there were no data" if operation.version is None else f"from {operation.version}"
    return f"at {at:.2f} s {instance} answered {user}{about} {saw}{twice}"
