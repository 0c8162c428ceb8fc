"""Each fault of the original's instance sync: what it breaks, and that without it the same works."""

import logging
from concurrent.futures import ThreadPoolExecutor

import pytest

from reference_app.settings import SYNC_FAULTS
from reference_app.storage.base import Copy
from tests.reference_app import stored
from tests.reference_app.stored import flag_of, read

DATA = b"a,b\n3,4\n"


def publish(storage, session_id, data=DATA):
    flag = flag_of(data)
    return flag, stored.publish(storage, session_id, flag, data)


def own(storage, session_id):
    """What the instance has without asking its peers."""
    return read(storage._tree, session_id)


def names(folder):
    return {path.name for path in folder.iterdir()}


def with_and_without(fault):
    return pytest.mark.parametrize("faults", [(fault,), ()], ids=[f"with {fault}", "without"])


def test_without_faults_it_works(fleet, session_id):
    a, b = fleet.original("A"), fleet.original("B")
    for data in (b"a\n1\n", b"a\n2\n"):
        flag, copies = publish(a, session_id, data)
        assert copies == [Copy("B", True, "copied")]
        assert own(b, session_id) == (flag, data)


def test_without_faults_a_miss_pulls(fleet, session_id, events):
    flag, _ = publish(fleet.original("A"), session_id)
    del events[:]
    assert read(fleet.original("B"), session_id) == (flag, DATA)
    assert [(event["what"], event["ok"]) for event in events] == [
        ("pull: test -d", True), ("pull: rsync", True),
    ]  # fmt: skip
    assert (events[1]["source"], events[1]["target"]) == (f"A:{session_id}/", f"{session_id}/")


@with_and_without("no-session-folder")
def test_push_into_the_wrong_folder_is_a_success(fleet, session_id, faults):
    a, b = fleet.original("A", *faults), fleet.original("B")
    flag, copies = publish(a, session_id)
    assert copies == [Copy("B", True, "copied")]
    scattered = {".data_analysis_mode", flag.generation}
    assert own(b, session_id) == (None if faults else (flag, DATA))
    assert names(fleet.tree("B")) == {session_id} | (scattered if faults else set())


@with_and_without("no-session-folder")
def test_pull_into_the_wrong_folder_is_a_success(fleet, session_id, faults, events):
    flag, _ = publish(fleet.original("A"), session_id)
    b = fleet.original("B", *faults)
    assert read(b, session_id) == (None if faults else (flag, DATA))
    assert (events[-1]["ok"], events[-1]["target"]) == (True, "." if faults else f"{session_id}/")
    assert names(fleet.tree("B")) == ({".data_analysis_mode", flag.generation} if faults else {session_id})


@with_and_without("skips-dotfiles")
def test_pull_without_dotfiles_leaves_the_flag_behind(fleet, session_id, faults, events):
    flag, _ = publish(fleet.original("A"), session_id)
    b = fleet.original("B", *faults)
    assert read(b, session_id) == (None if faults else (flag, DATA))
    star = "*" if faults else ""
    assert (events[-1]["ok"], events[-1]["source"]) == (True, f"A:{session_id}/{star}")
    assert (fleet.tree("B") / session_id / flag.generation / "data_analysis.csv").read_bytes() == DATA


@with_and_without("flag-decides")
def test_data_without_a_flag_is_taken_for_none(fleet, session_id, faults, events):
    a = fleet.original("A")
    flag, _ = publish(a, session_id)
    a._tree.clear_flag(session_id)
    read(fleet.original("B", *faults), session_id)
    assert (fleet.tree("B") / session_id / flag.generation).exists() is not bool(faults)
    assert events[2]["what"] == ("pull: test -f" if faults else "pull: test -d")


@with_and_without("flag-decides")
def test_data_with_a_flag_is_found_either_way(fleet, session_id, faults):
    flag, _ = publish(fleet.original("A"), session_id)
    assert read(fleet.original("B", *faults), session_id) == (flag, DATA)


@with_and_without("no-budget")
def test_a_dead_peer_costs_every_command_its_whole_time(fleet, session_id, faults, events):
    a = fleet.original("A", *faults, peers="X,Y", SYNC_SECONDS="0.2")
    _, copies = publish(a, session_id)
    assert [(copy.place, copy.ok) for copy in copies] == [("X", False), ("Y", False)]
    assert [(event["what"], event["peer"], event["timed_out"]) for event in events] == [
        ("push: mkdir", "X", True), ("push: rsync", "X", True),
        ("push: mkdir", "Y", True), ("push: rsync", "Y", True),
    ]  # fmt: skip
    times = [event["seconds"] for event in events]
    if faults:
        assert all(took >= least for took, least in zip(times, (0.2, 0.6, 0.2, 0.6), strict=True))
    else:  # the first has used it up
        assert times[0] >= 0.2
        assert times[1:] == [0, 0, 0]
    del events[:]
    assert read(a, session_id) is not None
    assert events == []


