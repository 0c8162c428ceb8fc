"""The model server of a deployment: the scripted one, or any OpenAI-compatible endpoint."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import requests

from harness import ports, processes
from harness.errors import HarnessError

MODEL = "meta-llama/Llama-3.1-8B-Instruct"


@dataclass(frozen=True)
class LLM:
    """Where an app finds its model; ``scripted`` is False for an endpoint that is not ours.

    ``control`` is the scripted server's own address, where this machine sees it at another than the app.

    One scripted server serves many deployments: each has a key of its own, by which the server knows
    whose misconfiguration to show.
    """

    base_url: str
    api_key: str
    model: str
    scripted: bool = False
    control: str = ""

    def set_fault(self, fault: str) -> None:
        """Switch a misconfiguration on for this key, or off with ``none``.

        Raises:
            HarnessError: the endpoint is not ours to misconfigure, or refuses the fault.
        """
        if not self.scripted:
            raise HarnessError(f"{self.base_url}: only the scripted LLM can be misconfigured")
        control = (self.control or self.base_url.removesuffix("/v1")) + "/control/fault"
        headers = {"Authorization": f"Bearer {self.api_key}"}
        answer = requests.put(control, json={"fault": fault}, headers=headers, timeout=10)
        if answer.status_code != 200:
            raise HarnessError(f"scripted LLM: {answer.text.strip()}")

    def tenant(self, fault: str = "none") -> LLM:
        """The same server for another deployment, under a key of its own.

        Raises:
            HarnessError: as ``set_fault``.
        """
        tenant = replace(self, api_key=f"scripted-{secrets.token_hex(8)}") if self.scripted else self
        if fault != "none":
            tenant.set_fault(fault)
        return tenant


@contextlib.contextmanager
def running(launcher: processes.PythonLauncher, folder: Path, fault: str = "none") -> Iterator[LLM]:
    """The scripted server, from the moment that it answers; ``fault`` holds for keys without their own."""
    with ports.reserved() as port:
        child = launcher.start(
            "scripted LLM",
            "harness.services.scripted_llm",
            ["--port", str(port), "--model", MODEL, "--fault", fault],
            cwd=folder,
            log=folder / "llm.log",
            env={},
        )
        with processes.running(child):
            processes.wait_ready(child, lambda: ports.answers(port))
            yield LLM(f"http://127.0.0.1:{port}/v1", "not-needed", MODEL, scripted=True)


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
