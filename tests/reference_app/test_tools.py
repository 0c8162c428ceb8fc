"""Each tool, against values computed by hand."""

import json

import pandas as pd
import pytest

from reference_app.analysis import tools

DATA = pd.DataFrame(
    {
        "LGA": ["North", "South", "North", "South", "East"],
        "Ward": ["a", "b", "c", "d", None],
        "month": ["2024-02", "2024-01", "2024-01", "2024-10", "2024-02"],
        "positive": [1, 2, 2, 4, 0],
        "tested": [3, 4, 4, 8, 0],
        "share": [0.5, float("nan"), 0.25, 1.5, 0.75],
        "urban": [True, False, True, False, True],
    }
)


def run(name, **arguments):
    result = tools.call(name, arguments, DATA)
    assert "error" not in result, result
    return result


def refused(name, **arguments):
    result = tools.call(name, arguments, DATA)
    assert set(result) == {"error", "allowed"}, result
    return result


def test_describe_data():
    result = run("describe_data")
    assert result["columns"] == ["column", "type", "values", "distinct", "min", "max"]
    assert result["rows"][1] == ["Ward", "text", 4, 4, None, None]
    assert result["rows"][3] == ["positive", "number", 5, 4, 0, 4]
    assert result["row_count"] == 7


def test_head_keeps_integers_and_makes_nan_null():
    result = run("head", n=2)
    assert result["rows"][1] == ["South", "b", "2024-01", 2, 4, None, False]
    assert isinstance(result["rows"][1][3], int)
    assert (result["row_count"], result["truncated"]) == (2, False)


@pytest.mark.parametrize(("order", "wards"), [("top", ["d", "b"]), ("bottom", [None, "a"])])
def test_top_rows_ties_keep_their_order(order, wards):
    assert [row[1] for row in run("top_rows", column="positive", n=2, order=order)["rows"]] == wards


@pytest.mark.parametrize(
    ("arguments", "rows"),
    [
        ({"statistic": "sum", "column": "positive"}, [["East", 0], ["North", 3], ["South", 6]]),
        ({"statistic": "mean", "column": "positive"}, [["East", 0.0], ["North", 1.5], ["South", 3.0]]),
        ({"statistic": "count"}, [["East", 1], ["North", 2], ["South", 2]]),
        (
            {"statistic": "rate", "column": "positive", "denominator": "tested"},
            [["East", None], ["North", 0.428571], ["South", 0.5]],
        ),
    ],
)
def test_aggregate(arguments, rows):
    assert run("aggregate", group_by="LGA", **arguments)["rows"] == rows


@pytest.mark.parametrize(
    ("column", "operator", "value", "wards"),
    [
        ("positive", "==", 2, ["b", "c"]),
        ("positive", "!=", "2", ["a", "d", None]),
        ("positive", ">", 2, ["d"]),
        ("positive", ">=", 2, ["b", "c", "d"]),
        ("positive", "<", 1, [None]),
        ("positive", "<=", 1, ["a", None]),
        ("LGA", "==", "south", ["b", "d"]),
        ("LGA", "contains", "OUT", ["b", "d"]),
        ("Ward", "contains", "n", []),
        ("share", "!=", 0.5, ["c", "d", None]),
        ("urban", "==", "true", ["a", "c", None]),
    ],
)
def test_filter_rows(column, operator, value, wards):
    result = run("filter_rows", column=column, operator=operator, value=value)
    assert [row[1] for row in result["rows"]] == wards


def test_a_rate_over_nothing_is_null():
    data = pd.DataFrame({"k": ["a", "b"], "n": [1, 1], "of": [0, 4]})
    arguments = {"group_by": "k", "statistic": "rate", "column": "n", "denominator": "of"}
    assert tools.call("aggregate", arguments, data)["rows"] == [["a", None], ["b", 0.25]]


