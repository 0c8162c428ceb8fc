"""Where uploads are kept: one behaviour for all, and what is each strategy's own."""

import contextlib
import json
import os
import shutil
import tracemalloc
import uuid
from pathlib import Path

import pytest
from obstore.store import S3Store

from reference_app.errors import ConfigError, CorruptData, StorageConflict, StoreDown
from reference_app.settings import Settings
from reference_app.storage import base, files, open_storage
from reference_app.storage import s3 as s3_module
from reference_app.storage.base import Flag
from tests.reference_app.stored import flag_of, publish, read

OLD, NEW = b"a,b\n1,2\n", b"a,b\n3,4\n5,6\n"


@pytest.fixture
def session_id():
    return uuid.uuid4().hex


@pytest.fixture(params=["local", "shared", "s3", "instance-sync"])
def storage(request, env, tmp_path):
    if request.param == "s3":
        changes = request.getfixturevalue("s3")
    elif request.param == "instance-sync":  # with nobody to sync with; the rest is in sync/
        if not (shutil.which("ssh") and shutil.which("rsync")):
            pytest.skip("apt-get install rsync openssh-client")
        config = tmp_path / "ssh_config"
        config.touch()
        changes = {"STORAGE_STRATEGY": request.param, "SYNC_PEERS": "A", "SYNC_SSH_CONFIG": str(config)}
    else:
        (tmp_path / "shared").mkdir()
        changes = {
            "STORAGE_STRATEGY": request.param,
            "SHARED_ROOT": str(tmp_path / "shared"),
            "SHARED_ROOT_MUST_BE_MOUNT": "no",
        }
    return open_storage(Settings.from_env(env | changes))


@pytest.fixture
def tree(tmp_path):
    return files.FileTree("local", tmp_path)


def test_nothing_is_there_before(storage, session_id):
    assert storage.flag(session_id) is None
    assert read(storage, session_id) is None


def test_what_is_published_is_read(storage, session_id):
    flag = flag_of(NEW)
    assert publish(storage, session_id, flag, NEW) == []
    assert storage.flag(session_id) == flag
    assert read(storage, session_id) == (flag, NEW)
    assert session_id in storage.where(session_id)


def test_a_new_upload_replaces_the_old(storage, session_id):
    publish(storage, session_id, flag_of(OLD), OLD)
    newer = flag_of(NEW, "other.csv")
    publish(storage, session_id, newer, NEW)
    assert read(storage, session_id) == (newer, NEW)


def test_sessions_do_not_see_each_other(storage, session_id):
    publish(storage, session_id, flag_of(OLD), OLD)
    assert read(storage, uuid.uuid4().hex) is None


def test_clearing_the_flag_ends_it_and_an_upload_begins_anew(storage, session_id):
    publish(storage, session_id, flag_of(OLD), OLD)
    storage.clear_flag(session_id)
    storage.clear_flag(session_id)
    assert read(storage, session_id) is None
    newer = flag_of(NEW)
    publish(storage, session_id, newer, NEW)
    assert read(storage, session_id) == (newer, NEW)


@pytest.mark.parametrize("wrong", ["", "../x", "a" * 31, "A" * 32, "a" * 32 + "\n", "a" * 31 + "/"])
def test_an_id_that_is_none_touches_nothing(storage, wrong):
    for act in (storage.flag, storage.read, storage.where, storage.clear_flag):
        with pytest.raises(ValueError, match="not a session id"):
            act(wrong)
    with pytest.raises(ValueError, match="not a session id"):
        publish(storage, wrong, flag_of(NEW), NEW)


