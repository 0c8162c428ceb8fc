"""Instance sync as it should be, between real instances."""

import os
import threading
import uuid

import pytest

from reference_app.errors import CorruptData, StoreDown
from reference_app.storage.base import ABANDONED_AFTER, Copy
from reference_app.storage.sync.repaired import Repaired
from reference_app.storage.sync.ssh import Outcome
from tests.reference_app import stored
from tests.reference_app.stored import flag_of, read

OLD, NEW = b"a,b\n1,2\n", b"a,b\n3,4\n"
STEPS = ("push: data", "push: flag"), ("pull: flag", "pull: data")


def publish(storage, session_id, data, name="rows.csv"):
    flag = flag_of(data, name)
    return flag, stored.publish(storage, session_id, flag, data)


def files_of(tree):
    return sorted(str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file())


def facts(events):
    return [(event["what"], event["peer"], event["ok"], event["outcome"]) for event in events]


def test_a_push_is_read_at_the_peer(fleet, session_id, events):
    a, b = fleet.storage("A"), fleet.storage("B")
    flag, copies = publish(a, session_id, NEW)
    assert copies == [Copy("B", True, "copied")]
    pushed = [
        {"source": f"{session_id}/{flag.generation}", "target": "B:."},
        {"source": f"{session_id}/{flag.generation}/.data_analysis_mode", "target": f"B:{session_id}/"},
    ]
    for event, what, paths in zip(events, STEPS[0], pushed, strict=True):
        seconds = event.pop("seconds")
        assert 0 < seconds < 60
        assert event == {
            "what": what, "peer": "B", **paths, "ok": True, "outcome": "copied", "timed_out": False,
        }  # fmt: skip
    fleet.stop("A")  # what B has, it has
    assert read(b, session_id) == (flag, NEW)
    assert b.flag(session_id) == flag
    assert files_of(fleet.tree("B")) == files_of(fleet.tree("A"))
    assert len(events) == 2


def test_a_push_carries_its_own_upload_whatever_has_come_meanwhile(fleet, session_id):
    a, b = fleet.storage("A"), fleet.storage("B")
    mine, _ = publish(a, session_id, OLD)
    theirs, _ = publish(b, session_id, NEW)
    assert a.flag(session_id) == theirs
    assert a._copier.push(session_id, mine) == [Copy("B", True, "copied")]
    assert read(b, session_id) == (mine, OLD)
    assert read(a, session_id) == (theirs, NEW)


def test_an_upload_that_was_replaced_before_its_push_changes_nothing_at_the_peer(fleet, session_id):
    a, b = fleet.storage("A"), fleet.storage("B")
    old = flag_of(OLD)
    stored.publish(a._tree, session_id, old, OLD)
    new, _ = publish(a, session_id, NEW)
    (copy,) = a._copier.push(session_id, old)
    assert not copy.ok
    assert "No such file" in copy.outcome
    assert read(b, session_id) == (new, NEW)


@pytest.mark.parametrize("ask", ["flag", "read"])
def test_a_miss_pulls(fleet, session_id, events, ask):
    a = fleet.storage("A")
    flag, copies = publish(a, session_id, NEW)
    assert not copies[0].ok
    assert "Connection refused" in copies[0].outcome
    del events[:]
    b = fleet.storage("B")
    found = b.flag(session_id) if ask == "flag" else read(b, session_id)
    assert found == (flag if ask == "flag" else (flag, NEW))
    assert facts(events) == [(what, "A", True, "copied") for what in STEPS[1]]
    assert [event["source"] for event in events] == [
        f"A:{session_id}/.data_analysis_mode", f"A:{session_id}/{flag.generation}",
    ]  # fmt: skip
    assert files_of(fleet.tree("B")) == files_of(fleet.tree("A"))
    assert read(b, session_id) == (flag, NEW)
    assert len(events) == 2


