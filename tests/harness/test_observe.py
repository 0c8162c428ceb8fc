"""Reading what instances write about themselves, while they write it."""

import json

import pytest

from harness.observe import EvidenceLog


@pytest.fixture
def log(tmp_path):
    return tmp_path / "A.jsonl"


def line(request_id, **record):
    return json.dumps({"request_id": request_id, **record}) + "\n"


def append(path, text):
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def test_a_line_is_read_when_it_is_whole(log):
    evidence = EvidenceLog([log], {})
    append(log, line("1", status=200) + '{"request_id": "2", "sta')
    assert dict(evidence.read()) == {"1": {"request_id": "1", "status": 200}}
    append(log, 'tus": 500}')
    assert list(evidence.read()) == ["1"]
    append(log, "\n")
    assert evidence.read()["2"] == {"request_id": "2", "status": 500}


def test_a_line_broken_within_a_letter_is_read_when_it_is_whole(log):
    evidence = EvidenceLog([log], {})
    whole = '{"request_id": "1", "said": "é"}\n'.encode()
    log.write_bytes(whole[: whole.index("é".encode()) + 1])
    assert evidence.read() == {}
    log.write_bytes(whole)
    assert evidence.read()["1"]["said"] == "é"


def test_each_line_is_read_once(log):
    evidence = EvidenceLog([log], {})
    append(log, line("1", take=1))
    first = evidence.read()["1"]
    append(log, line("2"))
    assert evidence.read()["1"] is first


def test_the_last_record_of_a_request_counts(log):
    evidence = EvidenceLog([log], {})
    append(log, line("1", take=1) + line("1", take=2))
    assert evidence.read()["1"]["take"] == 2


@pytest.mark.parametrize(
    "broken", ["not JSON", '{"request_id": ', "[]", '"text"', "7", "{}", '{"request_id": 7}', "", "\udcff"]
)
def test_a_line_that_is_no_record_is_passed_over(log, broken):
    log.write_bytes(f"{broken}\n".encode(errors="surrogateescape") + line("1").encode())
    assert list(EvidenceLog([log], {}).read()) == ["1"]


def test_a_log_that_is_not_there_yet(log, tmp_path):
    evidence = EvidenceLog([tmp_path / "B.jsonl", log], {})
    append(log, line("1"))
    assert list(evidence.read()) == ["1"]
    append(tmp_path / "B.jsonl", line("2"))
    assert sorted(evidence.read()) == ["1", "2"]


def test_no_record_names_a_temporary_folder(log):
    evidence = EvidenceLog([log], {"/run/1/A/": "A:/", "/run/1/mount-A/": "shared-files:/"})
    append(log, line("1", storage=[{"where": "/run/1/A/x.csv"}, {"where": "/run/1/mount-A/y.csv"}]))
    assert [event["where"] for event in evidence.read()["1"]["storage"]] == [
        "A:/x.csv",
        "shared-files:/y.csv",
    ]


def test_what_the_user_reads(seen):
    assert seen("1", reply={"response": "", "message": "sorry"}).text == "sorry"
    assert seen("1", reply={"response": "7", "message": "sorry"}).text == "7"
    assert seen("1", reply=["a"]).text == "['a']"
    assert seen("1", reply=None).text == ""
    assert seen("1", reply={"mode": "x"}).value("mode") == "x"
    assert seen("1", reply="mode").value("mode") is None


def test_who_served_it(seen):
    assert seen("1").served_by == "A/1"
    assert seen("1", instance=None, worker=None).served_by == "nobody"


def test_a_request_that_was_carried_out_twice_is_counted(log):
    append(log, line("1", instance="A") + line("1", instance="B") + line("2"))
    records = EvidenceLog([log], {}).read()
    assert records["1"] == {"request_id": "1", "instance": "B", "runs": 2}
    assert records["2"] == {"request_id": "2"}
