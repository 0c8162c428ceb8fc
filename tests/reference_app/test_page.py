"""The chat page in a real browser, against the real app and the scripted LLM."""

import shutil
import threading
from contextlib import contextmanager

import pytest
from werkzeug.serving import make_server

from harness.services.scripted_llm.app import create_app as create_llm
from reference_app.app import create_app

playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH; apt-get install chromium")

CSV = "ward,cases\nAlpha,1047\nBeta,2093\nAlpha,5\n"
HOSTILE = "<img src=x onerror=\"document.title='owned'\">"
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)
SUM = 'What is the sum of "cases" by "ward"?'


@contextmanager
def served(app):
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET.split())
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with served(create_llm(model="m")) as llm:
        env = {
            "SECRET_KEY": "0123456789abcdef",
            "INSTANCE_NAME": "A",
            "UPLOAD_ROOT": str(tmp_path_factory.mktemp("uploads")),
            "OPENAI_BASE_URL": f"{llm}/v1",
            "OPENAI_API_KEY": "k",
            "OPENAI_MODEL": "m",
            "MAX_CONTENT_LENGTH": "100000",
        }
        with served(create_app(env)) as app:
            yield app


@pytest.fixture
def complaints():
    """What the browser said against the page: errors, and violations of its content security policy."""
    return []


@pytest.fixture
def page(browser, url, complaints):
    context = browser.new_context()
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "Security" in said.text else None)
    page.set_default_timeout(10_000)
    page.goto(url)
    yield page
    context.close()


def upload(page, name="rows.csv", text=CSV):
    page.set_input_files("#file", {"name": name, "mimeType": "text/csv", "buffer": text.encode()})
    page.click("#upload")


def ask(page, question):
    page.fill("#message", question)
    page.click("#send")
    page.wait_for_selector("#send:enabled")
    return page.locator("#log article").last


def test_upload_then_ask(page, complaints):
    upload(page)
    playwright.expect(page.locator("#state")).to_have_text(
        "Data set: rows.csv (3 rows, 2 columns, taken by A)"
    )
    answer = ask(page, SUM)
    rows = answer.locator("tbody tr").all_inner_texts()
    assert rows == ["Alpha\t1052", "Beta\t2093"]
    badges = answer.locator(".badges li").all_inner_texts()
    assert badges[0].startswith("instance A, worker ")
    assert badges[1:] == ["Data Analysis", "tool aggregate"]
    assert complaints == []


def test_progress_is_shown_while_it_uploads(page):
    shown = page.evaluate(
        """() => new Promise((resolve) => {
            const seen = [];
            new MutationObserver(() => seen.push(document.getElementById("percent").textContent))
                .observe(document.getElementById("percent"), {childList: true});
            new MutationObserver(() => resolve(seen)).observe(
                document.getElementById("state"), {childList: true});
            const data = new DataTransfer();
            data.items.add(new File(["a,b\\n" + "1,2\\n".repeat(20000)], "big.csv", {type: "text/csv"}));
            document.getElementById("file").files = data.files;
            document.getElementById("upload-form").requestSubmit();
        })"""
    )
    assert shown[0] == "0 %"
    assert shown[-1].startswith("100 %")
    assert page.locator("#progress-box").is_hidden()


def test_the_normal_workflow_is_told_apart(page, url):
    answer = ask(page, "What is malaria?")
    assert "normal workflow" in answer.locator(".badges li").all_inner_texts()
    upload(page)
    playwright.expect(page.locator("#state")).to_contain_text("rows.csv")
    page.context.clear_cookies()  # as if another instance did not know the session
    badges = ask(page, SUM).locator(".badges li").all_inner_texts()
    assert "the normal workflow answered although you uploaded rows.csv" in badges


def test_nothing_from_data_or_model_becomes_markup(page, complaints):
    quoted = HOSTILE.replace('"', '""')
    upload(page, f"{HOSTILE}.csv", f'"{quoted}",n\n<b>bold</b>,7\n')
    playwright.expect(page.locator("#state")).to_contain_text("1 rows, 2 columns")
    answer = ask(page, "Show the first 5 rows")
    assert HOSTILE in answer.locator("th").all_inner_texts()
    assert "<b>bold</b>" in answer.locator("td").all_inner_texts()
    ask(page, f"What is {HOSTILE}?")
    assert page.locator("img").count() == page.locator("b").count() == 0
    assert page.title() == "ChatMRPT: Data Analysis"
    assert complaints == []


def test_scripts_that_are_not_the_pages_own_do_not_run(page, complaints):
    page.evaluate("(hostile) => document.body.insertAdjacentHTML('beforeend', hostile)", HOSTILE)
    page.evaluate("document.images[0].decode().catch(() => {})")
    assert page.title() == "ChatMRPT: Data Analysis"
    assert any("Content Security Policy" in said for said in complaints)


