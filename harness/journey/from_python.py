"""Reads a journey written in Python: ``def journey(client)``, or a list ``JOURNEY`` of requests."""

from __future__ import annotations

import ast
import importlib.util
import traceback
from pathlib import Path

from harness.errors import HarnessError
from harness.journey.model import RANDOM, Journey, Request


def read(path: Path) -> Journey:
    """The journey of a Python file, which is run. Raises HarnessError; see ``reading.load``."""
    spec = importlib.util.spec_from_file_location(f"journey_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except OSError as error:
        raise HarnessError(f"{path}: cannot be read: {error.strerror}") from error
    except SyntaxError as error:
        raise HarnessError(f"{path}:{error.lineno}: {error.msg}: {(error.text or '').strip()}") from error
    except Exception as error:  # whatever the author's code raises
        raise HarnessError(f"{path}:{_line(error, path)}: {type(error).__name__}: {error}") from error
    story, requests = getattr(module, "journey", None), getattr(module, "JOURNEY", None)
    if callable(story):
        return Journey(path.stem, story=story, source=path)
    if requests is None:
        raise HarnessError(f"{path}: neither a function journey(client) nor a list JOURNEY of requests")
    _check(path, requests)
    return Journey(path.stem, tuple(requests), source=path)


def _check(path: Path, requests: object) -> None:
    if not isinstance(requests, list | tuple) or not requests:
        raise HarnessError(f"{path}: JOURNEY: {requests!r} is not a list of harness.journey.Request")
    known = {RANDOM}
    for number, request in enumerate(requests):
        line = _line_of(path, number)
        place = f"{path}{f':{line}' if line else ''}: JOURNEY[{number}]"
        if not isinstance(request, Request):
            raise HarnessError(f"{place}: {request!r} is not a harness.journey.Request")
        if missing := sorted(request.names - known - {capture.name for capture in request.captures}):
            raise HarnessError(
                f"{place}: {{{{{missing[0]}}}}} is not known here: {', '.join(sorted(known))} are"
            )
        known |= {capture.name for capture in request.captures}


def _line_of(path: Path, number: int) -> int | None:
    """The line of a request that stands in ``JOURNEY = [...]``; None where the list is made otherwise."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List | ast.Tuple):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if "JOURNEY" in names and number < len(node.value.elts):
                return node.value.elts[number].lineno
    return None


def _line(error: Exception, path: Path) -> int:
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno or 0 for frame in reversed(frames) if Path(frame.filename) == path), 0)