def test_what_no_peer_has_is_a_miss_and_leaves_nothing(fleet, session_id, events):
    fleet.start("A")
    b = fleet.storage("B")
    assert b.flag(session_id) is None
    assert read(b, session_id) is None
    assert [(event["what"], event["ok"], event["timed_out"]) for event in events] == [
        ("pull: flag", False, False)
    ] * 2
    assert all("No such file" in event["outcome"] for event in events)
    assert list(fleet.tree("A").iterdir()) == list(fleet.tree("B").iterdir()) == []


def test_publishing_never_pulls(fleet, session_id, events):
    fleet.start("A")
    publish(fleet.storage("B"), session_id, NEW)
    assert {event["what"] for event in events} == set(STEPS[0])


def test_an_upload_replaces_the_old_one_though_its_flag_has_the_same_size_and_time(fleet, session_id):
    a, b = fleet.storage("A"), fleet.storage("B")
    for data in (OLD, NEW):
        flag = flag_of(data)
        stored.publish(a._tree, session_id, flag, data)
        os.utime(fleet.tree("A") / session_id / ".data_analysis_mode", (10**9, 10**9))
        assert a._copier.push(session_id, flag) == [Copy("B", True, "copied")]
        assert read(b, session_id) == (flag, data)


def test_a_push_that_ends_before_the_flag_leaves_the_old_data_set(fleet, session_id, monkeypatch):
    a, b = fleet.storage("A"), fleet.storage("B")
    old, _ = publish(a, session_id, OLD)
    copiers_fleet = a._copier._fleet
    rsync = copiers_fleet.rsync

    def cut_off(peer, source, target, *options, seconds, what):
        if what == "push: flag":
            fleet.stop(peer)
        return rsync(peer, source, target, *options, seconds=seconds, what=what)

    monkeypatch.setattr(copiers_fleet, "rsync", cut_off)
    new, copies = publish(a, session_id, NEW)
    assert not copies[0].ok
    assert (fleet.tree("B") / session_id / new.generation / "data_analysis.csv").read_bytes() == NEW
    assert read(b, session_id) == (old, OLD)


def test_a_pull_that_ends_before_the_data_leaves_nothing(fleet, session_id, monkeypatch):
    a = fleet.storage("A")
    flag, _ = publish(a, session_id, NEW)
    b = fleet.storage("B")
    copiers_fleet = b._copier._fleet
    rsync = copiers_fleet.rsync

    def cut_off(peer, source, target, *options, seconds, what):
        if what == "pull: data":
            fleet.stop(peer)
        return rsync(peer, source, target, *options, seconds=seconds, what=what)

    with monkeypatch.context() as broken:
        broken.setattr(copiers_fleet, "rsync", cut_off)
        assert read(b, session_id) is None
    assert list(fleet.tree("B").iterdir()) == []
    fleet.start("A")
    assert read(b, session_id) == (flag, NEW)


def test_a_push_that_comes_during_a_pull_wins(fleet, session_id, monkeypatch):
    a = fleet.storage("A", peers="A,Z")  # whose pushes do not get to B
    publish(a, session_id, OLD)
    b = fleet.storage("B")
    copiers_fleet = b._copier._fleet
    rsync, newer = copiers_fleet.rsync, []

    def overtaken(peer, source, target, *options, seconds, what):
        outcome = rsync(peer, source, target, *options, seconds=seconds, what=what)
        if what == "pull: data":
            newer.append(publish(fleet.storage("A"), session_id, NEW)[0])
        return outcome

    monkeypatch.setattr(copiers_fleet, "rsync", overtaken)
    assert read(b, session_id) == (newer[0], NEW)


def test_a_flag_that_names_no_generation_is_not_followed(fleet, session_id, events):
    a = fleet.storage("A")
    flag, _ = publish(a, session_id, NEW)
    path = fleet.tree("A") / session_id / ".data_analysis_mode"
    path.write_bytes(path.read_bytes().replace(flag.generation.encode(), b"../" * 10 + b"xx"))
    del events[:]
    with pytest.raises(CorruptData, match="flag"):
        read(fleet.storage("B"), session_id)
    assert [event["what"] for event in events] == ["pull: flag"]


