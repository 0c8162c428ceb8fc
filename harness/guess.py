"""Guesses from an app's files how to run it: the framework, and the command that listens on an address."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

NOT_THE_APP = {"tests", "test", "venv", "env", "node_modules", "site-packages", "build", "dist", "migrations"}
MAX_DEPTH = 3
STREAMLIT = {
    "STREAMLIT_SERVER_ADDRESS": "{host}",
    "STREAMLIT_SERVER_PORT": "{port}",
    "STREAMLIT_SERVER_HEADLESS": "true",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
}
GRADIO = {
    "GRADIO_SERVER_NAME": "{host}",
    "GRADIO_SERVER_PORT": "{port}",
    "GRADIO_ANALYTICS_ENABLED": "False",
}
ASGI = {"FastAPI": "FastAPI", "Starlette": "Starlette", "mount_gradio_app": "Gradio"}
"""Calls that give an ASGI app, and the framework."""
FIRST = ("app.py", "main.py", "wsgi.py", "asgi.py", "server.py")
"""Names of files that apps are usually in."""


@dataclass(frozen=True)
class Guess:
    """How an app may be run.

    Attributes:
        reason: what it was guessed from, for people.
        command, health, env, folder: as in ``harness.toml``.
    """

    framework: str
    reason: str
    command: str
    health: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    folder: str = "."


@dataclass(frozen=True)
class _Module:
    """A Python file: what it imports, and which names it gives to the results of which calls."""

    path: Path
    imports: frozenset[str]
    calls: Mapping[str, str]
    functions: frozenset[str]


def guess(folder: Path) -> Guess | None:
    """How to run what is in a folder; None where nothing is recognised."""
    if (folder / "manage.py").is_file():
        for found in sorted(folder.glob("*/wsgi.py")):
            command = f"gunicorn -b {{bind}} {found.parent.name}.wsgi:application"
            return Guess("Django", f"manage.py and {found.parent.name}/wsgi.py", command)
    modules = sorted(_modules(folder), key=lambda one: (len(one.path.parts), _order(one.path), one.path))
    for recognise in (_streamlit, _asgi, _gradio, _flask):
        for module in modules:
            if (known := recognise(module)) is not None:
                return known
    return _node(folder)


def _streamlit(module: _Module) -> Guess | None:
    if "streamlit" not in module.imports or "pages" in module.path.parts:
        return None
    reason = f"{module.path} imports streamlit"
    return Guess("Streamlit", reason, f"streamlit run {module.path}", "/_stcore/health", STREAMLIT)


def _gradio(module: _Module) -> Guess | None:
    if "gradio" not in module.imports:
        return None
    return Guess("Gradio", f"{module.path} imports gradio", f"{{python}} {module.path}", env=GRADIO)


def _asgi(module: _Module) -> Guess | None:
    for name, call in module.calls.items():
        if call in ASGI:
            place, folder = _dotted(module.path)
            command = f"uvicorn {place}:{name} --host {{host}} --port {{port}}"
            return Guess(ASGI[call], f"{module.path}: {name} = {call}(...)", command, folder=folder)
    return None


def _flask(module: _Module) -> Guess | None:
    place, folder = _dotted(module.path)
    for name, call in module.calls.items():
        if call == "Flask":
            reason = f"{module.path}: {name} = Flask(...)"
            return Guess("Flask", reason, f"gunicorn -b {{bind}} {place}:{name}", folder=folder)
    if "flask" in module.imports and "create_app" in module.functions:
        command = f"gunicorn -b {{bind}} '{place}:create_app()'"
        return Guess("Flask", f"{module.path}: create_app()", command, folder=folder)
    return None


def _node(folder: Path) -> Guess | None:
    try:
        package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    start = str(package.get("scripts", {}).get("start", ""))
    main = str(package.get("main", ""))
    if not start and not main:
        return None
    command = start if start.startswith("node ") else "npm start" if start else f"node {main}"
    reason = f"package.json: {'scripts.start' if start else 'main'}"
    return Guess("Node", reason, command.replace("{", "{{").replace("}", "}}"))


def _modules(folder: Path) -> Iterator[_Module]:
    for path in folder.rglob("*.py"):
        relative = path.relative_to(folder)
        around = relative.parts[:-1]
        if len(around) >= MAX_DEPTH or any(part in NOT_THE_APP or part.startswith(".") for part in around):
            continue
        if relative.name.startswith("test_"):
            continue
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError):
            continue
        yield _module(relative, tree)


def _module(path: Path, tree: ast.Module) -> _Module:
    imports: set[str] = set()
    calls: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            imports.add((node.module or "").partition(".")[0])
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            call = ast.unparse(node.value.func).rpartition(".")[2]
            calls |= {target.id: call for target in node.targets if isinstance(target, ast.Name)}
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return _Module(path, frozenset(imports), calls, frozenset(functions))


def _dotted(path: Path) -> tuple[str, str]:
    """The module's name, and the folder that it is imported from."""
    folder, parts = ".", path.with_suffix("").parts
    if parts[0] == "src":
        folder, parts = "src", parts[1:]
    return ".".join(part for part in parts if part != "__init__"), folder


def _order(path: Path) -> int:
    return FIRST.index(path.name) if path.name in FIRST else len(FIRST)
