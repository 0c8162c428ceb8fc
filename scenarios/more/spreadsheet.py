"""A spreadsheet in place of a CSV file, to every instance in turn, and a question about it."""

import io
from dataclasses import dataclass

import openpyxl

from harness.scenario import Run, Scenario
from scenarios.v3 import TOTALS, Analyst, Dataset


@dataclass(frozen=True)
class Workbook:
    """The rows of a data set as a workbook of one sheet."""

    rows: Dataset
    filename: str = "facilities.xlsx"

    @property
    def csv(self) -> bytes:
        """What is uploaded; the app goes by the suffix and the content."""
        book, out = openpyxl.Workbook(), io.BytesIO()
        sheet = book.active
        assert sheet is not None
        for row in (("Ward", "Tests", "Positive"), *self.rows.rows):
            sheet.append(list(row))
        book.save(out)
        return out.getvalue()


def story(run: Run) -> None:
    for instance in run.instances:
        analyst, data = Analyst(run, f"user-{instance}"), Dataset.random()
        analyst.uploads(Workbook(data), to=instance)
        analyst.learns(TOTALS, data.totals, to=instance)


SCENARIO = Scenario("spreadsheet", "Upload a spreadsheet to every instance", story)