def test_a_generation_that_was_replaced_goes_with_the_next_upload_at_the_peer(fleet, session_id):
    a, b = fleet.storage("A"), fleet.storage("B")
    old, _ = publish(a, session_id, OLD)
    new, _ = publish(a, session_id, NEW)
    home = fleet.tree("B") / session_id
    assert (home / old.generation).is_dir()
    long_ago = (home / old.generation).stat().st_mtime - ABANDONED_AFTER - 1
    os.utime(home / old.generation, (long_ago, long_ago))
    last, _ = publish(b, session_id, OLD)
    assert {path.name for path in home.iterdir()} == {".data_analysis_mode", last.generation}
    assert new.generation != last.generation


def test_clearing_ends_it_at_the_peers_too(fleet, session_id, events):
    a, b = fleet.storage("A"), fleet.storage("B")
    publish(a, session_id, NEW)
    del events[:]
    a.clear_flag(session_id)
    assert facts(events) == [("clear: flag", "B", True, "done")]
    assert a.flag(session_id) is None
    assert b.flag(session_id) is None


def test_what_came_of_each_peer_is_told(fleet, session_id, events):
    fleet.start("B")
    a = fleet.storage("A", peers="Z,B,C")
    flag, copies = publish(a, session_id, NEW)
    assert [(copy.place, copy.ok) for copy in copies] == [("Z", False), ("B", True), ("C", False)]
    assert "timed out" in copies[0].outcome
    assert "Connection refused" in copies[2].outcome
    assert sorted(facts(events)) == sorted(
        [("push: data", copy.place, copy.ok, copy.outcome) for copy in copies]
        + [("push: flag", "B", True, "copied")]
    )
    del events[:]
    assert read(fleet.storage("C", peers="Z,A,B"), session_id) == (flag, NEW)
    assert [(event["peer"], event["ok"]) for event in events] == [("Z", False), ("A", True), ("A", True)]


def test_without_peers_nothing_travels(fleet, session_id, events):
    a = fleet.storage("A", peers="A")
    flag, copies = publish(a, session_id, NEW)
    assert copies == []
    assert read(a, session_id) == (flag, NEW)
    a.clear_flag(session_id)
    assert a.flag(session_id) is None
    assert events == []


def test_a_tree_that_is_gone_is_no_miss(fleet, session_id):
    a = fleet.storage("A")
    fleet.tree("A").rmdir()
    for ask in (a.flag, a.read, a.clear_flag):
        with pytest.raises(StoreDown, match=r"storage \(instance-sync\)"):
            ask(session_id)


def test_a_push_to_dead_peers_ends_with_its_budget(fleet, session_id, events):
    a = fleet.storage("A", peers="X,Y", SYNC_SECONDS="0.7")
    flag, copies = publish(a, session_id, NEW)
    assert [(copy.place, copy.ok) for copy in copies] == [("X", False), ("Y", False)]
    assert all(copy.outcome.startswith("timed out after ") for copy in copies)
    assert [(event["what"], event["timed_out"]) for event in events] == [("push: data", True)] * 2
    assert read(a, session_id) == (flag, NEW)


def test_a_pull_from_dead_peers_ends_with_its_budget(fleet, session_id, events):
    a = fleet.storage("A", peers="X,Y", SYNC_SECONDS="0.8")
    assert read(a, session_id) is None
    assert [(event["what"], event["peer"], event["timed_out"]) for event in events] == [
        ("pull: flag", "X", True), ("pull: flag", "Y", True),
    ]  # fmt: skip
    assert events[0]["seconds"] >= 0.4


