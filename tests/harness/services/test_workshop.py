"""Whatever a run started or made is gone at its end, however it ended; another run's is left alone."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest

from harness.janitor import MARK, kill_all, mounts_beneath
from harness.services import redis, seaweedfs
from harness.workshop import open_workshop

DAEMON = """
import os, sys, time
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
with open(sys.argv[1] + ".new", "w") as file:
    file.write(str(os.getpid()))
os.rename(sys.argv[1] + ".new", sys.argv[1])
time.sleep(600)
"""

RUN = """
import contextlib, json, subprocess, sys, time
from pathlib import Path
from harness import processes
from harness.services import redis, seaweedfs
from harness.workshop import open_workshop

daemon, stray = sys.argv[1], sys.argv[2]
with contextlib.ExitStack() as stack, open_workshop() as workshop:
    sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
    pids = [subprocess.Popen(sleep).pid, subprocess.Popen(sleep, start_new_session=True).pid]
    subprocess.run([sys.executable, "-c", Path(daemon + ".py").read_text(), daemon], check=True)
    launcher = processes.PythonLauncher(workshop.root, warm=True)
    folder = workshop.folder("parts")
    code = ["import time; time.sleep(600)"]
    warm = launcher.start("x", "timeit", code, cwd=folder, log=folder / "log", env={})
    pids += [warm.process.pid, stack.enter_context(redis.running(folder)).child.process.pid]
    workshop.remove_later(Path(stray))
    if sys.argv[3] == "mount":
        weed = stack.enter_context(seaweedfs.running(workshop.folder("weed"), workshop))
        (mounted,) = stack.enter_context(seaweedfs.mounted(weed, "tree", folder / "mount"))
        (folder / "mount" / "file").write_text("shared")
        pids += [weed.child.process.pid, mounted.process.pid]
    print(json.dumps({"pids": pids, "root": str(workshop.root)}), flush=True)
    time.sleep(600)
"""


@pytest.fixture
def scratch():
    """A folder outside of any workshop."""
    with tempfile.TemporaryDirectory(dir="/tmp") as path:  # short, for Unix sockets
        yield Path(path)


@pytest.fixture
def daemonize(eventually, scratch):
    """Starts a daemon: a process that is nobody's child and leads no session."""

    def start(name="daemon"):
        pid = scratch / name
        subprocess.run([sys.executable, "-c", DAEMON, str(pid)], check=True)
        eventually("the daemon runs", pid.exists)
        return psutil.Process(int(pid.read_text()))

    return start


def sleeper(**options):
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], **options)


class Trouble(Exception):
    """In the middle of a run."""


@pytest.mark.parametrize("trouble", [None, Trouble(), KeyboardInterrupt()])
def test_all_is_gone_at_the_end(trouble, daemonize, eventually, dead, scratch):
    stray, kept = scratch / "stray", scratch / "kept"
    stray.touch()
    kept.touch()
    before = os.environ.get(MARK)
    with contextlib.suppress(Trouble, KeyboardInterrupt), open_workshop() as workshop:
        children = [sleeper(), sleeper(start_new_session=True)]
        daemon = daemonize()
        (workshop.folder("files") / "file").touch()
        workshop.remove_later(stray)
        workshop.remove_later(scratch / "never-made")
        if trouble:
            raise trouble
    assert not workshop.root.exists()
    assert [child.wait(timeout=10) for child in children] == [-9, -9]
    eventually("the daemon has ended", lambda: dead(daemon))
    assert (stray.exists(), kept.exists()) == (False, True)
    assert os.environ.get(MARK) == before


def test_a_part_that_writes_over_its_environment_is_gone_too():
    """Redis, whose title takes the place of the mark."""
    with contextlib.ExitStack() as stack, open_workshop() as workshop:
        server = stack.enter_context(redis.running(workshop.folder("redis")))
    assert server.child.process.wait(timeout=10) == -9


def test_another_run_is_left_alone(daemonize, eventually, dead):
    with open_workshop() as other:
        theirs = daemonize("theirs")
        child = sleeper(cwd=other.root)
        with open_workshop() as workshop:
            ours = daemonize("ours")
        eventually("ours has ended", lambda: dead(ours))
        assert not workshop.root.exists()
        assert not dead(theirs)
        assert child.poll() is None
        assert other.root.exists()
        assert os.environ[MARK] == psutil.Process(child.pid).environ()[MARK]
    eventually("theirs has ended", lambda: dead(theirs))
    assert child.wait(timeout=10) == -9


