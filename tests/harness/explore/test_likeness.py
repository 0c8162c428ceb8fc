"""What varies by nature may vary, and nothing else."""

import base64
import random

import pytest

from harness.explore.likeness import Difference, compare


def places(known, found):
    return [difference.place for difference in compare(known, found)]


def test_what_is_the_same_in_each_play_must_stay_the_same():
    known = [{"rows": 3, "ok": True, "id": "a1f"}, {"rows": 3, "ok": True, "id": "9c2"}]
    assert places(known, {"rows": 3, "ok": True, "id": "77e"}) == []
    assert list(compare(known, {"rows": 0, "ok": True, "id": "77e"})) == [Difference("rows", "3", "0")]
    assert places(known, {"rows": 3, "ok": 1, "id": "77e"}) == ["ok"]
    assert places(known, {"rows": 3, "id": "77e"}) == ["ok"]
    assert places(known, {"rows": 3, "ok": True, "id": "77e", "error": "no"}) == ["error"]


def test_a_place_that_varies_keeps_its_kind():
    known = [{"took": 0.41, "by": "x-1", "note": "7 of 9"}, {"took": 1.7, "by": "y", "note": "8 of 9"}]
    assert places(known, {"took": 3, "by": "zz", "note": "11 of 9"}) == []
    assert places(known, {"took": None, "by": "zz", "note": "no of 9"}) == ["took", "note"]
    assert places(known, {"took": 3, "by": "", "note": "8 of 9"}) == ["by"]


def test_what_is_said_of_texts():
    types = ["text/plain; charset=utf-8"] * 2
    assert list(compare(types, "application/json")) == [Difference("body", types[0], "application/json")]
    lines = ["one\ntwo\nthree"] * 2
    assert list(compare(lines, "one\nTWO\nthree")) == [Difference("body", "two", "TWO")]


def test_lists():
    assert places([[1, 2], [1, 2]], [1]) == ["body"]
    assert places([[1, 2], [1, 3]], [1, 9]) == []
    assert places([{"all": [1]}, {"all": [1, 2]}], {"all": []}) == []  # it grows by nature


def test_keys_that_vary_by_nature():
    assert places([{"a1": 1}, {"b2": 1}], {"c3": 1}) == []


PAGE = """<html>
<meta name="csrf" content="{token}">
<p>Hello {name}, it is {time}.</p>
<p>You have {rows} rows.</p>
<script nonce="{nonce}">start("{token}")</script>
</html>"""


@pytest.fixture
def page():
    """Makes the page, with other tokens and another time of day each time; the same ones in each run."""
    rng = random.Random(1)

    def make(rows=12, **given):
        clock = f"{rng.randrange(24):02}:{rng.randrange(60):02}:{rng.randrange(60):02}"
        token, nonce = (base64.urlsafe_b64encode(rng.randbytes(size)).decode() for size in (24, 9))
        varying = {"token": token, "time": clock, "nonce": nonce}
        return PAGE.format(**{"name": "Ada", "rows": rows, **varying, **given})

    return make


def test_a_page_with_tokens_and_a_clock(page):
    """A hundred times, for what two random tokens have in common by chance must not count."""
    for _ in range(100):
        known = [page() for _ in range(4)]
        assert places(known, page()) == []
        (difference,) = compare(known, page(rows=0))
        assert (difference.expected, difference.found) == (
            "<p>You have 12 rows.</p>",
            "<p>You have 0 rows.</p>",
        )
        assert places(known, page(name="Bob")) == ["body"]
        assert places(known, page(token="")) == ["body"]
        assert places(known, page() + "<p>error</p>") == ["body"]


def test_a_large_page_takes_no_time_to_speak_of(page):
    rows = "".join(f"<tr><td>{number}</td><td>row {number}</td></tr>" for number in range(4000))
    known = [f"{page()}{rows}{page()}" for _ in range(2)]
    assert places(known, f"{page()}{rows}{page()}") == []
    assert places(known, f"{page()}{rows}{page(rows=1)}") == ["body"]


@pytest.mark.parametrize(
    ("known", "found", "differs"),
    [
        (["", ""], "", False),
        (["", ""], "x", True),
        (["same", "same"], "", True),
        (["same", "same"], "the same", True),
        (["", "x"], "anything", False),
        ([b"\x00\xff", b"\x00\xff"], b"\x00\xfe", True),
        ([None, None], "text", True),
        ([None, "text"], "other", False),
        ([200, 200], 404, True),
    ],
)
def test_edges(known, found, differs):
    assert bool(places(known, found)) is differs