class Peers:
    """Peers that take what time they are given, and all of them at once or none."""

    def __init__(self, root, *peers):
        self.root, self.peers, self.given = root, peers, []
        self._all_here = threading.Barrier(len(peers))

    def rsync(self, peer, source, target, *options, seconds, what):
        self.given.append(seconds)
        self._all_here.wait(timeout=30)
        return Outcome(what, peer, {"source": source, "target": target}, None, seconds)

    def ssh(self, peer, *command, seconds, what):
        return self.rsync(peer, "", "", seconds=seconds, what=what)


def test_peers_are_pushed_to_at_once_and_share_one_budget(tmp_path, session_id):
    peers, flag = Peers(tmp_path, "B", "C", "D"), flag_of(OLD)
    (tmp_path / session_id / flag.generation).mkdir(parents=True)
    copies = Repaired(peers, 5.0).push(session_id, flag)
    assert [copy.place for copy in copies] == ["B", "C", "D"]
    assert len(peers.given) == 3
    assert all(0 < seconds <= 5.0 for seconds in peers.given)
    Repaired(peers, 5.0).clear(session_id)
    assert len(peers.given) == 6


def test_a_pull_leaves_time_for_the_peers_to_come(tmp_path, session_id):
    class Dead(Peers):
        def rsync(self, peer, source, target, *options, seconds, what):
            self.given.append(seconds)
            return Outcome(what, peer, {}, None, seconds)

    peers = Dead(tmp_path, "B", "C", "D")
    Repaired(peers, 6.0).pull(session_id)
    assert all(0 < seconds <= most for seconds, most in zip(peers.given, (2, 3, 6), strict=True))


def test_the_flag_of_a_push_has_what_the_data_left_of_the_budget(tmp_path, session_id):
    class Slow(Peers):
        def rsync(self, peer, source, target, *options, seconds, what):
            self.given.append(seconds)
            threading.Event().wait(0.2)
            return Outcome(what, peer, {}, 0, 0.2)

    peers, flag = Slow(tmp_path, "B"), flag_of(OLD)
    (tmp_path / session_id / flag.generation).mkdir(parents=True)
    Repaired(peers, 5.0).push(session_id, flag)
    data, flag = peers.given
    assert flag <= data - 0.19


@pytest.mark.parametrize("wrong", ["", "../x", "a" * 31, "A" * 32, "a" * 32 + "\n", "a;id", "a b", "-e id"])
def test_an_id_that_is_none_is_refused_before_anything_runs(fleet, wrong, events):
    a = fleet.storage("A")
    copier, flag = a._copier, flag_of(OLD)
    for act in (
        a.flag, a.read, a.clear_flag, copier.pull, copier.clear,
        lambda wrong: copier.push(wrong, flag), lambda wrong: stored.publish(a, wrong, flag, OLD),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="not a session id"):
            act(wrong)
    assert events == []


def test_it_never_asks_whatever_the_configuration_says(fleet, session_id, events, monkeypatch, fake_programs):
    fake_programs(askpass="exec sleep 1000")
    monkeypatch.setenv("SSH_ASKPASS", str(fleet.folder.parent / "bin" / "askpass"))
    monkeypatch.setenv("SSH_ASKPASS_REQUIRE", "force")
    fleet.start("B")
    a = fleet.storage("A", SYNC_SSH_CONFIG=str(fleet.config_that_asks))
    _, copies = publish(a, session_id, NEW)
    assert "Permission denied" in copies[0].outcome
    assert [event["timed_out"] for event in events] == [False]


def test_sessions_do_not_mix(fleet, session_id):
    a, b = fleet.storage("A"), fleet.storage("B")
    other = uuid.uuid4().hex
    flag, _ = publish(a, session_id, OLD)
    newer, _ = publish(b, other, NEW)
    assert (read(a, session_id), read(a, other)) == ((flag, OLD), (newer, NEW))
    assert (read(b, session_id), read(b, other)) == ((flag, OLD), (newer, NEW))
