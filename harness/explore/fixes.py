"""The fix finder: interventions that need no knowledge of the app, tried one by one and in sets.

A set cures when every routing agrees with one instance again; or, where it contains an affinity, when the
journey does through the balancer: that only hides the difference, and what it does not survive is said.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness import anyapp
from harness.anyapp import AnyApp
from harness.errors import HarnessError
from harness.explore import search
from harness.explore.answer import came, sentence
from harness.explore.routing import EVENTS, LOSE, RESTART, Event, Routing, on_workers
from harness.explore.search import Plan
from harness.explore.site import Fresh, Place, Site
from harness.explore.specification import Specification
from harness.journey import Performance
from harness.runtimes.command import CommandRuntime
from harness.topology import Topology
from harness.workshop import Workshop

MOST = 3
"""Interventions in a set, at most."""
BALANCED_PLAYS = 12
"""Plays through the balancer that must all agree; each by fresh users, who begin at the next instance.

On instances that start for each play, one from each instance on: none can go otherwise than its first.
"""
SECONDS = 10.0
"""What a sample of routings may take, for each set."""

SEEN = {RESTART: "a restart", LOSE: "the loss of an instance and its disk"}

Deployed = tuple[AnyApp, Topology]


@dataclass(frozen=True)
class Fix:
    """One intervention.

    Attributes:
        name: what is done, in words.
        apply: the app and the topology with it.
        affinity: it leaves the state where it is, and sends users back to it.
        limits: what it does not survive by its nature.
    """

    name: str
    apply: Callable[[AnyApp, Topology], Deployed]
    affinity: bool = False
    limits: str = ""


@dataclass(frozen=True)
class Tried:
    """A set of interventions and what came of it.

    Attributes:
        cures: every routing agrees; with an affinity, every play through the balancer.
        survives: by kind of event, whether the journey still agrees when it happens between two requests.
        why: what still differs, or why it did not start; empty where it cures.
    """

    fixes: tuple[Fix, ...]
    cures: bool
    survives: Mapping[str, bool] = field(default_factory=dict)
    why: str = ""

    @property
    def name(self) -> str:
        return " + ".join(fix.name for fix in self.fixes)

    @property
    def hides(self) -> bool:
        return any(fix.affinity for fix in self.fixes)


@dataclass(frozen=True)
class Witness:
    """The smallest difference: a set that leaves it needs no further look.

    Attributes:
        specification: of its journey.
        fresh: it shows on instances that have just started; so every play is on such.
    """

    specification: Specification
    routing: Routing
    fresh: bool = False


def candidates(
    app: AnyApp, topology: Topology, written: Sequence[str], same: Sequence[str], redis: Sequence[str]
) -> list[Fix]:
    """The interventions that mean anything here.

    Args:
        written: what the app writes on its instances' own disks.
        same: environment variables to set alike on every instance, beside those that differ already.
        redis: environment variables that get the URL of a Redis that all instances share.
    """
    differing = {name for env in topology.env.values() for name in env}
    differing |= {name for name, text in app.env.items() if "instance" in anyapp.named(text)}
    found = [_same(name) for name in dict.fromkeys((*same, *sorted(differing)))]
    if written:
        found.append(_shared(written))
    found += [_redis(name) for name in redis]
    if topology.workers > 1:
        found.append(Fix("one worker", lambda app, topology: (app, replace(topology, workers=1))))
    if topology.instances > 1:
        found += [
            _affinity("sticky-cookie", "sticky cookie", "a lost cookie, the loss of the user's instance"),
            _affinity("ip-hash", "ip-hash", "another address of the user, the loss of the user's instance"),
        ]
    return found


def find(
    fixes: Sequence[Fix],
    deployed: Deployed,
    specification: Specification,
    witness: Witness,
    workshop: Workshop,
    notify: Callable[[str], None] = lambda name: None,
) -> list[Tried]:
    """Try sets, the smallest first, until one cures without an affinity; no superset of one that cures."""
    tried: list[Tried] = []
    for size in range(1, MOST + 1):
        for some in itertools.combinations(fixes, size):
            cured = [set(one.fixes) for one in tried if one.cures]
            if sum(fix.affinity for fix in some) > 1 or any(less <= set(some) for less in cured):
                continue
            notify(" + ".join(fix.name for fix in some))
            tried.append(_try(some, deployed, specification, witness, workshop))
        if any(one.cures and not one.hides for one in tried):
            break
    return tried


def _try(
    some: tuple[Fix, ...],
    deployed: Deployed,
    specification: Specification,
    witness: Witness,
    workshop: Workshop,
) -> Tried:
    app, topology = deployed
    for fix in some:
        app, topology = fix.apply(app, topology)
    with contextlib.ExitStack() as stack:
        try:
            deployment = stack.enter_context(CommandRuntime(app, workshop).up(topology))
        except HarnessError as error:
            return Tried(some, False, why=str(error).splitlines()[0])
        site: Place = Fresh(app, topology, workshop) if witness.fresh else Site(deployment)
        hides = any(fix.affinity for fix in some)
        why = _balanced(specification, site) if hides else _routed(specification, witness, site)
        if why:
            return Tried(some, False, why=why)
        survives = {kind: _survives(kind, specification, site, hides) for kind in EVENTS}
        return Tried(some, True, survives)


def _routed(specification: Specification, witness: Witness, site: Place) -> str:
    """What still differs; nothing where all routings agree."""
    found = None
    if set(witness.routing.targets) <= set(site.targets):
        found = search.differs(witness.specification, site, witness.routing)
    found = found or search.explore(specification, site, Plan(seconds=SECONDS)).found
    return sentence(found) if found else ""


def _balanced(specification: Specification, site: Place) -> str:
    """What differs through the balancer; nothing where every play agrees."""
    instances = len(_instances(site))
    for number in range(instances if site.fresh else BALANCED_PLAYS):
        begin = number % instances
        if why := _differs(specification, site.play_balanced(specification.journey, begin=begin)):
            return why
    return ""


def _instances(site: Place) -> list[str]:
    return list(dict.fromkeys(target.partition("/")[0] for target in site.targets))


def _survives(kind: str, specification: Specification, site: Place, hides: bool) -> bool:
    """Whether it still agrees when an event comes before the last request.

    With an affinity it comes to every instance, for nobody says beforehand which one serves.
    """
    last, names = len(specification.answers) - 1, _instances(site)
    if hides:
        return not _differs(specification, site.play_balanced(specification.journey, kind, last))
    some = [Routing((names[0],) * last + (after,), Event(kind, names[0], last)) for after in names if last]
    return all(search.differs(specification, site, on_workers(one, site.targets)) is None for one in some)


def _differs(specification: Specification, performance: Performance) -> str:
    if specification.deviation(performance) is None:
        return ""
    specification.learn()
    deviation = specification.deviation(performance)
    return "" if deviation is None else f"{deviation.answer.sent}: {came(deviation)}"


def _same(name: str) -> Fix:
    def apply(app: AnyApp, topology: Topology) -> Deployed:
        by_instance = {key: {**env} for key, env in topology.env.items()}
        values = [env.pop(name) for env in by_instance.values() if name in env]
        value = values[0] if values else app.env.get(name, "{secret}")
        value = "{secret}" if "instance" in anyapp.named(value) else value
        return replace(app, env={**app.env, name: value}), replace(topology, env=by_instance)

    return Fix(f"the same {name}", apply)


def _shared(written: Sequence[str]) -> Fix:
    return Fix(
        f"shared {', '.join(written)}",
        lambda app, topology: (replace(app, shared=(*app.shared, *written)), topology),
        limits="the loss of that folder's host",
    )


def _redis(name: str) -> Fix:
    return Fix(
        f"a shared Redis by {name}",
        lambda app, topology: (replace(app, env={**app.env, name: "{redis_url}"}), topology),
        limits="the loss of that Redis",
    )


def _affinity(affinity: str, name: str, limits: str) -> Fix:
    return Fix(name, lambda app, topology: (app, replace(topology, affinity=affinity)), True, limits)


def told(tried: Sequence[Tried]) -> Iterator[str]:
    """What cures it, then what only hides it, then what is not enough by itself."""
    for one in sorted((one for one in tried if one.cures), key=lambda one: one.hides):
        what = (
            "through the balancer every play agrees: only hides it" if one.hides else "every routing agrees"
        )
        yield f"{one.name}: {what}"
        for word, survives in (("seen to survive", True), ("seen not to survive", False)):
            events = [SEEN[kind] for kind, yes in one.survives.items() if yes is survives]
            if events:
                yield f"    {word}: {', '.join(events)}"
        if limits := [fix.limits for fix in one.fixes if fix.limits]:
            yield f"    cannot survive: {'; '.join(limits)}"
    if not any(one.cures for one in tried):
        yield f"none of {len(tried)} sets that need no knowledge of the app"
    for one in tried:
        if not one.cures and len(one.fixes) == 1:
            yield f"{one.name}: not by itself ({one.why})"


def row(one: Tried) -> dict[str, Any]:
    """For machines."""
    return {
        "fixes": [fix.name for fix in one.fixes],
        "cures": one.cures,
        "only_hides": one.cures and one.hides,
        "survives": dict(one.survives),
        "cannot_survive": [fix.limits for fix in one.fixes if fix.limits],
        "why_not": one.why,
    }
