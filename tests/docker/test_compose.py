"""docker/compose.yaml: every profile is valid, says nothing secret, and one of them is brought up."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import project
from harness.errors import PartMissing
from harness.runtimes.docker import compose
from harness.scenario import play

ROOT = Path(__file__).parents[2]
PROFILES = {
    "baseline": "baseline",
    "sticky": "sticky",
    "efs": "efs",
    "s3": "s3",
    "redis": "s3-redis",
    "instance-sync": "sync-repaired",
    "single": "single",
    "vllm": "baseline",
}
MODULE = "harness.runtimes.docker.by_compose"
SECRETS = {"SECRET_KEY": "a" * 40, "AWS_ACCESS_KEY_ID": "AKtest", "AWS_SECRET_ACCESS_KEY": "b" * 40}
BASES = {"BASE_IMAGE": "base", "BUILD_IMAGE": "build", "VLLM_IMAGE": "vllm"}


@pytest.fixture(scope="module")
def command():
    try:
        return compose.command()
    except PartMissing as error:
        pytest.skip(str(error))


@pytest.fixture
def run(command):
    """``docker compose`` with a profile and these variables."""

    def run(*arguments, profile, environment):
        inherited = {key: value for key, value in os.environ.items() if key != "COMPOSE_PROFILES"}
        words = [*command, "-f", str(compose.FILE), "--profile", profile, *arguments]
        environment = {**inherited, **environment}
        return subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.fixture(params=PROFILES)
def config(request, run):
    done = run("config", "--format", "json", profile=request.param, environment=BASES | SECRETS)
    assert done.returncode == 0, done.stderr
    return request.param, json.loads(done.stdout)


def test_a_profile_is_a_topology_behind_one_balancer(config):
    profile, found = config
    plan = project.load().plan
    topology = plan.topology(PROFILES[profile])
    published = [port for one in found["services"].values() for port in one.get("ports", ())]
    assert [(port["host_ip"], port["published"]) for port in published] == [("127.0.0.1", "8080")]
    commands = [one["command"][3:] for one in found["services"].values() if one["command"][2:3] == [MODULE]]
    instances = [command[1:] for command in commands if command[0] == "instance"]
    assert [name for _, name in instances] == list(topology.instance_names)
    assert all(plan.app.chosen(plan.topology(name)) == plan.app.chosen(topology) for name, _ in instances)
    ((_, balancer),) = [command for command in commands if command[0] == "balancer"]
    assert plan.topology(balancer).affinity == topology.affinity
    assert plan.topology(balancer).instances == topology.instances


def test_only_what_needs_it_may_write_or_do_more(config):
    profile, found = config
    for name, one in found["services"].items():
        if name != "vllm":
            assert (one["read_only"], one["cap_drop"]) == (True, ["ALL"]), (profile, name)


def test_vllm_calls_tools_on_a_gpu(run):
    done = run(
        "config",
        "--format",
        "json",
        profile="vllm",
        environment=BASES | SECRETS | {"VLLM_MODEL": "some/model", "HF_TOKEN": "t"},
    )
    assert done.returncode == 0, done.stderr
    vllm = json.loads(done.stdout)["services"]["vllm"]
    assert {"--enable-auto-tool-choice", "--tool-call-parser=llama3_json", "--model=some/model"} <= set(
        vllm["command"]
    )
    assert any(word.startswith("--chat-template=") for word in vllm["command"])
    assert vllm["environment"]["HF_TOKEN"] == "t"
    (device,) = vllm["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]


def test_without_secrets_it_says_how_to_make_them(run):
    done = run("config", "--format", "json", profile="baseline", environment=BASES | {"SECRET_KEY": ""})
    assert done.returncode != 0
    assert "run docker/generate-env first" in done.stderr


def test_generated_secrets_are_new_and_ours_alone(tmp_path):
    found = []
    for folder in (tmp_path / "one", tmp_path / "two"):
        folder.mkdir()
        for name in ("generate-env", "images.env"):
            shutil.copy(ROOT / "docker" / name, folder)
        subprocess.run([folder / "generate-env"], check=True, capture_output=True)
        assert (folder / ".env").stat().st_mode & 0o777 == 0o600
        found.append(dict(line.split("=", 1) for line in (folder / ".env").read_text().splitlines()))
    assert {*SECRETS, *BASES, "COMPOSE_PROFILES"} == set(found[0])
    assert all(found[0][name] != found[1][name] for name in SECRETS)


@pytest.mark.parametrize("profile", ["redis", "instance-sync"])
def test_what_people_get_answers_from_the_upload(profile, client, command, tmp_path):
    """Up, two requests, each to another instance, down: with the most services, and with sshd."""
    known = project.load()
    compose.prepare(client)
    with compose.up(client, known.plan.topology(PROFILES[profile]), profile, tmp_path) as composed:
        shown = play(known.journey, composed)
    assert shown.holds, shown.failure
    assert {seen.instance for seen in shown.observations} == {"A", "B"}
