"""From the shape of what the probes found to the family: in which layer the fault is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from harness.diagnose import probes
from harness.diagnose.probes import Look, Table

NUMBERS = re.compile(r"\d{3}")


@dataclass(frozen=True)
class Family:
    """Where a fault is.

    Attributes:
        layer: one of ``harness.diagnose.causes.LAYERS``.
        why: what of the table says so.
        or_else: other layers that give the same shape.
    """

    layer: str
    why: str
    or_else: tuple[str, ...] = ()


def family(table: Table) -> Family | None:
    """The family that the shape names; None where every probe holds, or the shape says nothing."""
    for rule in RULES:
        if (found := rule(table)) is not None:
            return found
    return None


def _model(table: Table) -> Family | None:
    told = [look.failed for look in _failing(table) if _error(look).startswith("llm_")]
    if not told:
        return None
    where = sorted({str(seen.instance) for seen in told})
    answers = {str(look.failed.instance) for look in table.grid.values() if look.holds}
    rest = ("deployment",) if answers - set(where) else ()
    return Family("llm", f"{', '.join(where)}: the model could not answer", rest)


def _balancer_itself(table: Table) -> Family | None:
    """Nobody served it, and the balancer has something to say."""
    for look in _failing(table):
        seen = look.failed
        if seen.instance is None and seen.status is not None:
            if seen.upstream and seen.status < 500:
                why = f"{seen.label}: {seen.status} of an instance, before the app was asked"
                return Family("worker", why, ("proxy",))
            return Family("proxy", f"the balancer itself answered {seen.status} to {seen.label}", ("worker",))
    return None


def _vanishes(table: Table) -> Family | None:
    """There at first, elsewhere too, and no more a second later."""
    later = table.rows.get(probes.LATER)
    if later is None or later.holds or not later.accepted:
        return None
    places = str(later.wrote.pinned), _instance(str(later.failed.pinned))
    if any(table.grid[ways].holds for ways in _across(table) if (ways[0], _instance(ways[1])) == places):
        why = f"{places[1]} has what {places[0]} took, and {probes.LATER_SECONDS:g} s later has not"
        return Family("storage", why)
    return None


def _one_broken(table: Table) -> Family | None:
    """An instance that fails by itself, while another one does not."""
    alone = {places[0]: look for places, look in table.grid.items() if places[0] == places[1]}
    bad = [place.partition("/")[0] for place, look in alone.items() if not look.holds]
    if not bad or len(bad) == len(alone):
        return None
    return Family("deployment", f"{', '.join(bad)} alone does not even answer from what it took itself")


def _not_even_here(table: Table) -> Family | None:
    """The same worker that took it does not answer from it: no matter of instances."""
    look = next((look for (wrote, read), look in table.grid.items() if wrote == read), None)
    if look is None or look.holds:
        return None
    seen = look.failed
    if not look.accepted:
        return Family("deployment", f"{seen.served_by} answered {seen.status} to {seen.label}", ("proxy",))
    if not look.wrote.cookies_set:
        return Family("proxy", "no answer sets a cookie", ("session",))
    if not seen.cookies_sent:
        return Family("session", "the client has cookies, and sends none", ("proxy",))
    if seen.status == 200 and NUMBERS.search(seen.text):
        return Family("llm", f"{seen.served_by} answers with numbers that are in nothing it took")
    return Family("session", f"{seen.served_by} does not answer from what it took itself", ("proxy", "llm"))


def _strangers(table: Table) -> Family | None:
    look = table.rows.get(probes.STRANGER)
    if look is None or look.holds:
        return None
    return Family("proxy", "a browser without cookies gets what another one wrote", ("session",))


def _workers(table: Table) -> Family | None:
    for (wrote, read), look in table.grid.items():
        if wrote != read and _instance(wrote) == _instance(read) and not look.holds:
            return Family("worker", f"{wrote} took it, and {read} of the same instance does not know it")
    return None


def _stickiness(table: Table) -> Family | None:
    """Instances share nothing, and the balancer, which is meant to hide that, does not."""
    balanced = table.rows.get(probes.BALANCED)
    if not table.pins or balanced is None or balanced.holds or not _apart(table):
        return None
    places = " -> ".join(str(seen.instance) for seen in (balanced.wrote, *balanced.reads))
    return Family(
        "affinity", f"the balancer is to pin a client, and sent it {places}", ("storage", "session")
    )


def _one_way(table: Table) -> Family | None:
    """What one instance takes all others know, and not the other way round."""
    apart, every = _apart(table), _across(table)
    if not apart or len(apart) == len(every):
        return None
    ways = ", ".join(f"{wrote} to {read}" for wrote, read in apart)
    return Family("deployment", f"instances do not share alike: not {ways}", ("storage", "session"))


def _late(table: Table) -> Family | None:
    later = table.rows.get(probes.LATER)
    if not _apart(table) or later is None or not later.holds:
        return None
    return Family("storage", f"{later.reads[-1].served_by} has it only after {probes.LATER_SECONDS:g} s")


def _not_shared(table: Table) -> Family | None:
    """Instances that share nothing: whoever loses the session elsewhere is a stranger when he comes back."""
    back = table.rows.get(probes.BACK)
    if not _apart(table) or back is None:
        return None
    wrote, read = _apart(table)[0]
    if back.holds:
        why = f"{wrote} took it, {read} does not have it, and back at {wrote} it is there"
        return Family("storage", why, ("deployment",))
    why = f"{wrote} took it, {read} knows neither it nor the client, who is a stranger when back at {wrote}"
    return Family("session", why, ("deployment",))


def _only_balanced(table: Table) -> Family | None:
    balanced = table.rows.get(probes.BALANCED)
    if balanced is None or balanced.holds:
        return None
    return Family("proxy", "every worker answers right, and not through the balancer's own choice")


def _only_together(table: Table) -> Family | None:
    for name in (probes.TWO_USERS, probes.MEANWHILE):
        if (look := table.rows.get(name)) is not None and not look.holds:
            return Family("session", f"one request after the other holds, and not: {name}", ("storage",))
    return None


RULES: tuple[Callable[[Table], Family | None], ...] = (
    _model,
    _balancer_itself,
    _vanishes,
    _one_broken,
    _not_even_here,
    _strangers,
    _workers,
    _stickiness,
    _one_way,
    _late,
    _not_shared,
    _only_balanced,
    _only_together,
)
"""What explains most first."""


def _failing(table: Table) -> list[Look]:
    return [look for look in (*table.grid.values(), *table.rows.values()) if not look.holds]


def _error(look: Look) -> str:
    error = look.failed.value("error")
    return str(error.get("type")) if isinstance(error, dict) else ""


def _instance(place: str) -> str:
    return place.partition("/")[0]


def _across(table: Table) -> list[tuple[str, str]]:
    """Writes on one instance and reads on another."""
    return [(wrote, read) for wrote, read in table.grid if _instance(wrote) != _instance(read)]


def _apart(table: Table) -> list[tuple[str, str]]:
    """Those of them that do not hold."""
    return [places for places in _across(table) if not table.grid[places].holds]
