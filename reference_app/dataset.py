"""From bytes to rows: what is taken as a data set, by content and not by suffix alone."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any, BinaryIO, TextIO, cast

import pandas as pd
from werkzeug.utils import secure_filename

from reference_app.errors import BadUpload
from reference_app.storage.base import parts

LONGEST_NAME = 120
DELIMITERS = ",\t;|"
ENCODINGS = ("utf-8-sig", "cp1252")
"""UTF-8, and what spreadsheets on Windows save."""

COLUMNAR = ".arrow"
SLOW = frozenset({".xlsx", ".xls", ".json"})
"""What takes some thirty times as long to parse as its rows take to read in columns. With CSV what is won is
what the larger file costs on its way (docs/performance.md)."""

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


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


def parse(suffix: str, data: BinaryIO) -> pd.DataFrame:
    """The rows of a file.

    Raises:
        BadUpload: empty, or not what its suffix says; the message says how.
    """
    if not any(part.strip() for part in parts(data)):
        raise BadUpload("The file is empty")
    data.seek(0)
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


@contextlib.contextmanager
def standard(suffix: str, data: BinaryIO, frame: pd.DataFrame) -> Iterator[tuple[str, BinaryIO]]:
    """What other workers are to read in place of the file, and its suffix.

    The rows in columns where that pays and loses nothing, else the file itself.
    """
    if suffix not in SLOW or frame.dtypes.eq("object").any():  # an object may be anything
        yield suffix, data
        return
    with tempfile.TemporaryFile() as columns:
        frame.to_feather(columns, compression="uncompressed")
        yield COLUMNAR, cast(BinaryIO, columns)


def stored(name: str, data: BinaryIO) -> pd.DataFrame:
    """The rows of what ``standard`` gave, under a name with its suffix."""
    data.seek(0)
    return pd.read_feather(data) if name.endswith(COLUMNAR) else parse(suffix_of(name), data)


@contextlib.contextmanager
def _text(data: BinaryIO) -> Iterator[TextIO]:
    """The file as text, once it is known to be text; the file stays open."""
    if any(b"\0" in part for part in parts(data)):
        raise BadUpload("The file is not text: it has null bytes; is its suffix right?")
    encoding = next((name for name in ENCODINGS if _is_text(data, name)), None)
    if encoding is None:
        raise BadUpload("The file is not text in UTF-8 or Windows-1252; is its suffix right?")
    data.seek(0)
    text = io.TextIOWrapper(data, encoding, newline="")
    try:
        yield text
    finally:
        text.detach()


def _is_text(data: BinaryIO, encoding: str) -> bool:
    """Whether it can be decoded; Windows-1252, which nearly anything is, without control characters."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        decoded = (decoder.decode(part, final=not part) for part in (*parts(data), b""))
        return all(encoding == "utf-8-sig" or not CONTROL.search(text) for text in decoded)
    except UnicodeDecodeError:
        return False


def _csv(data: BinaryIO) -> pd.DataFrame:
    with _text(data) as text:
        return _delimited(text, ",")


def _txt(data: BinaryIO) -> pd.DataFrame:
    with _text(data) as text:
        header = next((line for line in text if line.strip()), "")
        delimiter = max(DELIMITERS, key=header.count)
        if delimiter not in header:
            raise BadUpload("The text has no table in it: its first line has no tab, comma, semicolon or |")
        return _delimited(text, delimiter)


def _delimited(text: TextIO, delimiter: str) -> pd.DataFrame:
    text.seek(0)
    rows = (row for row in csv.reader(text, delimiter=delimiter) if row)
    header, first = next(rows, []), next(rows, [])
    if len(first) > len(header):  # pandas would take the surplus for row labels, and shift every name
        raise BadUpload("The rows have more cells than the header has names")
    text.seek(0)
    return pd.read_csv(text, sep=delimiter)


def _json(data: BinaryIO) -> pd.DataFrame:
    with _text(data) as text:
        content: Any = json.load(text)
    if isinstance(content, dict) and all(isinstance(column, list) for column in content.values()):
        return pd.DataFrame(content).map(_flat)
    if isinstance(content, list) and all(isinstance(record, dict) for record in content):
        return pd.json_normalize(content).map(_flat)
    raise BadUpload("The JSON is neither a list of records nor an object of columns")


def _flat(cell: Any) -> Any:
    """A list or object within a cell as text: a table's cells are numbers and words."""
    return json.dumps(cell, ensure_ascii=False) if isinstance(cell, list | dict) else cell


def _xlsx(data: BinaryIO) -> pd.DataFrame:
    if not zipfile.is_zipfile(data):
        raise BadUpload("The file is not an xlsx workbook")
    return pd.read_excel(data, engine="calamine")


def _xls(data: BinaryIO) -> pd.DataFrame:
    return pd.read_excel(data, engine="xlrd")


READERS: dict[str, Callable[[BinaryIO], pd.DataFrame]] = {
    ".csv": _csv,
    ".xlsx": _xlsx,
    ".xls": _xls,
    ".json": _json,
    ".txt": _txt,
}


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
