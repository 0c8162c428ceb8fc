"""A difference as a test for pytest: it fails while the app differs, and passes when it is cured."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

from harness.anyapp import AnyApp
from harness.explore.answer import sentence
from harness.explore.search import Found

TEMPLATE = '''\
"""{sentence}.

Made by harness explore. It runs where the app's folder is the current one, and passes when two
instances answer as one does.
"""

{imports}

APP = {app}
JOURNEY = {journey}
ROUTING = {routing}


def test_{name}() -> None:
    assert difference(APP, JOURNEY, ROUTING{options}) is None
'''


def module(found: Found, app: AnyApp, workers: int = 1) -> str:
    """The text of the test's file."""
    journey = dataclasses.replace(found.journey, source=None)
    text = _literal(journey)
    if found.journey.story is not None:
        text = f"load(Path({_relative(found.journey.source)!r}))"
    routing, told = _literal(found.routing), sentence(found)
    called = _literal(app)
    used = f"{called} {text} {routing}"
    modules = {
        "pathlib": ["Path"],
        "harness.anyapp": ["AnyApp"],
        "harness.explore": ["difference"],
        "harness.explore.routing": ["Event", "Routing"],
        "harness.journey": ["Assertion", "Capture", "Journey", "Place", "Request", "Upload", "load"],
    }
    imports = []
    for name, parts in modules.items():
        needed = [part for part in parts if f"{part}(" in used or part == "difference"]
        if needed:
            imports.append(f"from {name} import {', '.join(needed)}" + "\n" * (name == "pathlib"))
    return TEMPLATE.format(
        sentence=told.replace("\\", "\\\\").replace('"', "'"),
        imports="\n".join(imports),
        app=called,
        journey=text,
        routing=routing,
        name=re.sub(r"\W+", "_", told.partition(":")[0].lower()).strip("_")[:80],
        options=("" if workers == 1 else f", workers={workers}") + (", fresh=True" if found.fresh else ""),
    )


def _literal(value: Any, indent: str = "") -> str:
    """Python for a value: dataclasses by the fields that are not at their defaults, one a line."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        inner, parts = indent + "    ", []
        for field in dataclasses.fields(value):
            found = getattr(value, field.name)
            make = field.default_factory
            default = field.default if make is dataclasses.MISSING else make()
            if found != default and not (field.name == "line" or found is None):
                parts.append(f"{inner}{field.name}={_literal(found, inner)},\n")
        return f"{type(value).__name__}(\n{''.join(parts)}{indent})"
    if isinstance(value, tuple) and value and dataclasses.is_dataclass(value[0]):
        inner = indent + "    "
        return "(\n" + "".join(f"{inner}{_literal(one, inner)},\n" for one in value) + f"{indent})"
    if isinstance(value, Path):
        return f"Path({_relative(value)!r})"
    return repr(value)


def _relative(path: Path | None) -> str:
    """From the current folder where it lies in there, so that the test works elsewhere, too."""
    assert path is not None
    full = path.resolve()
    return str(full.relative_to(Path.cwd())) if full.is_relative_to(Path.cwd()) else str(full)
