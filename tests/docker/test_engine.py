"""Which engine: DOCKER_HOST, contexts; and one line where none answers. Nothing here needs an engine."""

import json

import pytest

from harness.cli import cli
from harness.errors import PartMissing
from harness.runtimes.docker import engine


@pytest.fixture(autouse=True)
def nobodys_settings(monkeypatch, tmp_path):
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


def test_no_engine_is_one_line_and_exit_code_2(monkeypatch, tmp_path, capsys):
    from harness import cli as commands

    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")
    monkeypatch.setattr("sys.argv", ["harness", "run", "upload-then-chat", "--runtime", "docker"])
    monkeypatch.setattr("signal.signal", lambda *_: None)
    with pytest.raises(SystemExit) as end:
        commands.main()
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"no engine answers at unix://{tmp_path}/nobody.sock" in line
    assert "install it with: apt-get install docker.io" in line


def test_one_of_another_machine_cannot_be_reached(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "ssh://somebody@192.0.2.1")
    with pytest.raises(PartMissing, match=r"is on another machine"):
        engine.connect()


def context(folder, name, host):
    """As ``docker context create`` writes it: the folder is the sum of the name."""
    import hashlib

    meta = folder / "contexts/meta" / hashlib.sha256(name.encode()).hexdigest()
    meta.mkdir(parents=True)
    (folder / "config.json").write_text(
        "{}", encoding="utf-8"
    )  # docker-py looks for contexts beside it alone
    found = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}}}
    (meta / "meta.json").write_text(json.dumps(found), encoding="utf-8")


def test_a_context_is_followed(monkeypatch, tmp_path):
    context(tmp_path, "other", f"unix://{tmp_path}/other.sock")
    (tmp_path / "config.json").write_text('{"currentContext": "other"}', encoding="utf-8")
    with pytest.raises(PartMissing, match=r"no engine answers at unix://.*/other.sock"):
        engine.connect()
    monkeypatch.setenv("DOCKER_CONTEXT", "third")
    with pytest.raises(PartMissing, match="no docker context 'third'"):
        engine.connect()


def test_an_engine_by_docker_host_and_by_context(client, monkeypatch, tmp_path):
    real = client.api.base_url.replace("http+docker://localhost", "/var/run/docker.sock")
    if not real.startswith("/"):
        pytest.skip("the engine has no socket on this machine")
    other = tmp_path / "other.sock"
    other.symlink_to(real)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{other}")
    assert engine.connect().info()["ID"] == client.info()["ID"]
    monkeypatch.delenv("DOCKER_HOST")
    context(tmp_path, "other", f"unix://{other}")
    monkeypatch.setenv("DOCKER_CONTEXT", "other")
    assert engine.connect().info()["ID"] == client.info()["ID"]


@pytest.mark.parametrize("command", ["reproduce", "matrix", "run", "up"])
def test_the_commands_have_the_option(command):
    assert "--runtime" in {name for option in cli.commands[command].params for name in option.opts}
