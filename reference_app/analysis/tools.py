"""The tools the model may call: typed pandas operations, never generated code.

One class a tool: its name is the tool's, its docstring the description, its fields the JSON schema and
the validation, ``rows`` the computation.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

MOST_ROWS = 50


class ToolError(Exception):
    """The model asked for something that cannot be; it is told what can."""

    def __init__(self, message: str, allowed: list[str]) -> None:
        super().__init__(message)
        self.allowed = allowed


class Tool(BaseModel):
    """A tool with its arguments."""

    model_config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)
    name: ClassVar[str]

    @property
    def limit(self) -> int:
        """How many rows of the result are shown to the model."""
        return MOST_ROWS

    def rows(self, data: pd.DataFrame) -> pd.DataFrame:
        """The result, as rows.

        Raises:
            ToolError: a column is not there, or not a number.
        """
        raise NotImplementedError


class DescribeData(Tool):
    """List the columns with their type, number of values, and range or number of distinct values."""

    name = "describe_data"

    def rows(self, data: pd.DataFrame) -> pd.DataFrame:
        lines = []
        for label, column in data.items():
            numeric = pd.api.types.is_numeric_dtype(column)
            kind = "number" if numeric else "text"
            low, high = (column.min(), column.max()) if numeric else (None, None)
            lines.append([label, kind, column.count(), column.nunique(), low, high])
        return pd.DataFrame(
            lines, columns=["column", "type", "values", "distinct", "min", "max"], dtype=object
        )


class Head(Tool):
    """Show the first n rows."""

    name = "head"
    n: int = Field(5, ge=1, le=MOST_ROWS)

    def rows(self, data: pd.DataFrame) -> pd.DataFrame:
        return data.head(self.n)


class TopRows(Tool):
    """Show the n rows with the highest (order "top") or lowest (order "bottom") value of a column."""

    name = "top_rows"
    column: str
    n: int = Field(5, ge=1, le=MOST_ROWS)
    order: Literal["top", "bottom"] = "top"

    def rows(self, data: pd.DataFrame) -> pd.DataFrame:
        column = number_column(data, self.column)
        return data.sort_values(column, ascending=self.order == "bottom", kind="stable").head(self.n)


class Aggregate(Tool):
    """Compute a statistic for each group: the sum or mean of a column, the count of rows, or the rate
    sum(column) / sum(denominator)."""

    name = "aggregate"
    group_by: str
    statistic: Literal["sum", "mean", "count", "rate"]
    column: str | None = None
    denominator: str | None = None

    def rows(self, data: pd.DataFrame) -> pd.DataFrame:
        groups = data.groupby(find_column(data, self.group_by), sort=True)
        if self.statistic == "count":
            return groups.size().rename("count").reset_index()
        if self.column is None:
            raise ToolError(f"{self.statistic} needs a column", numeric_columns(data))
        values = groups[number_column(data, self.column)]
        if self.statistic != "rate":
            return values.agg(self.statistic).rename(f"{self.statistic} of {self.column}").reset_index()
        if self.denominator is None:
            raise ToolError("rate needs a denominator", numeric_columns(data))
        below = groups[number_column(data, self.denominator)].sum()
        rate = values.sum() / below  # by zero: infinite or NaN, null in JSON
        return rate.rename(f"{self.column} / {self.denominator}").reset_index()


class FilterRows(Tool):
    """Show rows where a column compares with a value."""

    name = "filter_rows"
    column: str
    operator: Literal["==", "!=", ">", ">=", "<", "<=", "contains"]
    value: str
    n: int = Field(20, ge=1, le=MOST_ROWS)

    @property
    def limit(self) -> int:
        return self.n  # so that row_count tells of all that match

    def rows(self, data: pd.DataFrame) -> pd.DataFrame:
        column = data[find_column(data, self.column)]
        data = data[column.notna()]  # no value compares with anything, not even as different
        column = column.dropna()
        if self.operator == "contains":
            return data[column.astype(str).str.contains(self.value, case=False, regex=False)]
        if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
            column, wanted = column.astype(str).str.lower(), self.value.lower()
            return data[_compare(column, self.operator, wanted)]
        try:
            number = float(self.value)
        except ValueError:
            raise ToolError(f"{self.value!r} is not a number, {self.column} is a number", []) from None
        return data[_compare(column, self.operator, number)]


class DistinctValues(Tool):
    """List the distinct values of a column with how often each occurs."""

    name = "distinct_values"
    column: str

    def rows(self, data: pd.DataFrame) -> pd.DataFrame:
        return data[find_column(data, self.column)].value_counts(sort=False).reset_index()


class Trend(Tool):
    """Compute the sum or mean of a column for each period, in the order of the periods."""

    name = "trend"
    period_column: str
    column: str
    statistic: Literal["sum", "mean"] = "sum"

    def rows(self, data: pd.DataFrame) -> pd.DataFrame:
        period, column = find_column(data, self.period_column), number_column(data, self.column)
        totals = data.groupby(period, sort=False)[column].agg(self.statistic).reset_index()
        return totals.sort_values(period, key=_chronological, kind="stable")


TOOLS: dict[str, type[Tool]] = {
    tool.name: tool for tool in (DescribeData, Head, TopRows, Aggregate, FilterRows, DistinctValues, Trend)
}


def schemas() -> list[dict[str, Any]]:
    """The tools as the chat API wants them offered."""
    return [
        {
            "type": "function",
            "function": {
                "name": name,
                "description": " ".join((tool.__doc__ or "").split()),
                "parameters": tool.model_json_schema(),
            },
        }
        for name, tool in TOOLS.items()
    ]


def call(name: str, arguments: dict[str, Any], data: pd.DataFrame) -> dict[str, Any]:
    """Run a tool: ``{columns, rows, row_count, truncated}``, or ``{error, allowed}`` for the model."""
    if name not in TOOLS:
        return {"error": f"there is no tool {name!r}", "allowed": list(TOOLS)}
    try:
        tool = TOOLS[name](**arguments)
        return _table(tool.rows(data), tool.limit)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        return {"error": f"{place}: {first['msg']}", "allowed": list(TOOLS[name].model_fields)}
    except ToolError as error:
        return {"error": str(error), "allowed": error.allowed}
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:  # pandas, on unusual columns
        return {"error": f"{name} cannot do that with these columns: {type(error).__name__}", "allowed": []}


def kind(result: dict[str, Any]) -> str | None:
    """What went wrong, without the arguments that the message quotes."""
    if "error" not in result:
        return None
    return "unknown tool" if result["allowed"] == list(TOOLS) else "wrong arguments"


def _table(result: pd.DataFrame, limit: int) -> dict[str, Any]:
    shown = result.head(limit)
    # pandas writes plain JSON numbers, null for NaN, and dates as ISO 8601
    table = json.loads(shown.to_json(orient="split", index=False, double_precision=6, date_format="iso"))
    return {
        "columns": table["columns"],
        "rows": table["data"],
        "row_count": len(result),
        "truncated": len(result) > len(shown),
    }


def find_column(data: pd.DataFrame, name: str) -> str:
    """The column of that name; spelled exactly, or but for case and blanks around it.

    Raises:
        ToolError: there is none.
    """
    if name in data.columns:
        return name
    folded = {str(column).strip().casefold(): str(column) for column in data.columns}
    if (found := folded.get(name.strip().casefold())) is None:
        raise ToolError(f"there is no column {name!r}", [str(column) for column in data.columns])
    return found


def number_column(data: pd.DataFrame, name: str) -> str:
    """The column of that name, if it has numbers.

    Raises:
        ToolError: there is none, or it has none.
    """
    column = find_column(data, name)
    if not pd.api.types.is_numeric_dtype(data[column]):
        raise ToolError(f"column {column!r} has no numbers", numeric_columns(data))
    return column


def numeric_columns(data: pd.DataFrame) -> list[str]:
    return [str(column) for column in data.select_dtypes("number").columns]


def _compare(column: pd.Series, operator: str, wanted: str | float) -> pd.Series:
    method = {"==": "eq", "!=": "ne", ">": "gt", ">=": "ge", "<": "lt", "<=": "le"}[operator]
    matches: pd.Series = getattr(column, method)(wanted)
    return matches


def _chronological(periods: pd.Series) -> pd.Series:
    """Numbers as numbers, dates as dates; anything else as it stands in the data."""
    if pd.api.types.is_numeric_dtype(periods):
        return periods
    dates = pd.to_datetime(periods, errors="coerce", format="mixed")
    return dates if dates.notna().all() else pd.Series(range(len(periods)), index=periods.index)
