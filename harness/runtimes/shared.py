"""Services that carry no state between cells: started once a run, on first need, for every deployment.

Deployments do not meet in them: each has a bucket, a tree of files, a prefix of keys and an API key of
its own.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Generic, TypeVar

from harness import ports, processes
from harness.services import llm, redis, seaweedfs, sshd
from harness.workshop import Workshop

Part = TypeVar("Part")

_PRELOAD = (
    "gunicorn.app.wsgiapp",
    "gunicorn.workers.sync",
    "gunicorn.glogging",
    "harness.services.scripted_llm.__main__",
)


class Once(Generic[Part]):
    """Starts a service when it is first asked for; who asks meanwhile waits."""

    def __init__(
        self, stack: contextlib.ExitStack, start: Callable[[], AbstractContextManager[Part]]
    ) -> None:
        self._stack, self._start = stack, start
        self._lock = threading.Lock()
        self._running: list[Part] = []

    def __call__(self) -> Part:
        with self._lock:
            if not self._running:
                self._running.append(self._stack.enter_context(self._start()))
            return self._running[0]


class SharedServices:
    """What the deployments of a run share; a context manager that ends all of it.

    Args:
        workshop: where everything lives, and who cleans up.
        preload: modules that instances find imported already.
        cold: start each Python process from nothing instead of forking it from a warm parent.
        llm_url: an OpenAI-compatible endpoint to use in place of the scripted one.
    """

    def __init__(
        self,
        workshop: Workshop,
        *,
        preload: Sequence[str] = (),
        cold: bool = False,
        llm_url: str | None = None,
    ) -> None:
        self.workshop = workshop
        self.launcher = processes.PythonLauncher(workshop.root, warm=not cold, preload=[*preload, *_PRELOAD])
        endpoint = llm.external(llm_url) if llm_url else None
        self._stack = stack = contextlib.ExitStack()

        def model() -> AbstractContextManager[llm.LLM]:
            if endpoint is not None:
                return contextlib.nullcontext(endpoint)
            return llm.running(self.launcher, workshop.folder("llm"))

        self.llm = Once(stack, model)
        self.redis = Once(stack, lambda: redis.running(workshop.folder("redis")))
        self.seaweedfs = Once(stack, lambda: seaweedfs.running(workshop.folder("weed"), workshop))
        self.keys = Once(stack, lambda: contextlib.nullcontext(sshd.make_keys(workshop.folder("keys"))))
        self.unreachable = Once(stack, ports.unreachable)

    def __enter__(self) -> SharedServices:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
