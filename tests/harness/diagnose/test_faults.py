"""Fault files: what they mean, what is said about each mistake in one; and what plants them."""

import re
from pathlib import Path

import pytest

import scenarios
from harness import project
from harness.diagnose import faults
from harness.diagnose.causes import LAYERS
from harness.errors import HarnessError
from harness.services import AFFINITIES, nginx
from harness.settings import Nginx
from scenarios.more import MORE

FOLDER = Path(scenarios.__file__).parent / "faults"
KNOWN = project.load()
SCENARIOS = {**KNOWN.scenarios, **MORE}
GOOD = """
title = "Keys differ"
layer = "session"
cause = "S01"
on = "s3"
shown_by = "upload-a-chat-b"
user_sees = "logged out"
[plant.env.B]
SECRET_KEY = "another"
"""


@pytest.fixture
def load(tmp_path):
    """Write these lines into a fault's file and read it."""

    def read(text):
        (tmp_path / "keys.toml").write_text(text, encoding="utf-8")
        return faults.load(tmp_path, KNOWN.plan, SCENARIOS)["keys"]

    return read


def test_the_project_s_faults_are_valid():
    found = faults.load(FOLDER, KNOWN.plan, SCENARIOS)
    assert found
    assert all(fault.layer in LAYERS for fault in found.values())


def test_a_fault_changes_what_it_plants_and_nothing_else(load):
    fault = load(GOOD)
    assert fault.healthy == KNOWN.plan.topology("s3")
    assert fault.planted.env == {"B": {"SECRET_KEY": "another"}}
    assert faults.changed(KNOWN.plan, fault.planted, faults.Table(FOLDER, "", {}), ["env"]) == fault.healthy


def test_what_is_given_is_no_part_of_the_fault(load):
    fault = load(GOOD + '[given]\nllm = "timeout"\n[given.env.B]\nLLM_TIMEOUT_SECONDS = "1"\n')
    assert fault.healthy.llm == fault.planted.llm == "timeout"
    assert fault.planted.env["B"] == {"LLM_TIMEOUT_SECONDS": "1", "SECRET_KEY": "another"}


def test_a_key_can_be_taken_out(load):
    fault = load(GOOD + '[given.env.B]\nX = "1"\n[given.env.A]\nX = "1"\n')
    text = GOOD.replace("[plant", 'without = ["env.*.X"]\n[plant') + '[given.env.B]\nX = "1"\n'
    assert fault.planted.env["A"] == {"X": "1"}
    assert load(text).planted.env == {"B": {"SECRET_KEY": "another"}}


@pytest.mark.parametrize(
    ("was", "becomes", "found"),
    [
        ('"session"', '"sessions"', "layer: 'sessions' is not an allowed value (did you mean 'session'?)"),
        ('"S01"', '"S99"', "cause: 'S99' is not an allowed value"),
        ('"s3"', '"s4"', "on: 's4' is not an allowed value"),
        ('"upload-a-chat-b"', '"upload"', "shown_by: 'upload' is not an allowed value"),
        ('"s3"', '"single"', "plant.env: 'B' is not an allowed value"),
        ("SECRET_KEY = ", "SECRET_KEY = 1 #", "plant.env.B.SECRET_KEY: 1: environment values are strings"),
        ("[plant.env.B]\nSECRET_KEY", "[plant]\nsekret", "plant.sekret: 'sekret' is not an allowed key"),
        ("[plant.env.B]\nSECRET_KEY", "[plant.own.B]\nlllm", "plant.own.B.lllm: 'lllm' is not an"),
        ('SECRET_KEY = "another"', "", "plant: changes nothing of topology s3"),
        ("[plant.env.B]\nSECRET_KEY", "[plant.nginx]\nbody_limit", "body_limit: 'a;b' cannot stand"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_what_is_allowed(load, was, becomes, found):
    text = GOOD.replace(was, becomes)
    if "body_limit" in becomes:
        text = text.replace('"another"', '"a;b"')
    with pytest.raises(HarnessError, match=re.escape(found)):
        load(text)


def test_lines_of_nginx_conf_are_where_they_belong(tmp_path):
    lines = Nginx(
        body_limit="1m", header_buffer="1k", answer_buffer="1k", retry="off", rate="5r/s", cache="10s",
        sticky="expires=1s path=/", cookie_flags="one secure", cookie_path="/api/", strips=("Cookie",),
        hides=("Set-Cookie",), servers={"A": "weight=2"}, stale=("B",), routes={"/api/": "B"},
    )  # fmt: skip
    upstreams = [nginx.Upstream(name, port, ()) for name, port in (("A", 1001), ("B", 1002))]
    text = nginx.configuration("t", AFFINITIES["sticky-cookie"], upstreams, 1000, 5, lines)
    for line in (
        "client_max_body_size 1m;", "large_client_header_buffers 1 1k;", "proxy_buffer_size 1k;",
        "proxy_next_upstream off;", "rate=5r/s;", "proxy_cache_valid 200 10s;",
        "proxy_cookie_flags one secure;", 'proxy_set_header Cookie "";',
        "sticky cookie AWSALB expires=1s path=/;", "proxy_cookie_path / /api/;",
        "proxy_hide_header Set-Cookie;", "server 127.0.0.1:1001 weight=2;", "server 127.0.0.1:9;",
        '"~^/api/" instance_B;', "default $balancer;",
    ):  # fmt: skip
        assert line in text
