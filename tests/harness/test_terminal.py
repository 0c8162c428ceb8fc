"""What people read: a table, causes, differences and advice, without colour in a pipe."""

import pytest

from harness.diagnose import CAUSES, Diagnosis
from harness.expectations import Expectation
from harness.matrix import Cell
from harness.plays import Check, Play
from harness.report import terminal
from harness.report.advice import advice
from harness.scenario import AFFINITY, BALANCED, BROKEN, SKIPPED, UNKNOWN, WORKS


def cell(scenario, topology, verdict, expected=None, cause=None, reason=None):
    diagnosis = Diagnosis(CAUSES[cause], f"shown for {cause} {'a' * 32}") if cause else None
    line = expected and Expectation(*expected.split(": "))
    return Cell(scenario, topology, "process", verdict, line, diagnosis, reason)


CELLS = [
    cell("ask", "one", WORKS, "works"),
    cell("kill-a", "one", WORKS, "works"),
    cell("ask", "two", AFFINITY, f"{AFFINITY}: S13", "S13"),
    cell("kill-a", "two", BROKEN, "works", "D01"),
    cell("ask", "three", UNKNOWN, None, None, "the scenario raised KeyError"),
    cell("kill-a", "three", SKIPPED, "skipped", None, "needs 2 instances"),
]


@pytest.fixture
def topologies(topology):
    return [topology(name, title=name.title()) for name in ("one", "two", "three")]


@pytest.fixture(autouse=True)
def pipe(monkeypatch):
    """Nothing in the environment says how wide or colourful to print."""
    for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


def lines(capsys):
    text = capsys.readouterr().out
    assert "\x1b" not in text
    return [line.split() for line in text.splitlines()]


def test_the_table_has_words_where_there_is_room(capsys, topologies):
    terminal.show_table(terminal.console(), CELLS, topologies)
    told = lines(capsys)
    assert ["One", "works", "works"] in told
    assert ["Two", "affinity", "broken", "!"] in told
    assert ["Three", "unknown", "!", "skipped"] in told
    assert ["affinity", "=", "works", "only", "thanks", "to", "affinity"] in told
    assert ["!", "=", "not", "what", "expectations.toml", "says"] in told


def test_the_table_has_marks_where_there_is_none(capsys, monkeypatch, topologies):
    monkeypatch.setenv("COLUMNS", "80")
    terminal.show_table(terminal.console(), CELLS, topologies)
    told = lines(capsys)
    assert ["One", "+", "+"] in told
    assert ["Two", "~", "x", "!"] in told
    assert ["Three", "?", "!", "-"] in told
    assert ["1", "ask,", "2", "kill-a"] in told
    assert ["x", "=", "broken"] in told


def test_what_does_not_fit_goes_on_below(capsys, monkeypatch, topologies):
    monkeypatch.setenv("COLUMNS", "120")
    names = [f"scenario-{number}" for number in range(12)]
    terminal.show_table(terminal.console(), [cell(name, "one", WORKS, "works") for name in names], topologies)
    told = lines(capsys)
    assert [len(words) - 1 for words in told if words[:1] == ["One"]] == [9, 3]


def test_the_table_has_a_gap_where_no_cell_is_and_no_mark_without_a_difference(capsys, topologies):
    terminal.show_table(terminal.console(), CELLS[:2], topologies[:2])
    told = lines(capsys)
    assert ["Two"] in told
    assert not any("!" in words for words in told)


def test_people_read_standard_error_when_machines_read_standard_output(capsys, topologies):
    terminal.show_table(terminal.console(stderr=True), CELLS, topologies)
    out, err = capsys.readouterr()
    assert (out, "affinity" in err) == ("", True)


def test_the_causes_of_each_topology(topologies):
    again = cell("upload", "two", BROKEN, None, "D01")
    assert [line.plain for line in terminal.causes([*CELLS, again], topologies)] == [
        "One: holds in every scenario",
        "Two: D01 upload on one instance's disk (kill-a, upload)",
        "    shown for D01 aaaaaa…",
        "Two: S13 session files on one instance's disk (ask)",
        "    shown for S13 aaaaaa…",
        "Three: the scenario raised KeyError (ask)",
        "skipped: needs 2 instances (kill-a on three)",
    ]


def test_the_differences():
    assert [line.plain for line in terminal.differences(CELLS)] == [
        "not as expected: two / kill-a: broken: D01; expected works",
        "    shown for D01 aaaaaa…",
        "not as expected: three / ask: unknown (the scenario raised KeyError); "
        "expected nothing (no line in expectations.toml)",
    ]


def test_a_request_is_told_as_it_happens(capsys, seen):
    out = terminal.console()
    terminal.tell(out, 7, seen("1", label="ask [bold] [/x]", seconds=0.0123, reply="[red]a[/y]"))
    terminal.tell(out, 8, seen("2", instance=None, status=502))
    text = capsys.readouterr().out
    assert text.splitlines() == [
        "7. ask [bold] [/x] (12 ms)",
        "     browser -> nginx: POST /ask (ask [bold] [/x])",
        "     nginx -> A: worker 1, chose A/1",
        "     A -> browser: 200 [red]a[/y]",
        "8. ask (0 ms)",
        "     browser -> nginx: POST /ask (ask)",
        "   x nginx -> browser: 502: nobody served it",
    ]


def test_a_broken_check_is_told(capsys):
    out = terminal.console()
    terminal.failure(out, Play(BALANCED, checks=[Check("one [/x]", False, "no [/y]"), Check("two", False)]))
    terminal.failure(out, Play(BALANCED, checks=[Check("three", True)]))
    assert capsys.readouterr().out == "   must hold: one [/x]\n   it does not: no [/y]\n"


def test_long_lines_stay_whole(capsys):
    terminal.failure(terminal.console(), Play(BALANCED, checks=[Check("x" * 500, False, "y")]))
    assert f"   must hold: {'x' * 500}\n" in capsys.readouterr().out


def test_advice_where_nothing_failed(topologies):
    assert advice(CELLS[:2], topologies) == "What to do: nothing; no cell failed."


def test_advice_for_the_commonest_cause(topologies):
    cells = [*CELLS, cell("upload", "two", BROKEN, None, "D01"), cell("upload", "three", WORKS)]
    assert advice(cells, topologies) == (
        "What to do (D01, upload on one instance's disk): storage that every instance shares (S3, EFS). "
        "Proved in every scenario: One. Only hides the problem: Two."
    )


def test_advice_where_nothing_helps(topologies):
    assert advice([CELLS[3]], topologies).endswith("Proved in every scenario: none of these.")