def test_the_whole_journey_by_keyboard(page):
    page.set_input_files("#file", {"name": "k.csv", "mimeType": "text/csv", "buffer": CSV.encode()})
    page.focus("#file")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "upload"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focus must be seen"
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#message")).to_be_focused()
    page.keyboard.type(SUM)
    page.keyboard.press("Enter")
    playwright.expect(page.locator("#log article.answer")).to_contain_text("Alpha: 1052")
    playwright.expect(page.locator("#message")).to_be_focused()
    playwright.expect(page.locator("#message")).to_have_value("")


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_no_sideways_scrolling(page, width):
    page.set_viewport_size({"width": width, "height": 700})
    wide = ",".join(f"a_rather_long_column_name_{n}" for n in range(12))
    upload(page, "a-very-long-file-name-" * 4 + ".csv", f"{wide}\n{','.join('1' * 12)}\n")
    playwright.expect(page.locator("#state")).to_contain_text("12 columns")
    ask(page, "Show the first 5 rows")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    log = page.locator("#log")
    assert log.evaluate("log => log.scrollWidth <= log.clientWidth"), "a wide table scrolls by itself"
    for control in ("#upload", "#send"):
        assert page.locator(control).bounding_box()["height"] >= 44, "fingers need room"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("rows.pdf", "x", "this type is not taken"),
        ("rows.csv", "", "is empty"),
        ("rows.csv", "x" * 100_001, "is larger than"),
        ("rows.json", "{", "cannot be read as json"),
    ],
)
def test_a_bad_file_is_refused_in_words(page, name, text, words):
    upload(page, name, text)
    playwright.expect(page.locator("#upload-message")).to_contain_text(words)
    assert page.locator("#state").inner_text() == "No data set uploaded"
    upload(page)
    playwright.expect(page.locator("#state")).to_contain_text("rows.csv")
    assert page.locator("#upload-message").inner_text() == ""


@pytest.mark.parametrize(
    ("path", "answer", "words"),
    [
        ("upload", {"status": 413, "json": {"status": "error", "message": "Too large"}}, "Too large"),
        ("upload", {"status": 503, "json": {"status": "error", "message": "storage down"}}, "storage down"),
        ("upload", {"status": 502, "body": "<html>Bad Gateway</html>"}, "The server answered 502"),
        ("upload", None, "cannot be reached"),
    ],
)
def test_trouble_with_an_upload_is_told(page, path, answer, words):
    page.route(f"**/{path}", lambda route: route.fulfill(**answer) if answer else route.abort())
    upload(page)
    playwright.expect(page.locator("#upload-message")).to_contain_text(words)
    page.unroute_all()
    page.click("#upload")
    playwright.expect(page.locator("#state")).to_contain_text("rows.csv")


def test_trouble_with_a_question_is_told_and_the_question_kept(page):
    page.route("**/send_message", lambda route: route.abort())
    page.fill("#message", SUM)
    page.click("#send")
    playwright.expect(page.locator("#chat-message")).to_contain_text("cannot be reached")
    assert page.input_value("#message") == SUM
    page.unroute_all()
    page.route("**/send_message", lambda route: route.fulfill(status=502, body="<html>no</html>"))
    assert "The server answered 502" in ask(page, SUM).inner_text()
    assert page.input_value("#message") == SUM


def test_a_question_under_way_is_not_sent_twice(page):
    sent = []
    page.route("**/send_message", lambda route: sent.append(route))
    page.fill("#message", "What is malaria?")
    page.click("#send")
    page.wait_for_selector("#send:disabled")
    page.press("#message", "Enter")
    page.press("#message", "Enter")
    playwright.expect(page.locator("#log article")).to_have_count(1)
    assert len(sent) == 1
    sent[0].continue_()
    playwright.expect(page.locator("#log article.answer")).to_have_count(1)


def test_the_upload_is_known_after_a_reload_and_can_be_left(page):
    upload(page)
    playwright.expect(page.locator("#state")).to_contain_text("rows.csv")
    page.reload()
    playwright.expect(page.locator("#state")).to_have_text("Data set: rows.csv")
    page.click("#leave")
    playwright.expect(page.locator("#state")).to_have_text("No data set uploaded")
    assert "normal workflow" in ask(page, SUM).locator(".badges li").all_inner_texts()


def test_every_control_has_a_name_for_a_screen_reader(page):
    names = page.evaluate(
        """() => [...document.querySelectorAll("input, textarea, button, progress, [role=log]")].map(
            (one) => one.labels?.[0]?.textContent || one.getAttribute("aria-label") || one.textContent)"""
    )
    assert all(name.strip() for name in names)
    assert page.locator("h1").count() == 1
    assert page.locator("#log").get_attribute("aria-live") == "polite"
