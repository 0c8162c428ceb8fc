"""What is taken as a data set, what is refused and how, and what a file may call itself."""

import io
import json
import re
import struct
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from reference_app.dataset import safe_name
from reference_app.storage import base

CSV = b"ward,cases,tested\nAlpha,10,40\nBeta,30,60\nGamma,20,50\n"
FRAME = pd.read_csv(io.BytesIO(CSV))
PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256))


def xlsx():
    out = io.BytesIO()
    FRAME.to_excel(out, index=False)
    return out.getvalue()


def xls():
    """The oldest form of the format (BIFF2): a stream of records, each with type and length."""

    def record(kind, body):
        return struct.pack("<HH", kind, len(body)) + body

    cells = b""
    for y, row in enumerate([list(FRAME.columns), *FRAME.values.tolist()]):
        for x, value in enumerate(row):
            place = struct.pack("<HH3x", y, x)
            if isinstance(value, str):
                cells += record(0x0004, place + bytes([len(value)]) + value.encode())
            else:
                cells += record(0x0003, place + struct.pack("<d", value))
    return record(0x0009, struct.pack("<HH", 2, 0x10)) + cells + record(0x000A, b"")


def some_zip():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "no workbook")
    return out.getvalue()


RECORDS = json.dumps(FRAME.to_dict("records")).encode()
COLUMNS = json.dumps(FRAME.to_dict("list")).encode()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("rows.csv", CSV),
        ("ROWS.CSV", CSV),
        ("bom.csv", b"\xef\xbb\xbf" + CSV),
        ("crlf.csv", CSV.replace(b"\n", b"\r\n")),
        ("rows.xlsx", xlsx()),
        ("rows.xls", xls()),
        ("rows.json", RECORDS),
        ("rows.JSON", COLUMNS),
        ("tabs.txt", CSV.replace(b",", b"\t")),
        ("commas.txt", CSV),
        ("semicolons.txt", CSV.replace(b",", b";")),
        ("pipes.txt", CSV.replace(b",", b"|")),
    ],
)
def test_taken(client, upload, name, data):
    response = upload(client, data, name)
    assert response.status_code == 200, response.text
    assert response.json == {
        "status": "success",
        "message": f"{response.json['filename']} uploaded: 3 rows, 3 columns",
        "session_id": response.json["session_id"],
        "filename": name.rpartition(".")[0] + "." + name.rpartition(".")[2].lower(),
        "file_size": len(data),
        "metadata": {"rows": 3, "columns": 3, "column_names": ["ward", "cases", "tested"]},
        "instance": "A",
    }
    assert re.fullmatch(r"[0-9a-f]{32}", response.json["session_id"])


def test_windows_encoding_and_nested_json_are_read(client, upload):
    latin = upload(client, "ward,cases\nB\xe9ta,1\n".encode("cp1252"))
    assert latin.json["metadata"]["rows"] == 1
    nested = upload(client, b'[{"a": {"b": 1}, "c": [1, 2]}]', "n.json")
    assert nested.json["metadata"]["column_names"] == ["c", "a.b"]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty.csv", b"", "empty"),
        ("blank.csv", b" \n\n", "empty"),
        ("header.csv", b"a,b\n", "no rows"),
        ("blank-rows.csv", b"a,b\n,\n,\n", "no rows"),
        ("picture.csv", PNG, "null bytes"),
        ("nul.txt", b"a,b\n1,\x002\n", "null bytes"),
        ("undecodable.csv", b"a,b\n\x81\x8d,2\n", "not text"),
        ("ragged.csv", b"a,b\n1,2\n1,2,3\n", "cannot be read as csv"),
        ("surplus.csv", b"a,b\n1,2,3\n4,5,6\n", "more cells"),
        ("surplus-by-luck.csv", b"a,b\n0,2,3\n1,5,6\n", "more cells"),
        ("surplus.txt", b"a|b\n1|2|3\n", "more cells"),
        ("twins.csv", b"a,a \n1,2\n", "same name"),
        ("prose.txt", b"no table here\njust words\n", "no table"),
        ("text.xlsx", CSV, "not an xlsx"),
        ("zip.xlsx", some_zip(), "cannot be read as xlsx"),
        ("cut.xlsx", xlsx()[:-200], "not an xlsx"),
        ("text.xls", CSV, "cannot be read as xls"),
        ("zip.xls", xlsx(), "cannot be read as xls"),
        ("broken.json", b'[{"a": 1}', "cannot be read as json"),
        ("number.json", b"1", "neither a list of records"),
        ("numbers.json", b"[1, 2]", "neither a list of records"),
        ("uneven.json", b'{"a": [1], "b": [1, 2]}', "cannot be read as json"),
        ("nothing.json", b"[]", "no rows"),
        ("deep.json", b"[" * 100_000, "cannot be read as json"),
        ("tool.exe", CSV, "Invalid file type .exe"),
        ("csv", CSV, "without a suffix"),
        ("rows.csv.gz", CSV, "Invalid file type .gz"),
    ],
)
def test_refused(instance, upload, name, data, said, tmp_path):
    response = upload(instance.client(), data, name)
    assert (response.status_code, response.json["status"]) == (400, "error"), response.text
    assert said in response.json["message"]
    assert list((tmp_path / "uploads").iterdir()) == []
    assert "Set-Cookie" not in response.headers


