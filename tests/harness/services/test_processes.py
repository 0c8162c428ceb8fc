"""Children, warm and cold alike: their environment, their log, when they are ready, how they end."""

import json
import os
import sys
import textwrap
import time
from contextlib import ExitStack

import psutil
import pytest

from harness.errors import HarnessError
from harness.processes import PythonLauncher, program, running, wait_ready

OURS_ALONE = ("OPENAI_", "AWS_", "LLM_", "GUNICORN_")
SECRETS = ["OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "LLM_STREAM", "GUNICORN_CMD_ARGS"]
TELLS = """
    import json, os, pathlib, sys
    told = {"name": __name__, "argv": sys.argv[1:], "cwd": os.getcwd(), "env": dict(os.environ)}
    told |= {"leads": os.getsid(0) == os.getpid(), "parent": os.getppid()}
    pathlib.Path("told.json").write_text(json.dumps(told))
"""
SLEEPS = "import time; print('awake', flush=True); time.sleep(600)"
LEAVES_A_CHILD = """
    import subprocess, sys, time
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print("child", child.pid, flush=True)
"""
HAS_A_CHILD = f"{LEAVES_A_CHILD}    time.sleep(600)"


@pytest.fixture(params=["warm", "cold"])
def start(request, workshop, tmp_path, monkeypatch):
    """Runs code as a module, in a process that is killed at the end of the test."""
    launcher = PythonLauncher(workshop.root, warm=request.param == "warm")
    monkeypatch.syspath_prepend(tmp_path)  # a cold child finds it in its own folder
    with ExitStack() as stack:

        def run(code, *args, **env):
            (tmp_path / "code_of_the_test.py").write_text(textwrap.dedent(code))
            log = tmp_path / "child.log"
            child = launcher.start("the child", "code_of_the_test", args, cwd=tmp_path, log=log, env=env)
            return stack.enter_context(running(child))

        yield run


@pytest.fixture
def told(start, tmp_path, eventually):
    """What a child tells of itself."""

    def tell(*args, **env):
        child = start(TELLS, *args, **env)
        eventually("the child has ended", lambda: child.exit_code is not None)
        assert child.exit_code == 0, child.tail()
        return json.loads((tmp_path / "told.json").read_text())

    return tell


def test_the_module_runs_as_the_main_program(told, tmp_path):
    said = told("--port", "80 00")
    assert (said["name"], said["argv"]) == ("__main__", ["--port", "80 00"])
    assert said["cwd"] == str(tmp_path)
    assert said["leads"]


@pytest.mark.parametrize("start", ["warm"], indirect=True)
def test_a_warm_child_comes_from_the_warm_parent(told):
    assert told()["parent"] != os.getpid()


@pytest.mark.parametrize("start", ["cold"], indirect=True)
def test_a_cold_child_is_our_own(told):
    assert told()["parent"] == os.getpid()


def test_the_environment_is_ours_and_what_was_given(told, monkeypatch):
    for name in [name for name in os.environ if name.startswith(OURS_ALONE)]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("HOME", raising=False)  # the warm parent has it still
    monkeypatch.setenv("SET_JUST_NOW", "inherited")
    monkeypatch.setenv("OVERRIDDEN", "ours")
    given = {"OVERRIDDEN": "the topology's", "OPENAI_API_KEY": "given"}
    env = told(**given)["env"]
    assert env["SET_JUST_NOW"] == "inherited"
    expected = {**os.environ, **given}
    for both in (env, expected):
        both.pop("LC_CTYPE", None)  # Python's own doing (PEP 538)
    assert env == expected


def test_our_own_settings_and_secrets_are_not_inherited(told, monkeypatch):
    for secret in SECRETS:
        monkeypatch.setenv(secret, "ours")
    assert not set(SECRETS) & set(told()["env"])


def test_output_goes_to_the_log_after_what_is_there(start, tmp_path, eventually):
    (tmp_path / "child.log").write_text("before\n")
    child = start("import os, sys; os.write(1, b'out\\n'); print('err', file=sys.stderr)")
    eventually("the child has ended", lambda: child.exit_code is not None)
    assert child.log.read_text() == "before\nout\nerr\n"


def test_ending_before_it_is_ready_is_told_with_the_end_of_the_log(start):
    child = start("print(*range(100, 130), sep='\\n', flush=True); raise ValueError('no such setting')")
    with pytest.raises(HarnessError) as refused:
        wait_ready(child, lambda: False)
    first, *log = str(refused.value).splitlines()
    assert first == "the child ended with exit code 1 before it was ready; its log:"
    assert (len(log), log[-1]) == (12, "ValueError: no such setting")
    assert {"128", "129"} < set(log)
    assert not [line for line in log if "Traceback" in line or "File" in line]


@pytest.mark.parametrize("warm", [True, False])
def test_an_unknown_module_is_told(tmp_path, workshop, warm):
    launcher = PythonLauncher(workshop.root, warm=warm)
    child = launcher.start("x", "no_such_module", [], cwd=tmp_path, log=tmp_path / "log", env={})
    with running(child), pytest.raises(HarnessError, match=r"No module named '?no_such_module"):
        wait_ready(child, lambda: False)


def test_not_ready_within_the_time(start):
    child = start(SLEEPS)
    wait_ready(child, lambda: "awake" in child.tail())
    start_of_wait = time.monotonic()
    with pytest.raises(HarnessError, match="the child was not ready within 0 s; its log:\nawake"):
        wait_ready(child, lambda: False, seconds=0.05)
    assert time.monotonic() - start_of_wait < 10
    assert child.exit_code is None


def test_a_probe_that_cannot_connect_has_said_no(start):
    answers = iter([ConnectionRefusedError(), FileNotFoundError(), None])

    def probe():
        if error := next(answers):
            raise error
        return True

    wait_ready(start(SLEEPS), probe)
    assert next(answers, "asked no more") == "asked no more"


def test_killing_takes_the_whole_family(start, eventually, dead):
    child = start(HAS_A_CHILD)
    wait_ready(child, lambda: "child" in child.tail())
    grandchild = psutil.Process(int(child.tail().split()[1]))
    assert not dead(grandchild)
    child.kill()
    assert child.exit_code == -9
    eventually("the grandchild is gone", lambda: dead(grandchild))


def test_killing_takes_orphans_of_a_child_that_has_ended(start, eventually, dead):
    child = start(LEAVES_A_CHILD)
    eventually("the child has ended", lambda: child.exit_code is not None)
    grandchild = psutil.Process(int(child.tail().split()[1]))
    child.kill()
    eventually("the grandchild is gone", lambda: dead(grandchild))


def test_killing_twice_is_harmless(start):
    child = start(SLEEPS)
    child.kill()
    child.kill()
    assert child.exit_code == -9


def test_a_running_child_is_killed_after_an_exception(start):
    child = start(SLEEPS)
    with pytest.raises(KeyError), running(child):
        raise KeyError
    assert child.exit_code == -9


@pytest.mark.parametrize(("env", "said"), [(None, "ours None True"), ({"GIVEN": "given"}, "None given True")])
def test_a_program_with_its_environment_and_log(tmp_path, eventually, monkeypatch, env, said):
    monkeypatch.setenv("OURS", "ours")
    code = "import os; print(*map(os.environ.get, ('OURS', 'GIVEN')), os.getsid(0) == os.getpid())"
    child = program("x", [sys.executable, "-c", code], cwd=tmp_path, log=tmp_path / "log", env=env)
    eventually("it has ended", lambda: child.exit_code is not None)
    assert (child.exit_code, child.tail()) == (0, said)


def test_no_log_has_no_end(tmp_path):
    child = program("x", ["true"], cwd=tmp_path, log=tmp_path / "log")
    child.kill()
    child.log.unlink()
    assert child.tail() == ""


def test_a_killed_family_has_ended_when_the_kill_returns(start, tmp_path, eventually, dead):
    """Else a listening socket of a worker takes one more connection, and cuts it off."""
    child = start(HAS_A_CHILD)
    eventually("it has a child", lambda: "child" in child.tail())
    family = psutil.Process(child.process.pid).children(recursive=True)
    assert family
    child.kill()
    assert all(map(dead, family))
