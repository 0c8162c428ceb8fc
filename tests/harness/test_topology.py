"""The topologies file: what it means, and what is said about each mistake in it."""

import re
from pathlib import Path

import pytest

import scenarios
from harness import topology
from harness.errors import HarnessError
from harness.topology import Strategy

APP = """
[app]
wsgi = "shop:app"
needs = ["llm"]
[app.env]
KEY = "value"
[app.session.cookie]
[app.session.redis]
needs = ["redis", "llm"]
env = { URL = "{redis_url}" }
[app.storage.disk]
[app.storage.s3]
needs = ["s3"]
[app.mode.flag]
[app.affinity.app-cookie]
env = { STICKY = "on" }
"""
PLAIN = 'session = "cookie"\nstorage = "disk"\nmode = "flag"\n'
TWO = APP + "[topology.two]\n" + PLAIN


@pytest.fixture
def load(tmp_path):
    """Write these lines into topologies.toml and read it."""

    def read(text):
        (tmp_path / "topologies.toml").write_text(text, encoding="utf-8")
        return topology.load(tmp_path / "topologies.toml")

    return read


def test_the_project_has_its_topologies():
    plan = topology.load(Path(scenarios.__file__).parent / "topologies.toml")
    assert list(plan.topologies) == [
        "baseline", "single", "app-cookie", "filesystem-sessions", "sync-as-it-was", "sync-repaired",
        "sticky", "ip-hash", "memory-sessions", "redis-sessions", "efs", "s3", "s3-redis",
        "sync-other-fleet", "sync-no-session-folder", "sync-skips-dotfiles", "sync-flag-decides",
        "sync-swallows-outcome", "sync-dead-peer", "sync-ssh-asks",
    ]  # fmt: skip
    assert plan.topology("s3-redis").needs == ("llm", "redis", "s3")
    assert plan.topology("efs").needs == ("llm", "shared-files")
    assert plan.topology("sync-repaired").needs == ("llm", "ssh")


def test_what_is_not_said_has_a_default(load):
    two = load(TWO).topology("two")
    assert (two.title, two.instances, two.workers, two.affinity, two.sync, two.llm, two.env) == (
        "two", 2, 2, "round-robin", "none", "none", {},
    )  # fmt: skip
    assert two.instance_names == ("A", "B")


def test_what_is_said_counts(load):
    text = TWO + 'title = "Two"\ninstances = 3\nworkers = 1\naffinity = "ip-hash"\nllm = "invent"\n'
    text += 'idle_timeout = 5\nscenarios = ["ask"]\n'
    plan = load(text + '[topology.two.env.C]\nREGION = "elsewhere"')
    two = plan.topology("two")
    assert (two.title, two.instances, two.workers, two.affinity, two.llm) == (
        "Two",
        3,
        1,
        "ip-hash",
        "invent",
    )
    assert two.env == {"C": {"REGION": "elsewhere"}}
    assert two.instance_names == ("A", "B", "C")
    assert (two.idle_timeout, two.scenarios) == (5, ("ask",))
    assert (plan.app.ready, plan.app.env) == ("/", {"KEY": "value"})


def test_a_topology_combines_the_strategies_of_its_app(load):
    text = '[topology.x]\nsession = "redis"\nstorage = "s3"\nmode = "flag"\naffinity = "app-cookie"'
    plan = load(APP + text)
    assert plan.app.chosen(plan.topology("x")) == [
        Strategy({"URL": "{redis_url}"}, ("redis", "llm")),
        Strategy(needs=("s3",)),
        Strategy(),
        Strategy(),
        Strategy({"STICKY": "on"}),
    ]
    assert plan.topology("x").needs == ("llm", "redis", "s3")


def test_an_unknown_topology_is_told_what_there_is(load):
    with pytest.raises(HarnessError, match=r"topologies\.toml: topology: 'too' .*mean 'two'.*allowed: two$"):
        load(TWO).topology("too")


