"""The model server of a deployment: the scripted one, or any OpenAI-compatible endpoint."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import requests

from harness import ports, processes
from harness.errors import HarnessError

MODEL = "meta-llama/Llama-3.1-8B-Instruct"


@dataclass(frozen=True)
class LLM:
    """Where the app finds its model; ``child`` is None for an endpoint that is not ours."""

    base_url: str
    api_key: str
    model: str
    child: processes.Child | None = None

    def set_fault(self, fault: str) -> None:
        """Switch a misconfiguration of the scripted server on, or off with ``none``.

        Raises:
            HarnessError: the endpoint is not ours to misconfigure, or refuses the fault.
        """
        if self.child is None:
            raise HarnessError(f"{self.base_url}: only the scripted LLM can be misconfigured")
        control = self.base_url.removesuffix("/v1") + "/control/fault"
        answer = requests.put(control, json={"fault": fault}, timeout=10)
        if answer.status_code != 200:
            raise HarnessError(f"scripted LLM: {answer.text.strip()}")

    def wait_ready(self) -> None:
        """Return when the scripted server answers; an endpoint that is not ours is taken as it is."""
        if self.child is not None:
            health = self.base_url.removesuffix("/v1") + "/health"
            processes.wait_ready(self.child, lambda: requests.get(health, timeout=5).status_code == 200)


def start(launcher: processes.PythonLauncher, folder: Path, fault: str) -> LLM:
    """Start the scripted server; ``wait_ready`` tells when it answers."""
    port = ports.reserve_port()
    child = launcher.start(
        "scripted LLM",
        "harness.services.scripted_llm",
        ["--port", str(port), "--model", MODEL, "--fault", fault],
        cwd=folder,
        log=folder / "llm.log",
        env={},
    )
    return LLM(f"http://127.0.0.1:{port}/v1", "not-needed", MODEL, child)


def external(base_url: str) -> LLM:
    """An endpoint that somebody else runs; key and model by OPENAI_API_KEY and OPENAI_MODEL.

    Raises:
        HarnessError: the URL or the model is missing or malformed, or nothing answers there.
    """
    if not base_url.startswith(("http://", "https://")):
        raise HarnessError(f"--llm: {base_url!r} is not an http(s) URL, e.g. http://127.0.0.1:8000/v1")
    if not (model := os.environ.get("OPENAI_MODEL")):
        raise HarnessError("OPENAI_MODEL: not set; --llm needs the name of the model at that endpoint")
    found = LLM(base_url.rstrip("/"), os.environ.get("OPENAI_API_KEY", "not-needed"), model)
    try:  # any answer will do: what the model server is worth, the scenarios find out
        requests.get(f"{found.base_url}/models", timeout=10)
    except requests.RequestException as error:
        raise HarnessError(f"--llm: {base_url!r} cannot be reached ({type(error).__name__})") from error
    return found