@with_and_without("no-budget")
def test_a_chat_waits_for_each_dead_peer(fleet, session_id, faults, events):
    b = fleet.original("B", *faults, peers="X,Y", SYNC_SECONDS="0.2")
    assert b.flag(session_id) is None
    assert [(event["what"], event["peer"]) for event in events] == [
        ("pull: test -d", "X"), ("pull: test -d", "Y"),
    ]  # fmt: skip
    assert (events[1]["seconds"] >= 0.2) is bool(faults)


@with_and_without("swallows-outcome")
def test_a_failure_is_told_as_sync_initiated(fleet, session_id, faults, events, caplog):
    with caplog.at_level(logging.INFO):
        _, copies = publish(fleet.original("A", *faults, peers="B,C"), session_id)
    if faults:
        assert copies == [Copy("B", True, "sync initiated"), Copy("C", True, "sync initiated")]
        assert caplog.messages == ["sync initiated to B, C"]
    else:
        assert [copy.ok for copy in copies] == [False, False]
        assert all("Connection refused" in copy.outcome for copy in copies)
        assert caplog.messages == []
    assert [event["ok"] for event in events] == [False] * 4  # the evidence knows


@pytest.mark.parametrize("peers", ["X,Y", "B"], ids=["another fleet", "its own"])
def test_the_peers_of_another_fleet_get_nothing(fleet, session_id, peers):
    a, b = fleet.original("A", peers=peers, SYNC_SECONDS="0.2" if "X" in peers else "60"), fleet.original("B")
    flag, copies = publish(a, session_id)
    assert all(copy.ok is (peers == "B") for copy in copies)
    assert own(b, session_id) == ((flag, DATA) if peers == "B" else None)


def test_an_ssh_that_asks_waits_for_an_answer(fleet, session_id, until, monkeypatch, fake_programs, tmp_path):
    asked, answered = tmp_path / "asked", tmp_path / "answered"
    fake_programs(askpass=f'touch "{asked}"; until [ -e "{answered}" ]; do sleep 0.05; done')
    monkeypatch.setenv("SSH_ASKPASS", str(tmp_path / "bin" / "askpass"))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    fleet.start("B")
    a = fleet.original("A", SYNC_SSH_CONFIG=str(fleet.config_that_asks))
    with ThreadPoolExecutor(1) as pool:
        pushing = pool.submit(publish, a, session_id)
        until(asked.exists)
        assert not pushing.done()
        answered.touch()
        _, (copy,) = pushing.result()
    assert "Permission denied" in copy.outcome
    assert publish(fleet.original("A"), session_id)[1][0].ok  # with a key that needs no passphrase


@pytest.mark.parametrize("faults", [("leaves-ssh",), ()])
def test_what_a_time_out_leaves_running(fleet, faults):
    assert fleet.original("A", *faults)._copier._fleet._whole_family is not bool(faults)


def test_all_together_the_peer_has_nothing_to_read(fleet, session_id, events):
    a, b = (fleet.original(name, "all", peers="B,A,C") for name in "AB")
    assert a._copier._faults == set(SYNC_FAULTS)
    _, copies = publish(a, session_id)
    assert copies == [Copy("B", True, "sync initiated"), Copy("C", True, "sync initiated")]
    assert b.flag(session_id) is None
    assert read(b, session_id) is None


def test_clearing_is_told_to_nobody_and_comes_back(fleet, session_id):
    a, b = fleet.original("A"), fleet.original("B")
    flag, _ = publish(a, session_id)
    a.clear_flag(session_id)
    assert own(a, session_id) is None
    assert own(b, session_id) == (flag, DATA)
    assert a.flag(session_id) == flag


def test_publishing_never_pulls(fleet, session_id, events):
    fleet.start("B")
    publish(fleet.original("A"), session_id)
    assert [event["what"] for event in events] == ["push: mkdir", "push: rsync"]


@pytest.mark.parametrize("wrong", ["", "../x", "a" * 31, "A" * 32, "a" * 32 + "\n", "$(id)", "-e id"])
def test_an_id_that_is_none_is_refused_before_anything_runs(fleet, wrong, events):
    a = fleet.original("A", "all")
    for act in (a.flag, a.read, a.clear_flag, a._copier.pull, lambda wrong: publish(a, wrong)):
        with pytest.raises(ValueError, match="not a session id"):
            act(wrong)
    with pytest.raises(ValueError, match="not a session id"):
        a._copier.push(wrong, flag_of(DATA))
    assert events == []
    assert names(fleet.tree("A")) == set()