NUMBER = "is not a whole number from 1 to"
BAD = {
    "key of the file": (TWO + "[apps]", "apps: 'apps'", "'app'?); allowed: app, topology"),
    "key of app": (TWO.replace("wsgi", "wsgj"), "app.wsgj: 'wsgj' is not an allowed key", "mean 'wsgi'?"),
    "key of a strategy": (
        TWO.replace("[app.storage.disk]", "[app.storage.disk]\nneed = []"),
        "app.storage.disk.need: 'need'",
        "(did you mean 'needs'?); allowed: env, needs",
    ),
    "key of a topology": (
        TWO + "instnces = 2",
        "topology.two.instnces: 'instnces'",
        "(did you mean 'instances'?); allowed: title, instances, workers",
    ),
    "strategy": (
        TWO.replace('"disk"', '"disc"'),
        "topology.two.storage: 'disc'",
        "(did you mean 'disk'?); allowed: disk, s3",
    ),
    "strategy that is missing": (
        TWO.replace('mode = "flag"', ""),
        "topology.two.mode: missing",
        "a non-empty string is needed",
    ),
    "affinity": (
        TWO + 'affinity = "stick"',
        "topology.two.affinity: 'stick'",
        "allowed: round-robin, single,",
    ),
    "affinity of the app": (
        TWO + "[app.affinity.ip-hsh]",
        "app.affinity: 'ip-hsh'",
        "(did you mean 'ip-hash'?); allowed: round-robin",
    ),
    "LLM fault": (
        TWO + 'llm = "invents"',
        "topology.two.llm: 'invents'",
        "(did you mean 'invent'?); allowed",
    ),
    "service": (
        TWO.replace('["s3"]', '["shared-file"]'),
        "app.storage.s3.needs: 'shared-file'",
        "(did you mean 'shared-files'?); allowed: llm, redis, s3, ssh, shared-files",
    ),
    "service of the app": (TWO.replace('["llm"]', '["lm"]'), "app.needs: 'lm'", "(did you mean 'llm'?)"),
    "list": (TWO.replace('["llm"]', '"llm"'), "app.needs: 'llm'", "is not a list of strings"),
    "list of numbers": (TWO.replace('["llm"]', "[1]"), "app.needs: [1]", "is not a list of strings"),
    "wsgi": (TWO.replace("shop:app", "shop"), "app.wsgi: 'shop'", "is not of the form module:callable"),
    "wsgi that is missing": (TWO.replace('wsgi = "shop:app"', ""), "app.wsgi: missing", "non-empty string"),
    "empty title": (TWO + 'title = ""', "topology.two.title: ''", "a non-empty string is needed"),
    "number for a title": (TWO + "title = 7", "topology.two.title: 7", "a non-empty string is needed"),
    "no instance": (TWO + "instances = 0", "topology.two.instances: 0", f"{NUMBER} 8"),
    "nine instances": (TWO + "instances = 9", "topology.two.instances: 9", f"{NUMBER} 8"),
    "instances in words": (TWO + 'instances = "2"', "topology.two.instances: '2'", f"{NUMBER} 8"),
    "half an instance": (TWO + "instances = 1.5", "topology.two.instances: 1.5", f"{NUMBER} 8"),
    "true instances": (TWO + "instances = true", "topology.two.instances: True", f"{NUMBER} 8"),
    "17 workers": (TWO + "workers = 17", "topology.two.workers: 17", f"{NUMBER} 16"),
    "single with two": (
        TWO + 'affinity = "single"',
        "topology.two.affinity: 'single'",
        "goes with instances = 1, not 2; use round-robin",
    ),
    "env of nobody": (
        TWO + '[topology.two.env.C]\nX = "1"',
        "topology.two.env: 'C'",
        "is not an allowed value; allowed: A, B",
    ),
    "env without its instance": (
        TWO + '[topology.two.env]\nX = "1"',
        "topology.two.env.X: '1'",
        "not a table",
    ),
    "env with a number": (
        TWO + "[topology.two.env.B]\nX = 1",
        "topology.two.env.B.X: 1",
        "environment values are strings",
    ),
    "app that is no table": ("app = 1", "app: 1", "is not a table"),
    "topology that is no table": (APP + "[topology]\ntwo = 1", "topology.two: 1", "is not a table"),
    "no topology": (APP, "no [topology.NAME] table", "nothing to deploy"),
    "not TOML": ("[app]\nwsgi: 1", "not a TOML file", "line 2"),
}


@pytest.mark.parametrize(("text", "found", "allowed"), BAD.values(), ids=BAD)
def test_a_mistake_is_named_with_what_is_allowed(load, tmp_path, text, found, allowed):
    with pytest.raises(HarnessError) as error:
        load(text)
    said = str(error.value)
    assert re.match(rf"{re.escape(str(tmp_path))}/topologies\.toml(:\d+)?: {re.escape(found)}", said)
    assert allowed in said


def test_a_file_that_is_not_text(tmp_path):
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(HarnessError, match=r"binary\.toml: not a TOML file: .*decode"):
        topology.load(tmp_path / "binary.toml")


def test_a_file_that_is_not_there(tmp_path):
    path = tmp_path / "missing.toml"
    with pytest.raises(HarnessError, match=re.escape(f"{path}: cannot be read: No such file or directory")):
        topology.load(path)