def test_an_unreadable_flag_is_an_error_and_a_new_upload_heals_it(storage, session_id, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(Flag, "to_bytes", lambda self: b"not json")
        publish(storage, session_id, flag_of(OLD), OLD)
    with pytest.raises(CorruptData, match="flag"):
        read(storage, session_id)
    newer = flag_of(NEW)
    publish(storage, session_id, newer, NEW)
    assert read(storage, session_id) == (newer, NEW)


def test_a_flag_that_names_no_generation_is_unreadable(tree, tmp_path, session_id):
    flag = flag_of(OLD)
    publish(tree, session_id, flag, OLD)
    path = tmp_path / session_id / ".data_analysis_mode"
    path.write_bytes(path.read_bytes().replace(flag.generation.encode(), b"../" * 10 + b"xx"))
    with pytest.raises(CorruptData, match="flag"):
        read(tree, session_id)


def test_layout_and_one_generation(tree, tmp_path, session_id):
    for data in (OLD, NEW):
        flag = flag_of(data)
        publish(tree, session_id, flag, data)
    home = tmp_path / session_id
    found = sorted(str(path.relative_to(home)) for path in home.rglob("*"))
    g = flag.generation
    assert found == sorted([".data_analysis_mode", g, f"{g}/data_analysis.csv", f"{g}/rows.csv"])
    assert json.loads((home / ".data_analysis_mode").read_text()) == {
        "generation": g,
        "filename": "rows.csv",
        "standard_name": "data_analysis.csv",
        "size": len(NEW),
        "sha256": flag.sha256,
        "uploaded_at": flag.uploaded_at,
    }


def test_asking_makes_no_folder(tree, tmp_path, session_id):
    tree.flag(session_id)
    read(tree, session_id)
    tree.clear_flag(session_id)
    tree.check()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_failure_before_the_flag_leaves_the_old_data_set(tree, tmp_path, session_id, monkeypatch, fails_at):
    old = flag_of(OLD)
    publish(tree, session_id, old, OLD)
    replace, done = files.Path.replace, []

    def failing(path, target):
        done.append(target)
        if len(done) == fails_at:
            raise OSError(28, "No space left on device")
        return replace(path, target)

    with monkeypatch.context() as full:
        full.setattr(files.Path, "replace", failing)
        with pytest.raises(StoreDown, match="No space left"):
            publish(tree, session_id, flag_of(NEW), NEW)
    assert len(done) == fails_at
    assert read(tree, session_id) == (old, OLD)
    left = sorted(path.name for path in (tmp_path / session_id).iterdir())
    assert left == sorted([".data_analysis_mode", old.generation])


def test_the_flag_is_written_last(tree, session_id, monkeypatch):
    written = []
    for name in ("_write", "_link"):
        monkeypatch.setattr(tree, name, _noting(written, getattr(tree, name)))
    publish(tree, session_id, flag_of(NEW), NEW)
    assert written == ["rows.csv", "data_analysis.csv", ".data_analysis_mode"]


def _noting(written, act):
    def note(*arguments):
        written.append(next(path for path in reversed(arguments) if isinstance(path, Path)).name)
        return act(*arguments)

    return note


def test_both_names_are_one_file_on_the_disk_and_two_where_there_are_no_links(
    tree, tmp_path, session_id, monkeypatch
):
    def refuse(*_):
        raise OSError(95, "Operation not supported")

    flag = flag_of(NEW)
    publish(tree, session_id, flag, NEW)
    one, other = (
        tmp_path / session_id / flag.generation / name for name in ("rows.csv", "data_analysis.csv")
    )
    assert one.samefile(other)
    monkeypatch.setattr(os, "link", refuse)
    flag = flag_of(OLD)
    publish(tree, session_id, flag, OLD)
    one, other = (
        tmp_path / session_id / flag.generation / name for name in ("rows.csv", "data_analysis.csv")
    )
    assert not one.samefile(other)
    assert one.read_bytes() == other.read_bytes() == OLD
    assert read(tree, session_id) == (flag, OLD)


def test_an_upload_under_way_elsewhere_is_left_alone_until_it_is_surely_dead(tree, tmp_path, session_id):
    home = tmp_path / session_id
    young, dead = home / ("1" * 32), home / ("2" * 32)
    for folder in (young, dead):
        folder.mkdir(parents=True)
    long_ago = young.stat().st_mtime - base.ABANDONED_AFTER - 1
    os.utime(dead, (long_ago, long_ago))
    publish(tree, session_id, flag_of(NEW), NEW)
    assert young.is_dir()
    assert not dead.exists()


@pytest.mark.parametrize("damage", [b"", OLD[:-1], OLD.replace(b"1", b"9")])
def test_damaged_data_is_an_error_not_an_answer(tree, tmp_path, session_id, damage):
    flag = flag_of(OLD)
    publish(tree, session_id, flag, OLD)
    (tmp_path / session_id / flag.generation / "data_analysis.csv").write_bytes(damage)
    with pytest.raises(CorruptData, match=r"rows\.csv"):
        read(tree, session_id)


def test_data_gone_beneath_its_flag_is_an_error(tree, tmp_path, session_id):
    flag = flag_of(OLD)
    publish(tree, session_id, flag, OLD)
    (tmp_path / session_id / flag.generation / "data_analysis.csv").unlink()
    with pytest.raises(CorruptData, match="the data is not"):
        read(tree, session_id)


def test_a_reader_overtaken_by_an_upload_reads_the_new_one(tree, session_id, monkeypatch):
    publish(tree, session_id, flag_of(OLD), OLD)
    newer, ask, asked = flag_of(NEW), tree.flag, []

    def slow_flag(session_id):
        seen = ask(session_id)
        if not asked:  # between the look at the flag and the look at the data
            asked.append(seen)
            monkeypatch.setattr(tree, "flag", ask)
            publish(tree, session_id, newer, NEW)
            monkeypatch.setattr(tree, "flag", slow_flag)
        return seen

    monkeypatch.setattr(tree, "flag", slow_flag)
    assert read(tree, session_id) == (newer, NEW)
    assert asked[0].generation != newer.generation


def test_shared_refuses_a_folder_that_is_no_mount(env, tmp_path):
    changes = {"STORAGE_STRATEGY": "shared", "SHARED_ROOT": str(tmp_path)}
    with pytest.raises(ConfigError, match="SHARED_ROOT_MUST_BE_MOUNT=no"):
        open_storage(Settings.from_env(env | changes))


def test_shared_refuses_a_folder_that_is_not_there(env, tmp_path):
    changes = {"STORAGE_STRATEGY": "shared", "SHARED_ROOT": str(tmp_path / "none")}
    with pytest.raises(ConfigError, match="not a folder"):
        open_storage(Settings.from_env(env | changes))


def test_a_mount_that_goes_away_is_noticed_not_written_beneath(env, tmp_path, monkeypatch, session_id):
    monkeypatch.setattr(os.path, "ismount", lambda path: path == tmp_path)
    changes = {"STORAGE_STRATEGY": "shared", "SHARED_ROOT": str(tmp_path / "root")}
    (tmp_path / "root").mkdir()
    storage = open_storage(Settings.from_env(env | changes))
    publish(storage, session_id, flag_of(OLD), OLD)
    monkeypatch.setattr(os.path, "ismount", lambda path: False)
    for act in (storage.check, lambda: storage.flag(session_id), lambda: read(storage, session_id)):
        with pytest.raises(StoreDown, match="nothing is mounted"):
            act()
    with pytest.raises(StoreDown, match="nothing is mounted"):
        publish(storage, session_id, flag_of(NEW), NEW)


def test_s3_a_lost_race_is_a_conflict_and_changes_nothing(env, s3, session_id, monkeypatch):
    storage = open_storage(Settings.from_env(env | s3))
    for first in (None, flag_of(OLD)):  # If-None-Match the first time, If-Match on replacement
        if first:
            publish(storage, session_id, first, OLD)
        winner, current, seen = flag_of(NEW), storage._current, []

        def overtaken(session_id, current=current, winner=winner, seen=seen):
            known = current(session_id)
            if not seen:
                seen.append(known)
                publish(storage, session_id, winner, NEW)
            return known

        with monkeypatch.context() as race:
            race.setattr(storage, "_current", overtaken)
            loser = flag_of(b"a\n9\n")
            with pytest.raises(StorageConflict):
                publish(storage, session_id, loser, b"a\n9\n")
        assert read(storage, session_id) == (winner, NEW)
        assert not [key for key in keys(storage, session_id) if loser.generation in key]


def test_s3_a_flag_taken_away_meanwhile_is_a_conflict(env, s3, session_id, monkeypatch):
    storage = open_storage(Settings.from_env(env | s3))
    publish(storage, session_id, flag_of(OLD), OLD)
    known = storage._current(session_id)
    storage.clear_flag(session_id)
    monkeypatch.setattr(storage, "_current", lambda _: known)
    with pytest.raises(StorageConflict):
        publish(storage, session_id, flag_of(NEW), NEW)
    assert read(storage, session_id) is None


def test_s3_a_put_whose_answer_was_lost_does_not_conflict_with_itself(env, s3, session_id, monkeypatch):
    storage = open_storage(Settings.from_env(env | s3))
    put, flag = storage._put_flag, flag_of(NEW)

    def twice(*arguments):
        put(*arguments)
        put(*arguments)  # the client tries again: the answer to the first never came

    monkeypatch.setattr(storage, "_put_flag", twice)
    publish(storage, session_id, flag, NEW)
    assert read(storage, session_id) == (flag, NEW)


def test_s3_keys_and_one_generation(env, s3, session_id):
    storage = open_storage(Settings.from_env(env | s3))
    for data in (OLD, NEW):
        flag = flag_of(data)
        publish(storage, session_id, flag, data)
    assert keys(storage, session_id) == [".data_analysis_mode", f"{flag.generation}/data_analysis.csv.zst"]


def test_s3_a_flag_is_sent_again_only_when_it_is_another(env, s3, session_id, monkeypatch):
    sent = []
    monkeypatch.setattr(s3_module, "storage_event", _noting_bytes(sent))
    here, elsewhere = (open_storage(Settings.from_env(env | s3)) for _ in "ab")
    first, second = flag_of(OLD), flag_of(NEW)
    publish(elsewhere, session_id, first, OLD)
    del sent[:]
    assert [here.flag(session_id) for _ in range(2)] == [first, first]
    publish(elsewhere, session_id, second, NEW)
    del sent[2:]
    assert [here.flag(session_id) for _ in range(2)] == [second, second]
    elsewhere.clear_flag(session_id)
    del sent[4:]
    assert [here.flag(session_id) for _ in range(2)] == [None, None]
    assert sent == [base.FLAG_SIZE, 0, base.FLAG_SIZE, 0, None, None]


def _noting_bytes(sent):
    @contextlib.contextmanager
    def note(*_):
        event = {"bytes": None}
        yield event
        sent.append(event["bytes"])

    return note


def test_s3_it_remembers_no_more_flags_than_it_may(env, s3, monkeypatch):
    monkeypatch.setattr(s3_module, "MOST_SEEN", 2)
    storage, sessions = open_storage(Settings.from_env(env | s3)), [uuid.uuid4().hex for _ in range(3)]
    flags = [flag_of(OLD) for _ in sessions]
    for one, flag in zip(sessions, flags, strict=True):
        publish(storage, one, flag, OLD)
        storage.flag(sessions[0])
    assert [storage.flag(one) for one in sessions] == flags
    assert len(storage._seen) == 2


@pytest.mark.parametrize("damage", [b"", b"no zstd at all", None])
def test_s3_damaged_data_is_an_error_not_an_answer(env, s3, session_id, damage):
    storage = open_storage(Settings.from_env(env | s3))
    flag = flag_of(OLD)
    publish(storage, session_id, flag, OLD)
    key = f"sessions/{session_id}/{flag.generation}/data_analysis.csv.zst"
    stored = storage._store.get(key).bytes().to_bytes()
    storage._store.put(key, s3_module.CODEC.compress(NEW, asbytes=True) if damage is None else damage)
    with pytest.raises(CorruptData, match=r"rows\.csv"):
        read(storage, session_id)
    storage._store.put(key, stored[:-3])
    with pytest.raises(CorruptData, match=r"rows\.csv"):
        read(storage, session_id)
    storage._store.put(key, stored)
    assert read(storage, session_id) == (flag, OLD)


def test_s3_a_large_file_travels_in_parts_and_is_never_whole_in_memory(env, s3, session_id, tmp_path):
    storage = open_storage(Settings.from_env(env | s3))
    (tmp_path / "large").write_bytes(os.urandom(12_000_000))  # more than two parts of 5 MiB
    with (tmp_path / "large").open("rb") as data:
        tracemalloc.start()
        flag = Flag.of("large.csv", ".csv", data)
        storage.publish(session_id, flag, data)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < flag.size / 2
    assert read(storage, session_id) == (flag, (tmp_path / "large").read_bytes())


def keys(storage, session_id):
    prefix = f"sessions/{session_id}/"
    return sorted(entry["path"].removeprefix(prefix) for entry in storage._store.list(prefix).collect())


def test_s3_a_bucket_that_is_gone_is_no_session_without_a_file(env, s3, session_id):
    storage = open_storage(Settings.from_env(env | s3))
    storage._store = S3Store("nowhere", client_options={"allow_http": True})
    for act in (storage.flag, storage.read, lambda one: publish(storage, one, flag_of(NEW), NEW)):
        with pytest.raises(StoreDown, match="bucket uploads"):
            act(session_id)


def test_s3_a_bucket_that_is_not_there_refuses_the_start(env, s3):
    with pytest.raises(StoreDown, match="bucket nowhere"):
        open_storage(Settings.from_env(env | s3 | {"S3_BUCKET": "nowhere"}))


def test_s3_away_is_a_503_that_names_it(start, s3, upload, monkeypatch):
    instance = start(**s3)
    # port 9: discard (RFC 863), which nothing serves
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    instance.app.extensions["v3"].storage._store = S3Store("uploads", client_options={"allow_http": True})
    response = upload(instance.client())
    assert response.status_code == 503
    assert "storage (s3, bucket uploads)" in response.json["message"]
    assert "\n" not in response.json["message"]
    ready = instance.client().get("/ready")
    assert (ready.status_code, ready.json["down"]) == (503, ["storage"])


@pytest.mark.parametrize("name", ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
def test_s3_a_wrong_key_refuses_the_start(env, s3, monkeypatch, name):
    monkeypatch.setenv(name, "AKNOBODY")
    with pytest.raises(StoreDown, match=r"bucket uploads.*403"):
        open_storage(Settings.from_env(env | s3))


def test_a_conflict_is_a_409(instance, upload, monkeypatch):
    def conflict(*_):
        raise StorageConflict("another upload of this session was published first")

    monkeypatch.setattr(instance.app.extensions["v3"].storage, "publish", conflict)
    response = upload(instance.client())
    assert (response.status_code, response.json["status"]) == (409, "error")