def test_whoever_only_looks_at_the_folder_is_left_alone():
    environment = {name: value for name, value in os.environ.items() if name != MARK}
    with open_workshop() as workshop:
        looks = sleeper(cwd=workshop.root, env=environment, start_new_session=True)
    try:
        assert looks.poll() is None
    finally:
        looks.kill()
        looks.wait()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs proc_pid_status(5)")
def test_the_janitor_does_its_work_whatever_signals_it_gets(eventually):
    before = set(psutil.Process().children())
    with open_workshop() as workshop:
        (janitor,) = set(psutil.Process().children()) - before
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        eventually("the janitor is at work", lambda: all(ignores(janitor, number) for number in numbers))
        for number in numbers:
            janitor.send_signal(number)
        child = sleeper()
    assert child.wait(timeout=10) == -9
    assert not workshop.root.exists()


def ignores(process, number):
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    (mask,) = [line.split()[1] for line in lines if line.startswith("SigIgn:")]
    return int(mask, 16) >> (number - 1) & 1


def test_folders_are_new_and_short(workshop):
    one, two = workshop.folder("a-name-that-is-long"), workshop.folder("a-name-that-is-long")
    assert one != two
    assert {one.parent, two.parent} == {workshop.root}
    assert len(one.name) <= 21
    assert list(one.iterdir()) == []


MISSING = seaweedfs.fuse_missing()
NEEDS_FUSE = pytest.mark.skipif(
    MISSING is not None, reason=f"{MISSING}; install it with: apt-get install fuse3"
)


@pytest.mark.parametrize("parts", ["processes", pytest.param("mount", marks=NEEDS_FUSE)])
def test_all_is_gone_after_the_harness_was_killed(parts, eventually, dead, scratch):
    daemon, stray = scratch / "daemon", scratch / "stray"
    Path(f"{daemon}.py").write_text(DAEMON)
    stray.touch()
    command = [sys.executable, "-c", RUN, str(daemon), str(stray), parts]
    with subprocess.Popen(command, env={**os.environ, "TMPDIR": str(scratch)}, stdout=subprocess.PIPE) as run:
        started = json.loads(run.stdout.readline())
        eventually("the daemon runs", daemon.exists)
        family = psutil.Process(run.pid).children(recursive=True)
        family += [psutil.Process(pid) for pid in [int(daemon.read_text()), *started["pids"]]]
        leaves = sockets(family)
        assert bool(leaves) == (parts == "mount")
        assert not [process for process in family if dead(process)]
        root = Path(started["root"])
        assert bool(mounts_beneath(root)) == (parts == "mount")
        run.kill()
    eventually("every process has ended", lambda: all(map(dead, family)))
    eventually("the folder is gone", lambda: not root.exists())
    assert mounts_beneath(scratch) == []
    assert not [path for path in leaves if path.exists()]
    assert {path.name for path in scratch.iterdir()} == {"daemon", "daemon.py"}


def sockets(processes):
    """The files in /tmp that weed makes for its ports."""
    ports = [word.rpartition("=")[2] for one in processes for word in one.cmdline() if ".port.grpc=" in word]
    return [path for port in ports for path in Path("/tmp").glob(f"seaweedfs-*-grpc-{port}.sock")]


def test_what_a_leader_forked_while_it_was_being_killed_is_known_by_its_session(eventually, dead, scratch):
    """As a worker of nginx, whose title does not name the run, and whose leader is gone at the next look."""
    code = "import os, time; pid = os.fork(); print(pid, flush=True) if pid else time.sleep(600)"
    leader = subprocess.Popen(
        [sys.executable, "-c", code],
        env={},
        cwd="/",
        start_new_session=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    orphan = psutil.Process(int(leader.stdout.readline()))
    leader.wait()
    assert kill_all("no such mark", scratch, set()) == 0
    assert not dead(orphan)
    assert kill_all("no such mark", scratch, {leader.pid}) == 1
    eventually("it has ended", lambda: dead(orphan))