def test_a_character_across_two_parts_is_read(client, upload, monkeypatch):
    monkeypatch.setattr(base, "PART", 7)
    found = upload(client, "ward,cases\nKàno,1\nBéta,2\n".encode())
    assert found.json["metadata"]["rows"] == 2


def test_no_file(client):
    url = "/api/data-analysis/upload"
    for sent in (
        {},
        {"data": {"file": "text"}},
        {"json": {"file": "x"}},
        {"data": {"file": (io.BytesIO(), "")}},
    ):
        response = client.post(url, **sent)
        assert (response.status_code, response.json["status"]) == (400, "error")
        assert response.json["message"] in ("No file provided", "No file selected")


def test_too_large(start, upload):
    instance = start(MAX_CONTENT_LENGTH="400")
    response = upload(instance.client(), CSV * 10)
    assert (response.status_code, response.json["status"]) == (413, "error")
    assert "400 bytes" in response.json["message"]
    assert upload(instance.client()).status_code == 200


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../x.csv", "x.csv"),
        ("/etc/cron.d/x.csv", "x.csv"),
        ("....csv", "upload.csv"),
        (".data_analysis_mode.csv", "data_analysis_mode.csv"),
        ("data_analysis.csv", "data_analysis.csv"),
        ("日本.csv", "upload.csv"),
        ("Kano été.csv", "Kano_ete.csv"),
        ("n" * 500 + ".csv", "n" * 120 + ".csv"),
        ("a b;rm -rf.csv", "a_brm_-rf.csv"),
    ],
)
def test_a_name_stays_in_its_folder(client, upload, tmp_path, sent, kept):
    response = upload(client, name=sent)
    assert response.json["filename"] == kept, response.text
    home = tmp_path / "uploads" / response.json["session_id"]
    (generation,) = (path for path in home.iterdir() if path.is_dir())
    assert {path.name for path in generation.iterdir()} == {kept, "data_analysis.csv"}
    assert set(tmp_path.rglob("*.csv")) == set(generation.iterdir())


@pytest.mark.parametrize("sent", ["..\\..\\x.csv", "C:\\data\\x.csv", "a/..\\x.csv"])
def test_backslashes_are_paths_too(sent):
    assert safe_name(sent) == "x.csv"


def test_a_second_upload_replaces_the_first_within_one_session(client, upload, tmp_path):
    first = upload(client).json["session_id"]
    second = upload(client, b"x\n1\n", "other.csv")
    assert second.json["session_id"] == first
    assert client.get("/api/data-analysis/status").json["filename"] == "other.csv"
    assert {path.name for path in tmp_path.rglob("*.csv")} == {"other.csv", "data_analysis.csv"}


def test_a_client_cannot_choose_its_session_id(client, upload):
    wanted = "f" * 32
    assert upload(client, session_id=wanted).json["session_id"] != wanted


def test_an_upload_that_cannot_be_stored_changes_no_session(instance, upload, monkeypatch):
    client = instance.client()
    upload(client)
    monkeypatch.setattr(Path, "replace", _full)
    failed = upload(client, b"x\n1\n", "other.csv")
    assert failed.status_code == 503
    assert "storage (local)" in failed.json["message"]
    assert client.get("/api/data-analysis/status").json["filename"] == "wards.csv"


def _full(*_):
    raise OSError(28, "No space left on device")