@pytest.mark.parametrize(
    ("periods", "ordered"),
    [
        (["Feb 2024", "Oct 2024", "Jan 2024"], ["Jan 2024", "Feb 2024", "Oct 2024"]),
        ([10, 9, 2], [2, 9, 10]),
        (["wet", "dry", "harvest"], ["wet", "dry", "harvest"]),
    ],
)
def test_trend_knows_dates_numbers_and_leaves_the_rest(periods, ordered):
    data = pd.DataFrame({"when": periods, "n": [1, 2, 3]})
    result = tools.call("trend", {"period_column": "when", "column": "n"}, data)
    assert [row[0] for row in result["rows"]] == ordered


def test_filter_rows_counts_what_it_does_not_show():
    result = run("filter_rows", column="tested", operator=">=", value="3", n=1)
    assert (len(result["rows"]), result["row_count"], result["truncated"]) == (1, 4, True)


def test_distinct_values():
    assert run("distinct_values", column="LGA")["rows"] == [["North", 2], ["South", 2], ["East", 1]]


def test_trend_is_in_the_order_of_time():
    result = run("trend", period_column="month", column="positive", statistic="sum")
    assert result["rows"] == [["2024-01", 4], ["2024-02", 1], ["2024-10", 4]]
    means = run("trend", period_column="month", column="positive", statistic="mean")
    assert means["rows"] == [["2024-01", 2.0], ["2024-02", 0.5], ["2024-10", 4.0]]


def test_long_results_are_cut_and_say_so():
    many = pd.DataFrame({"id": range(60)})
    result = tools.call("distinct_values", {"column": "id"}, many)
    assert (len(result["rows"]), result["row_count"], result["truncated"]) == (50, 60, True)


def test_columns_match_but_for_case_and_blanks():
    assert run("distinct_values", column=" lga ")["row_count"] == 3


def test_numbers_as_text_are_numbers():
    assert run("head", n="2")["row_count"] == 2


@pytest.mark.parametrize(
    ("name", "arguments", "allowed"),
    [
        ("rm_rf", {}, list(tools.TOOLS)),
        ("distinct_values", {"column": "State"}, list(DATA.columns)),
        ("top_rows", {"column": "LGA"}, ["positive", "tested", "share"]),
        ("aggregate", {"group_by": "LGA", "statistic": "sum"}, ["positive", "tested", "share"]),
        (
            "aggregate",
            {"group_by": "LGA", "statistic": "rate", "column": "positive"},
            ["positive", "tested", "share"],
        ),
        ("aggregate", {"group_by": "LGA", "statistic": "median", "column": "positive"}, None),
        ("filter_rows", {"column": "positive", "operator": ">", "value": "many"}, []),
        ("filter_rows", {"column": "positive", "operator": "~", "value": 1}, None),
        ("head", {"n": 0}, ["n"]),
        ("head", {"rows": 3}, ["n"]),
        ("describe_data", {"unreadable": True}, []),
    ],
)
def test_refusals_say_what_is_allowed(name, arguments, allowed):
    result = refused(name, **arguments)
    assert allowed is None or result["allowed"] == allowed


def test_unusual_columns_are_refused_not_raised():
    lists = pd.DataFrame({"n": [[1], [2]]})
    assert "TypeError" in tools.call("aggregate", {"group_by": "n", "statistic": "count"}, lists)["error"]


def test_schemas_are_the_contract():
    offered = {tool["function"]["name"]: tool["function"]["parameters"] for tool in tools.schemas()}
    parameters = {name: set(schema.get("properties", {})) for name, schema in offered.items()}
    assert parameters == {
        "describe_data": set(),
        "head": {"n"},
        "top_rows": {"column", "n", "order"},
        "aggregate": {"group_by", "statistic", "column", "denominator"},
        "filter_rows": {"column", "operator", "value", "n"},
        "distinct_values": {"column"},
        "trend": {"period_column", "column", "statistic"},
    }
    assert offered["aggregate"]["required"] == ["group_by", "statistic"]
    assert all(schema["additionalProperties"] is False for schema in offered.values())
    json.dumps(tools.schemas())
