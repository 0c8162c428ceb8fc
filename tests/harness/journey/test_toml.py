"""Journeys in TOML, played against a real site; and that a mistake is named with file, line and key."""

import re

import pytest

from harness.errors import HarnessError
from harness.journey import load, play

JOURNEY = """\
name = "A report"

[vars]
title = "t-{{random}}"

[[request]]
path = "/login"
capture = { csrf = { css = "input[name=csrf]", attribute = "value" }, sid = { cookie = "sid" } }

[[request]]
method = "POST"
path = "/login"
form = { csrf = "{{csrf}}" }
status = 200
capture = { key = { json = "key" } }
assert = [{ json = "user", equals = "{{sid}}" }, { json = "$.key", matches = "^k[0-9a-f]{20}$" }]

[[request]]
method = "POST"
path = "/reports"
headers = { X-Key = "{{key}}" }
form = { title = "{{title}}" }
files = { file = "rows.csv" }
capture = { id = { json = "id" }, second = { json = "tags[1]" } }

[[request]]
user = "bob"
method = "GET"
path = "/reports/{{id}}"
[request.capture]
rows = { regex = '"rows":\\s*(\\d)' }
[[request.assert]]
json = "title"
equals = "{{title}}"
[[request.assert]]
json = "by"
equals = "{{key}}"
[[request.assert]]
json = "nobody"
exists = false

[[request]]
path = "/echo"
query = { a = ["{{second}}", "y z"], n = 3 }
capture = { next = { header = "x-next" } }
assert = [{ contains = '"a": "b"' }, { header = "X-Next", exists = true }]
"""


@pytest.fixture
def write(tmp_path):
    def put(text, name="journey.toml"):
        (tmp_path / "rows.csv").write_text("a,b\n1,2\n3,4\n")
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return put


def test_a_journey_with_everything_in_it(write, url):
    journey = load(write(JOURNEY))
    played = play(journey, lambda _: url)
    assert played.failure is None
    assert [answer.status for answer in played.answers] == [200] * 5
    assert played.answers[1].hops == ("302 /home",)
    assert (played.values["rows"], played.values["next"], played.values["second"]) == ("3", "n7", "b")
    assert isinstance(played.values["id"], int)
    assert played.jar("bob").values == {}
    assert list(played.jar("user").values) == ["sid"]
    assert (journey.name, str(journey.requests[2])) == ("A report", "POST /reports")


def test_each_play_has_fresh_users_and_another_nonce(write, url):
    one, two = (play(load(write(JOURNEY)), lambda _: url) for _ in range(2))
    assert one.values["sid"] != two.values["sid"]
    assert one.values["title"] != two.values["title"]


def test_each_request_goes_where_it_is_told(write, url):
    asked = []
    played = play(load(write(JOURNEY)), lambda number: asked.append(number) or url, host="app.example")
    assert asked == [0, 1, 2, 3, 4]
    assert played.failure is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('equals = "{{title}}"', 'equals = "other"'), "json title equals 'other': found t-"),
        (("exists = false", "exists = true"), "json nobody exists True: no nobody in the answer 200"),
        (("status = 200", "status = 201"), "status equals 201: found 200"),
        (("input[name=csrf]", "input[name=token]"), "capture csrf: no element input[name=token]"),
        (("csrf = \"{{csrf}}\" }", "csrf = \"x\" }"), "status equals 200: found 400"),
    ],
)  # fmt: skip
def test_what_does_not_hold_ends_it_and_is_told(write, url, change, said):
    played = play(load(write(JOURNEY.replace(*change))), lambda _: url)
    assert said in played.failure
    assert played.answers[-1].failures


def test_nobody_answers(write):
    played = play(load(write(JOURNEY)), lambda _: "http://127.0.0.1:1")
    assert "Connection refused" in played.failure
    assert played.answers[0].status is None


def test_a_request_that_others_need_cannot_be_left_out(write):
    journey = load(write(JOURNEY))
    assert [len(shorter.requests) if (shorter := journey.without(n)) else None for n in range(5)] == [
        None, None, None, 4, 4,
    ]  # fmt: skip


R = '[[request]]\npath = "/"\n'
BAD = {
    "nothing": ('name = "x"', "no [[request]]: nothing to send"),
    "key": (R + 'methd = "GET"', ":3: request[0].methd: 'methd' is not an allowed key"),
    "method": (R + 'method = "FETCH"', ":3: request[0].method: 'FETCH' is not an"),
    "no path": (R + "[[request]]\n", ":3: request[1].path: missing"),
    "path": ('[[request]]\npath = "upload"', ":2: request[0].path: 'upload': a path begins"),
    "name": (R + '[[request]]\npath = "/{{idd}}"', ":4: request[1].path: '{{idd}}' is not an allowed name"),
    "name asserted": (R + 'assert = [{ json = "a", equals = "{{x}}" }]', ":3: request[0].assert: '{{x}}"),
    "a request for a table": ("request = 1", ":1: request: 1 is not a list of tables"),
    "two bodies": (R + 'method = "POST"\njson = {}\nbody = "x"', ":5: request[0].body: beside json"),
    "a GET's body": (R + "form = { a = 1 }", ":3: request[0].form: a GET"),
    "source": (R + 'capture = { a = { jason = "a" } }', ":3: request[0].capture.a.jason: 'jason'"),
    "no source": (R + "capture = { a = {} }", "request[0].capture.a: exactly one of json"),
    "selector": (R + 'capture = { a = { css = "a[" } }', ":3: request[0].capture.a.css: Malformed"),
    "pattern": (R + 'capture = { a = { regex = "(" } }', ":3: request[0].capture.a.regex: '(' is no"),
    "JSON path": (R + 'capture = { a = { json = "a[b" } }', ":3: request[0].capture.a.json: 'a[b' is not"),
    "attribute": (R + 'capture = { a = { json = "a", attribute = "b" } }', "only an element"),
    "capture's name": (R + 'capture = { random = { json = "a" } }', "'random' is not a name that"),
    "no test": (R + 'assert = [{ json = "a" }]', "exactly one of equals, contains, matches, exists"),
    "file": (R + 'method = "POST"\nfiles = { f = "no.csv" }', ":4: request[0].files.f: "),
    "file without a content": (R + 'method = "POST"\nfiles = { f = { name = "a" } }', "either path or text"),
    "query": (R + "query = { a = { b = 1 } }", ":3: request[0].query.a: {'b': 1}: a text or a number"),
    "status": (R + 'status = "ok"', ":3: request[0].status: 'ok' is not a whole number"),
    "redirects": (R + "redirects = 1", ":3: request[0].redirects: 1 is neither true nor false"),
    "no TOML": ("[[request", "not a TOML file: "),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_a_mistake_is_named(write, text, said):
    path = write(text)
    with pytest.raises(HarnessError, match=f"^{re.escape(str(path))}.*{re.escape(said)}"):
        load(path)


UPLOAD = """
[[request]]
method = "POST"
path = "/reports"
files = { file = { name = "a.csv", text = "{{random}}\\n" } }
capture = { id = { json = "id" } }

[[request]]
path = "/reports/{{id}}"
"""


def test_a_file_with_its_text_beside_the_request(write, url):
    journey = load(write(UPLOAD))
    played = play(journey, lambda _: url)
    assert journey.requests[0].files[0].type == "text/csv"
    assert played.answers[1].json()["rows"] == 1


def test_what_is_no_journey(tmp_path):
    with pytest.raises(HarnessError, match=r"'.yaml' is no journey's ending; allowed: .toml, .py, .har"):
        load(tmp_path / "a.yaml")
