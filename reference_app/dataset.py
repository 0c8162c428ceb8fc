"""From bytes to rows: what is taken as a data set, by content and not by suffix alone."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import pandas as pd
from werkzeug.utils import secure_filename

from reference_app.errors import BadUpload

LONGEST_NAME = 120
DELIMITERS = ",\t;|"


def safe_name(filename: str) -> str:
    """A file name without any path, that no file system refuses; the suffix is kept.

    Raises:
        BadUpload: the suffix is not one that is taken.
    """
    suffix = suffix_of(filename)
    stem = secure_filename(filename.replace("\\", "/").rpartition("/")[2])
    stem = stem[: -len(suffix)] if stem.lower().endswith(suffix) else ""
    return f"{stem.strip('._')[:LONGEST_NAME] or 'upload'}{suffix}"


def suffix_of(filename: str) -> str:
    """The suffix in lower case.

    Raises:
        BadUpload: it is not one that is taken.
    """
    suffix = PurePosixPath(filename).suffix.lower()
    if suffix not in READERS:
        raise BadUpload(f"Invalid file type {suffix or 'without a suffix'}; allowed: {', '.join(READERS)}")
    return suffix


def parse(suffix: str, data: bytes) -> pd.DataFrame:
    """The rows of a file.

    Raises:
        BadUpload: empty, or not what its suffix says; the message says how.
    """
    if not data.strip():
        raise BadUpload("The file is empty")
    try:
        frame = READERS[suffix](data)
    except BadUpload:
        raise
    except Exception as error:  # each reader fails in its own ways; all of them mean: not this type
        raise BadUpload(f"The file cannot be read as {suffix[1:]}: {_first_line(error)}") from error
    frame = frame.dropna(how="all").dropna(how="all", axis="columns")
    frame.columns = pd.Index([str(name).strip() for name in frame.columns])
    if frame.empty:
        raise BadUpload("The file has no rows of data below its header")
    if not frame.columns.is_unique:
        raise BadUpload("Two columns have the same name")
    return frame.reset_index(drop=True)


def _text(data: bytes) -> str:
    if b"\0" in data:
        raise BadUpload("The file is not text: it has null bytes; is its suffix right?")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    text = data.decode("cp1252", errors="replace")  # what spreadsheets on Windows save
    strange = sum(char == "\ufffd" or (ord(char) < 32 and char not in "\t\r\n") for char in text)
    if strange:
        raise BadUpload("The file is not text in UTF-8 or Windows-1252; is its suffix right?")
    return text


def _csv(data: bytes) -> pd.DataFrame:
    return _delimited(_text(data), ",")


def _txt(data: bytes) -> pd.DataFrame:
    text = _text(data)
    header = text.lstrip().partition("\n")[0]
    delimiter = max(DELIMITERS, key=header.count)
    if delimiter not in header:
        raise BadUpload("The text has no table in it: its first line has no tab, comma, semicolon or |")
    return _delimited(text, delimiter)


def _delimited(text: str, delimiter: str) -> pd.DataFrame:
    rows = (row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row)
    header, first = next(rows, []), next(rows, [])
    if len(first) > len(header):  # pandas would take the surplus for row labels, and shift every name
        raise BadUpload("The rows have more cells than the header has names")
    return pd.read_csv(io.StringIO(text), sep=delimiter)


def _json(data: bytes) -> pd.DataFrame:
    content: Any = json.loads(_text(data))
    if isinstance(content, dict) and all(isinstance(column, list) for column in content.values()):
        return pd.DataFrame(content).map(_flat)
    if isinstance(content, list) and all(isinstance(record, dict) for record in content):
        return pd.json_normalize(content).map(_flat)
    raise BadUpload("The JSON is neither a list of records nor an object of columns")


def _flat(cell: Any) -> Any:
    """A list or object within a cell as text: a table's cells are numbers and words."""
    return json.dumps(cell, ensure_ascii=False) if isinstance(cell, list | dict) else cell


def _xlsx(data: bytes) -> pd.DataFrame:
    if not zipfile.is_zipfile(io.BytesIO(data)):
        raise BadUpload("The file is not an xlsx workbook")
    return pd.read_excel(io.BytesIO(data), engine="openpyxl")


def _xls(data: bytes) -> pd.DataFrame:
    return pd.read_excel(io.BytesIO(data), engine="xlrd")


READERS: dict[str, Callable[[bytes], pd.DataFrame]] = {
    ".csv": _csv,
    ".xlsx": _xlsx,
    ".xls": _xls,
    ".json": _json,
    ".txt": _txt,
}


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
