"""The journey that a package of scenarios has for load: its ``LOAD``."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import cast

from harness import project
from harness.errors import HarnessError
from harness.load.visit import Visit

Journey = Callable[[Visit], None]


def of(package: str) -> Journey:
    """The package's ``LOAD``: a function that makes one visit.

    Raises:
        HarnessError: no such package, or none in it.
    """
    project.load(package)
    found = getattr(importlib.import_module(package), "LOAD", None)
    if not callable(found):
        raise HarnessError(f"--scenarios {package}: has no LOAD, a function of a visit (docs/load.md)")
    return cast(Journey, found)
