"""What bench times: files of the size that they say, and totals that are those of their rows."""

import io

import pandas as pd

from scenarios.large_uploads import MEGABYTE, LargeFile


def test_a_large_file_has_its_size_and_its_totals():
    data = LargeFile.random(2)
    assert abs(len(data.csv) - 2 * MEGABYTE) < MEGABYTE / 100
    rows = pd.read_csv(io.BytesIO(data.csv))
    assert rows.groupby("Ward")["Tests"].sum().to_dict() == data.totals
