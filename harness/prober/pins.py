"""What keeps a user on one backend: the connection, a cookie (which, for how long), HTTP/2; what does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.prober.backends import Backends
from harness.prober.confidence import Statement, without_a_miss
from harness.prober.wire import Sample


def keeps(topic: str, what: str, samples: Sequence[Sample], backends: Backends) -> Statement:
    """Whether requests that share something stay on one backend.

    Args:
        what: what they share, as the subject of a sentence: ``a kept connection``.
        samples: the first decides the backend, each further one is a trial.
    """
    served = [backends.of(sample.features) for sample in samples if sample.status]
    seen = [name for name in dict.fromkeys(served) if name]
    data: dict[str, Any] = {"served": served, "pins": None}
    told = "".join(name or "?" for name in served)
    if not seen or None in served:
        return Statement(topic, f"{what}: who answered cannot be seen in the answers", told, data=data)
    data["pins"] = len(seen) < len(backends.names)
    if len(seen) == 1:
        sure = without_a_miss(len(served) - 1, "another backend answers")
        return Statement(topic, f"{what} stays on one backend ({seen[0]})", sure, data=data)
    if data["pins"]:
        text = f"{what} stays on some of them ({', '.join(seen)}): workers of one instance, it seems"
        return Statement(topic, text, f"{len(samples)} requests: {told}", data=data)
    return Statement(
        topic, f"{what} does not stay on one backend", f"{len(samples)} requests: {told}", data=data
    )


def lasts(name: str, attributes: str) -> str:
    """How long a browser keeps a cookie, by its attributes (RFC 6265 section 4.1.2)."""
    found = {}
    for part in attributes.split(";"):
        key, _, value = part.strip().partition("=")
        found[key.lower()] = value
    if "max-age" in found:
        end = f"{found['max-age']} s after it was set (Max-Age)"
    elif "expires" in found:
        end = f"until {found['expires']} (Expires)"
    else:
        end = "until the browser is closed (no Max-Age, no Expires)"
    scope = f"path {found.get('path') or 'of the page'}"
    marks = [word for word in ("secure", "httponly") if word in found]
    site = f"SameSite={found['samesite']}" if "samesite" in found else "no SameSite"
    return f"cookie {name} is kept {end}; {', '.join([scope, *marks, site])}"


def after_idle(seconds: float, samples: Sequence[Sample], backends: Backends) -> Statement:
    """Whether the pin held over a pause. ``samples``: the one before it and the one after it."""
    before, after = (backends.of(sample.features) for sample in samples)
    if before is None or after is None:
        return Statement("idle", "who answered cannot be seen in the answers", "one pause, one request")
    stays = before == after
    met = f"the same backend ({after})" if stays else f"{after} in place of {before}"
    text = f"after {seconds:g} s without a request the same user met {met}"
    return Statement("idle", text, "one pause, one request", data={"seconds": seconds, "stays": stays})
