"""Journeys written in Python: a function that acts, or a list of requests."""

import re

import pytest

from harness.errors import HarnessError
from harness.journey import load, play

STORY = """\
def journey(client):
    bob = client.user("bob")
    made = client.post("/reports", form={"title": client.random}, files={"file": ("a.csv", "1\\n2\\n")})
    shown = bob.get(f"/reports/{made.json()['id']}")
    assert shown.status == 200
    assert shown.json()["title"] == client.random, shown.text
"""
LIST = """\
from harness.journey import Capture, Place, Request

JOURNEY = [
    Request("POST", "/reports", json={"title": "{{random}}"}, captures=(Capture("id", Place("json", "id")),)),
    Request("GET", "/reports/{{id}}"),
]
"""


@pytest.fixture
def write(tmp_path):
    def put(text):
        (tmp_path / "journey.py").write_text(text, encoding="utf-8")
        return tmp_path / "journey.py"

    return put


@pytest.mark.parametrize("text", [STORY, LIST], ids=["function", "list"])
def test_it_is_played(write, url, text):
    asked = []
    played = play(load(write(text)), lambda number: asked.append(number) or url)
    assert played.failure is None
    assert asked == [0, 1]
    assert [answer.status for answer in played.answers] == [200, 200]
    assert played.answers[1].json()["title"] == played.values["random"]


def test_a_story_that_does_not_hold_tells_its_line(write, url):
    path = write(STORY.replace("reports/{made", "reports/9{made"))
    assert play(load(path), lambda _: url).failure == f"{path}:5: AssertionError"
    failure = play(load(path), lambda _: "http://127.0.0.1:1").failure
    assert failure.startswith(f"{path}:3: ConnectionError: POST /reports: NewConnectionError")


SOCKET = """\
def journey(client):
    client.get("/login")
    with client.websocket("/echo"):
        pass
"""


def test_a_websocket_that_is_refused_tells_its_line(write, url):
    pytest.importorskip("websockets", reason="pip install websockets")
    path, asked = write(SOCKET), []
    played = play(load(path), lambda number: asked.append(number) or url)
    assert played.failure.startswith(f"{path}:3: ConnectionError: GET /echo: server rejected WebSocket")
    assert asked == [0, 1]
    assert [answer.status for answer in played.answers] == [200, None]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = (", ":1: '(' was never closed"),
        ("\nimport no_such_module", ":2: ModuleNotFoundError: No module named 'no_such_module'"),
        ("x = 1", ": neither a function journey(client) nor a list JOURNEY"),
        ("JOURNEY = 3", ": JOURNEY: 3 is not a list"),
        ("JOURNEY = 2 * [3]", ": JOURNEY[0]: 3 is not a harness.journey.Request"),
        (LIST.replace("{{id}}", "{{no}}"), ":5: JOURNEY[1]: {{no}} is not known here: id, random are"),
    ],
)
def test_a_mistake_is_named(write, text, said):
    path = write(text)
    with pytest.raises(HarnessError, match=f"^{re.escape(str(path) + said)}"):
        load(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(HarnessError, match=r"no\.py: cannot be read: No such file"):
        load(tmp_path / "no.py")
