"""Recordings: one by a real browser, played by fresh users; and what is kept of a made-up one."""

import base64
import json
import shutil

import pytest

from harness.errors import HarnessError
from harness.journey import load, play

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FETCH = """async () => {
  const home = await (await fetch("/home")).json();
  const form = new FormData();
  form.append("title", "mine");
  const sent = {method: "POST", body: form, headers: {"X-Key": home.key}};
  const made = await (await fetch("/reports", sent)).json();
  return (await fetch(`/reports/${made.id}`)).status;
}"""


@pytest.fixture
def record(url, tmp_path):
    """What somebody does in a real browser: logs in, makes a report, looks at it."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on PATH; apt-get install chromium")
    playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")

    def recording():
        with playwright.sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
            context = browser.new_context(record_har_path=tmp_path / "recorded.har")
            page = context.new_page()
            page.goto(f"{url}/login")
            page.evaluate("document.forms[0].submit()")
            page.wait_for_url("**/home")
            assert page.evaluate(FETCH) == 200
            context.close()
            browser.close()
        return tmp_path / "recorded.har"

    return recording


def test_what_a_browser_recorded_is_played_with_tokens_of_its_own(record, url):
    journey = load(record())
    captures = {str(request): [str(one.place) for one in request.captures] for request in journey.requests}
    assert 'css input[name="csrf"] value' in captures["GET /login"]
    played = [play(journey, lambda _: url) for _ in range(2)]
    for one in played:
        assert one.failure is None
        assert [answer.status for answer in one.answers] == [200, 302, 200, 200, 200, 200]
        report = one.answers[-1].json()
        assert (report["title"], report["by"]) == ("mine", one.answers[-3].json()["key"])
    assert played[0].answers[-1].sent != played[1].answers[-1].sent


SITE = "https://app.example"


def entry(method, path, *, answer="", kind="text/html", status=200, site=SITE, sent=None, **more):
    request = {"method": method, "url": site + path, "headers": more.get("headers", [])}
    if sent is not None:
        request["postData"] = sent
    content = {"mimeType": kind, "text": answer, **more.get("content", {})}
    headers = [{"name": "Content-Type", "value": kind}, *more.get("back", [])]
    return {"request": request, "response": {"status": status, "headers": headers, "content": content}}


@pytest.fixture
def recorded(tmp_path):
    def read(*entries):
        path = tmp_path / "r.har"
        path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
        return load(path)

    return read


def sent(journey):
    return [f"{request.method} {request.path}" for request in journey.requests]


def places(journey):
    return {one.name: str(one.place) for request in journey.requests for one in request.captures}


def test_static_files_and_other_sites_are_dropped(recorded):
    journey = recorded(
        entry("GET", "/"),
        entry("GET", "/app.js?v=1", kind="text/javascript"),
        entry("GET", "/logo", kind="image/png"),
        entry("GET", "/x", site="https://cdn.example"),
        entry("OPTIONS", "/api"),
        entry("GET", "/blocked", status=0),
        entry("GET", "/ws", status=101),
        entry("POST", "/picture.png", kind="image/png"),
    )
    assert sent(journey) == ["GET /", "POST /picture.png"]
    assert journey.notes[0] == "2 of 8 recorded requests, of app.example"
    assert not journey.requests[0].redirects


def test_headers_that_the_browser_decides_are_dropped(recorded):
    names = [":authority", "Cookie", "User-Agent", "sec-ch-ua", "If-None-Match", "X-Requested-With", "accept"]
    journey = recorded(entry("GET", "/", headers=[{"name": name, "value": "v"} for name in names]))
    assert set(journey.requests[0].headers) == {"X-Requested-With", "accept"}


JSON = "application/json"
TOKEN = "9f8e7d6c5b4a"


@pytest.mark.parametrize(
    ("first", "then", "place"),
    [
        (entry("GET", "/", answer='{"job": {"id": 7}}', kind=JSON), "/jobs/7", "json job.id"),
        (entry("GET", "/", answer=f'<a href="/d/7?k={TOKEN}">'), f"/d/7?k={TOKEN}", "regex"),
        (entry("POST", "/", status=303, back=[{"name": "Location", "value": "/d/7"}]), "/d/7", "header"),
        (entry("GET", "/", answer=f'<script>k = "{TOKEN}"'), f"/x?key={TOKEN}", "regex"),
        (entry("GET", "/", answer=f'["{TOKEN}"]', kind=JSON), f"/x?key={TOKEN}", "json [0]"),
    ],
    ids=["id", "link", "redirect", "script", "text"],
)  # fmt: skip
def test_a_token_is_captured_where_an_answer_gave_it(recorded, first, then, place):
    journey = recorded(first, entry("GET", then))
    (found,) = places(journey).values()
    assert found.startswith(place)
    assert "{{" in journey.requests[1].path
    assert TOKEN not in journey.requests[1].path


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (entry("GET", "/", answer='{"count": 7}', kind=JSON), "/jobs/7"),
        (entry("GET", f"/?name={TOKEN}", answer=f'{{"id": "{TOKEN}"}}', kind=JSON), f"/x?key={TOKEN}"),
        (entry("GET", "/", answer='<a href="/about">'), "/about"),
    ],
    ids=["a number that is no id", "what the user typed", "a link without an id"],
)
def test_what_is_no_token_stays(recorded, first, then):
    journey = recorded(first, entry("GET", then))
    assert places(journey) == {}
    assert sent(journey)[1] == f"GET {then}"


def test_bodies_and_bearer_tokens(recorded):
    gave = base64.b64encode(json.dumps({"access": TOKEN, "items": [{"id": 41}]}).encode()).decode()
    first = entry("GET", "/", kind=JSON, answer=gave, content={"encoding": "base64"})
    bearer = [{"name": "Authorization", "value": f"Bearer {TOKEN}"}]
    body = {"mimeType": JSON, "text": '{"item_id": 41, "n": 3, "on": true, "tags": ["x"]}'}
    form = {"mimeType": "application/x-www-form-urlencoded", "text": "a=1&a=2&b="}
    journey = recorded(first, entry("POST", "/a", sent=body, headers=bearer), entry("POST", "/b", sent=form))
    assert journey.requests[1].headers == {"Authorization": "Bearer {{authorization}}"}
    assert journey.requests[1].json == {"item_id": "{{item_id}}", "n": 3, "on": True, "tags": ["x"]}
    assert journey.requests[2].form == (("a", "1"), ("a", "2"), ("b", ""))
    assert places(journey) == {"authorization": "json access", "item_id": "json items[0].id"}


def test_an_upload_that_was_not_recorded_is_no_empty_one(recorded):
    kind = [{"name": "Content-Type", "value": "multipart/form-data; boundary=X"}]  # Playwright's, with a file
    with pytest.raises(
        HarnessError, match=r"log\.entries\[0\]: the body of POST /up is not in the recording"
    ):
        recorded(entry("POST", "/up", headers=kind))


def test_a_file_that_the_browser_left_out(recorded, tmp_path):
    multipart = {
        "mimeType": "multipart/form-data; boundary=X",
        "text": '--X\r\nContent-Disposition: form-data; name="t"\r\n\r\nhello\r\n'
        '--X\r\nContent-Disposition: form-data; name="f"; filename="rows.csv"\r\n'
        "Content-Type: text/csv\r\n\r\n\r\n--X--\r\n",
    }
    with pytest.raises(
        HarnessError, match=r"log\.entries\[0\]: the content of 'rows\.csv' is not in the rec"
    ):
        recorded(entry("POST", "/up", sent=multipart))
    (tmp_path / "rows.csv").write_bytes(b"1\n")
    (request,) = recorded(entry("POST", "/up", sent=multipart)).requests
    assert request.form == (("t", "hello"),)
    assert [(file.field, file.name, file.content) for file in request.files] == [("f", "rows.csv", b"1\n")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{\n  3", r"r\.har:2: not a HAR file: "),
        ("{}", r"r\.har: log\.entries: missing: not a HAR file"),
        ('{"log": {"entries": []}}', r"log\.entries: none of 0 requests is a page's"),
        ('{"log": {"entries": [{"request": {}}]}}', r"log\.entries\[0\]: no request with url"),
        (
            '{"log": {"pages": [{"startedDateTime": "x"}], "entries": [\n{"startedDateTime": "x",\n'
            '"request": {"url": "http://a/", "method": "GET"}, "response": {"status": 200,\n'
            '"content": {"text": "\\"startedDateTime\\": 1"}}},\n{"startedDateTime": "x"}]}}',
            r"r\.har:5: log\.entries\[1\]: no request with url",
        ),
    ],
)
def test_a_mistake_is_named(tmp_path, text, said):
    (tmp_path / "r.har").write_text(text)
    with pytest.raises(HarnessError, match=said):
        load(tmp_path / "r.har")
