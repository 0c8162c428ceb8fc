"""What a topology says, filled in for a runtime: services, environment, what one instance has alone.

A name in braces, as ``{s3_url}``, stands for what the runtime has brought up.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from harness.errors import HarnessError
from harness.services import llm
from harness.settings import Own
from harness.topology import Plan, Topology


class RedisServer(Protocol):
    """A Redis that instances reach."""

    @property
    def url(self) -> str: ...
    @property
    def socket(self) -> Path: ...


class ObjectStore(Protocol):
    """An S3 endpoint that instances reach."""

    @property
    def s3_url(self) -> str: ...
    @property
    def access_key(self) -> str: ...
    @property
    def secret_key(self) -> str: ...
    def make_bucket(self, name: str) -> None: ...


def stores(
    topology: Topology, tenant: str, redis: Callable[[], RedisServer], s3: Callable[[], ObjectStore]
) -> tuple[dict[str, str], dict[str, str]]:
    """The Redis and S3 of a topology, started if it needs them, with a place of its own in each.

    Args:
        tenant: name of that place.

    Returns:
        Values to fill in; prefixes of locations, and what they are for people.
    """
    values: dict[str, str] = {}
    names: dict[str, str] = {}
    if "redis" in topology.needs:
        server = redis()
        values |= {"redis_url": server.url, "redis_prefix": f"{tenant}:", "redis_socket": str(server.socket)}
    if "s3" in topology.needs:
        store, bucket = s3(), tenant.lower().replace("_", "-")
        store.make_bucket(bucket)
        if any("{s3_other_bucket}" in text for env in topology.env.values() for text in env.values()):
            store.make_bucket(f"{bucket}-other")
            names[f"s3://{bucket}-other/"] = "s3://other-uploads/"
        values |= {"s3_url": store.s3_url, "s3_bucket": bucket, "s3_other_bucket": f"{bucket}-other"}
        values |= {"s3_access_key": store.access_key, "s3_secret_key": store.secret_key}
        names[f"s3://{bucket}/"] = "s3://uploads/"
    return values, names


def model(server: llm.LLM) -> dict[str, str]:
    """Where the model is."""
    return {"llm_url": server.base_url, "llm_key": server.api_key, "llm_model": server.model}


def environment(plan: Plan, topology: Topology, instance: str, values: Mapping[str, str]) -> dict[str, str]:
    """The instance's environment: the app's, its strategies', then the topology's extra."""
    env = dict(plan.app.env)
    for strategy in plan.app.chosen(topology):
        env.update(strategy.env)
    env.update(topology.env.get(instance, {}))
    return {key: filled(f"env {key}", text, values, plan) for key, text in env.items()}


def peers(topology: Topology, instance: str) -> str:
    """The other instances' names."""
    return ",".join(name for name in topology.instance_names if name != instance)


def own(plan: Plan, instance: str, what: Own, values: Mapping[str, str]) -> Own:
    """What the instance has alone, with its paths and commands filled in."""

    def all_filled(texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(filled(f"own.{instance}", text, values, plan) for text in texts)

    (code,) = all_filled((what.code,))
    before, after, jobs = all_filled(what.before), all_filled(what.after), all_filled(what.jobs)
    return replace(what, code=code, before=before, after=after, jobs=jobs)


def gunicorn(settings: Mapping[str, int], what: Own, wsgi: str) -> dict[str, str]:
    """What ``gunicorn_conf`` reads of its environment."""
    return {
        "HARNESS_GUNICORN": json.dumps({**settings, **what.gunicorn}),
        "HARNESS_MISSING": " ".join(what.missing),
        "HARNESS_CODE": what.code,
        "HARNESS_PACKAGE": wsgi.partition(":")[0].partition(".")[0],
    }


def filled(what: str, text: str, values: Mapping[str, str], plan: Plan) -> str:
    """A text with its names filled in.

    Raises:
        HarnessError: it names something that is not there; the message lists what is.
    """
    try:
        return text.format_map(values)
    except (KeyError, ValueError, IndexError) as error:
        raise HarnessError(
            f"{plan.path}: {what}: cannot fill in {text!r} ({error}); known here: {', '.join(sorted(values))}"
        ) from error
