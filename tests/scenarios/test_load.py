"""Real load on real topologies, for seconds: what is wrong is seen, what is right is not blamed."""

import contextlib
import json
import signal

import pandas as pd
import pytest

from harness import ports
from harness.load import WRONG, driver, figures, rounds
from harness.load.cases import cases
from harness.load.visit import Terms
from harness.runtimes.process import ProcessRuntime
from tests.endurance import runs


@pytest.fixture
def put_under_load(bench, workshop, tmp_path):
    """Run a schedule on topologies; the slices."""

    def run(schedule, *names):
        every = cases([bench.known.plan.topology(name) for name in names], [], (), ())
        runtime, skipped = ProcessRuntime(bench.known.plan, bench.services), {}
        slices = list(
            rounds.run(schedule, every, runtime, lambda: workshop.folder("locust"), tmp_path, skipped)
        )
        assert skipped == {}
        return slices

    return run


def test_the_baseline_is_wrong_under_load_and_s3_with_redis_is_not(put_under_load, tmp_path):
    schedule = rounds.Schedule(driver.Load(users=4, seconds=3), Terms(think=0.05), rounds=1)
    baseline, fixed = put_under_load(schedule, "baseline", "s3-redis")
    assert set(baseline.rows["status"]) == {200}
    failures = baseline.rows["failure"].dropna()
    assert not failures.empty
    assert set(failures) <= {
        f"{WRONG}a general answer after an upload",
        f"{WRONG}numbers of an earlier upload",
    }
    assert "a general answer after an upload" in (tmp_path / "baseline-1.html").read_text(encoding="utf-8")
    assert fixed.rows["failure"].dropna().empty
    assert fixed.rows["judged"].any()
    broken, works = figures.lines(figures.figures([baseline, fixed]))
    assert broken["wrong_per_10000"] > 0
    assert works["wrong"] == works["failed"] == 0
    assert works["session_store_calls"] > 1 > broken["session_store_calls"] == 0
    assert works["session_store_bytes"] > 100
    assert works["storage_calls"] > 2
    assert works["llm_bytes"] > 1000
    assert works["memory"] > 10


def test_an_app_that_mixes_up_its_users_is_caught(changed, workshop, monkeypatch, request, tmp_path):
    monkeypatch.syspath_prepend(request.path.parent)
    broken = changed(replace=("reference_app.wsgi:app", "broken_apps:one_upload_for_all()"))
    runtime = ProcessRuntime(broken.known.plan, broken.services)
    with runtime.up(broken.known.plan.topology("single")) as deployment:
        load = driver.Load(users=4, seconds=2)
        outcome = driver.run(load, Terms(think=0.05), deployment.url, workshop.folder("locust"))
    assert f"{WRONG}another user's numbers" in set(outcome.rows["failure"])
    assert outcome.rows["failure"].notna().sum() == outcome.failures


def test_a_killed_instance_takes_its_sessions_with_it_unless_they_lie_elsewhere(put_under_load):
    schedule = rounds.Schedule(driver.Load(users=6, seconds=10), Terms(think=0.2), rounds=0, kill=True)
    slices = put_under_load(schedule, "single", "s3-redis")
    single, shared = (figures.lost(one.rows, *one.killed) for one in slices)
    assert single[0] == single[1] >= 1
    assert shared[0] == 0
    assert shared[1] >= 1


def test_two_workers_share_the_load(tmp_path):
    with contextlib.ExitStack() as stack:
        address = f"127.0.0.1:{stack.enter_context(ports.reserved())}"
        options = ["--master", "--workers", "2", "--bind", address, "--users", "4", "--time", "3", "--json"]
        results = ["--results", str(tmp_path / "results"), "--threshold", "wrong == 0"]
        master = stack.enter_context(runs.started("load", "single", *options, *results))
        both = [stack.enter_context(runs.started("load", "--worker", address)) for _ in range(2)]
        for run in (master, *both):
            run.wait()
            assert run.process.poll() == 0, run.complaint()
            assert run.left_behind() == []
        answer = json.loads(master.stdout)
    assert answer["holds"]
    requests = pd.read_parquet(f"{answer['folder']}/requests.parquet")
    assert len(requests) == answer["cases"][0]["requests"]
    assert requests["worker"].nunique() == 2


@pytest.mark.parametrize("options", [["--users", "2", "--time", "100"], ["--ui", "--processes", "2"]])
def test_ctrl_c_leaves_nothing(options, tmp_path):
    with runs.started("load", "single", *options, "--results", str(tmp_path / "results")) as run:
        locust = lambda: [one for one in run.watch.running() if "locust" in " ".join(one.cmdline())]  # noqa: E731
        run.wait(until=lambda: locust() and ("Ctrl-C stops both." in run.stdout or "--ui" not in options))
        assert not run.ended, run.complaint()
        run.process.send_signal(signal.SIGINT)
        run.wait(runs.END_SECONDS)
        assert run.process.poll() == 130, run.complaint()
        assert run.left_behind() == []
    assert not (tmp_path / "results").exists()
