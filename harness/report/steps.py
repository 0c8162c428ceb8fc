"""An observation as the steps it was: who turned to whom, with what, and how it went.

    browser -> nginx -> A -> A's disk, S3, ... -> browser

The terminal tells these steps, the HTML report draws them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.observe import Observation

LONG_ID = re.compile(r"\b[0-9a-f]{32}\b")
BROWSER, BALANCER = "browser", "nginx"


@dataclass(frozen=True)
class Step:
    """One arrow: ``good`` is False where something was missing or failed, None where it says nothing."""

    source: str
    target: str
    text: str
    good: bool | None = None


def steps(seen: Observation) -> Iterator[Step]:
    """The steps of one request, in the order they were taken."""
    yield Step(BROWSER, BALANCER, f"{seen.method} {seen.path} ({seen.label})")
    if seen.instance is None:
        yield Step(BALANCER, BROWSER, f"{seen.status or seen.error}: nobody served it", good=False)
        return
    served = seen.instance
    how = f"pinned to {seen.pinned}" if seen.pinned else f"chose {seen.served_by}"
    yield Step(BALANCER, served, f"worker {seen.worker}, {how}")
    yield from _session(served, seen.evidence.get("session") or {})
    copies, looks = list(_copies(seen)), list(_looks(served, seen))
    if copies and looks:  # only a miss makes an instance ask its peers
        yield replace(looks[0], text=looks[0].text.rpartition(": ")[0] + ": not found", good=False)
        yield from copies
        copies = []
        looks = [replace(look, text=f"looks again: {_found(look.good)}") for look in looks]
    yield from looks
    for event in seen.evidence.get("storage") or []:
        if event.get("op") in ("read", "write"):
            missing = event["op"] == "read" and not event.get("found")
            text = f"{event['op']}s {event['where']}" + (": not found" if missing else "")
            yield Step(served, store(event["where"]), text, good=not missing)
    yield from copies
    for call in seen.evidence.get("llm") or []:
        said = call.get("error") or ", ".join(call.get("tool_calls") or []) or "an answer in words"
        yield Step(served, "LLM", f"asks the model: {said}", good=call.get("error") is None)
    said = shortened(seen.text, 90) + _claims(seen)
    good = None if seen.status is not None and seen.status < 400 else False  # 200 says nothing
    yield Step(served, BROWSER, " ".join(filter(None, (str(seen.status), workflow(seen), said))), good)


def _session(served: str, session: Mapping[str, Any]) -> Iterator[Step]:
    """Where the session of a cookie was looked for; a client without a cookie has none to look for."""
    if not session.get("cookie_sent") or session.get("source") == "none":
        return
    where = {"redis": "Redis", "filesystem": f"{served}'s disk"}.get(str(session.get("strategy")), served)
    known = session.get("source") == "cookie"
    text = "known" if known else "not known, begins a new one"
    yield Step(served, where, f"looks for the session of the cookie: {text}", known)


def _looks(served: str, seen: Observation) -> Iterator[Step]:
    """What was looked at to tell which workflow is meant."""
    for look in (seen.evidence.get("mode") or {}).get("looked_at") or []:
        target = store(look["where"]) if look.get("what") == "flag" else served
        found = bool(look["found"])
        yield Step(served, target, f"looks for {look['what']} {look['where']}: {_found(found)}", found)


def _copies(seen: Observation) -> Iterator[Step]:
    """The commands of instance sync, each to one peer."""
    for event in seen.evidence.get("sync") or []:
        copy = f" {event['source']} -> {event['target']}" if event.get("target") else ""
        yield Step(
            str(seen.instance), event["peer"], f"{event['what']}{copy}: {event['outcome']}", bool(event["ok"])
        )


def _claims(seen: Observation) -> str:
    """What the answer to an upload says of its copies, which need not be so."""
    claims = [f"{copy.get('place')}: {copy.get('outcome')}" for copy in seen.value("copies") or []]
    return f" (copies: {', '.join(claims)})" if claims else ""


def store(location: str) -> str:
    """The component a location of the evidence lies in: A's disk, S3, shared files."""
    scheme, _, _ = location.partition(":/")
    return {"s3": "S3", "shared-files": "shared files"}.get(scheme, f"{scheme}'s disk")


def workflow(seen: Observation) -> str:
    """Which workflow answered, for people; empty for a request that has none."""
    return {"normal": "normal workflow:", "data-analysis": "Data Analysis:"}.get(
        str(seen.value("workflow")), ""
    )


def brief(text: str) -> str:
    """Long ids cut to their first digits, for people."""
    return LONG_ID.sub(lambda found: f"{found[0][:6]}…", text)


def shortened(text: str, length: int = 110) -> str:
    """One line of at most ``length`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1]}…"


def _found(found: bool | None) -> str:
    return "found" if found else "not found"
