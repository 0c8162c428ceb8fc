"""What the probe says of live URLs whose truth is known: each statement, and when it must not be made."""

import json

import pytest

from harness import cli
from harness.errors import HarnessError
from harness.journey import load
from harness.prober.probing import Probe
from harness.prober.wire import USER_AGENT, Wire
from tests.harness.prober.conftest import STICKY, Backend

VISITS = '[[request]]\npath = "/visits"\n' * 2 + 'assert = [{ json = "visits", equals = 2 }]\n'


@pytest.fixture
def ask():
    """Probe a URL, fast: the statements by topic."""

    def probe(url, requests=100, journey=None, idle=0.0):
        asked = Probe(Wire(url, requests, 1000.0, verify=False), journey, idle)
        found = {}
        for one in asked.run():
            found.setdefault(one.topic, []).append(one)
        return found, asked

    return probe


@pytest.fixture
def visits(tmp_path):
    (tmp_path / "visits.toml").write_text(VISITS)
    return load(tmp_path / "visits.toml")


def test_two_backends_in_turn_that_nothing_pins(live, ask, visits):
    found, asked = ask(live(Backend("a"), Backend("b")), journey=visits)
    assert found["backends"][0].data["names"] == {"a": "A", "b": "B"}
    assert found["backends"][0].data["told_apart_by"] == "header x-backend"
    assert "in less than 7.2 % of cases" in found["backends"][0].confidence
    assert found["spread"][0].data == {"in_turn": True, "counts": {"A": 20, "B": 20}}
    assert found["errors"][0].good is None
    assert found["drift"][0].data == {"features": 0}
    assert found["connection"][0].data["pins"] is False
    assert [one.data["pins"] for one in found["cookies"]] == [False]
    assert found["journey"][0].good is False
    assert "json visits equals 2: found 1 (served by" in found["journey"][0].text
    assert asked.left_out == ["HTTP/2: browsers speak it over https only"]


def test_a_sticky_cookie_and_what_it_hides(live, ask, visits):
    found, _ = ask(live(Backend("a"), Backend("b"), affinity=STICKY), journey=visits, idle=0.1)
    both, balancers, apps, attributes, dropped = found["cookies"]
    assert both.data["pins"] is True
    assert "sid" in both.text
    assert (balancers.data["pins"], apps.data["pins"]) == (True, False)
    assert "only the cookie LB stays on one backend" in balancers.text
    assert attributes.text == (
        "cookie LB is kept 3600 s after it was set (Max-Age); path /, httponly, no SameSite"
    )
    assert dropped.data["pins"] is False
    assert found["idle"][0].data["stays"] is True
    keeps, loses = found["journey"]
    assert (keeps.good, keeps.data["failed"], keeps.data["crossing"]) == (None, 0, 0)
    assert loses.good is False
    assert "loses LB between requests" in loses.text


def test_state_that_is_shared_is_kept(live, ask, visits):
    shared = {}
    found, _ = ask(live(Backend("a", shared=shared), Backend("b", shared=shared)), journey=visits)
    assert [one.good for one in found["journey"]] == [True, True]
    assert found["journey"][0].data["crossing"] == 3


def test_backends_that_are_not_alike(live, ask):
    one = Backend("a", headers=[("Server", "app/1.2"), ("X-Frame-Options", "DENY")])
    other = Backend("b", headers=[("Server", "app/1.3")], skew=90.0, status=503)
    found, _ = ask(live(one, other))
    differs = {statement.data["feature"]: statement.data["values"] for statement in found["drift"]}
    assert differs["header server"] == {"A": "app/1.2", "B": "app/1.3"}
    assert differs["header x-frame-options"] == {"A": "DENY", "B": ""}
    assert all(statement.good is False for statement in found["drift"])
    assert "s ahead of that of A" in found["clocks"][0].text
    assert found["clocks"][0].good is False
    least, most = found["clocks"][0].data["seconds"]
    assert 87 < least <= 90 <= most < 93
    assert "20 of 40 requests met an error of the server (B: 503)" in found["errors"][0].text


def test_backends_that_cannot_be_told_apart(live, ask, visits):
    found, _ = ask(live(Backend("a", header=""), Backend("b", header="")), journey=visits)
    assert found["backends"][0].data == {"number": 1, "told_apart_by": None}
    assert "or several that cannot be told apart" in found["backends"][0].text
    assert "spread" not in found
    assert found["connection"][0].data["pins"] is None
    assert found["journey"][0].good is False


def test_backends_told_apart_by_what_they_say(live, ask):
    found, _ = ask(live(*(Backend("", header="", body={"host": name}) for name in ("x", "y", "z"))))
    assert found["backends"][0].data["told_apart_by"] == "body host"
    assert found["backends"][0].data["number"] == 3


def test_http_2(live, ask):
    found, asked = ask(live(Backend("a"), Backend("b"), tls=True))
    (said,) = found["http2"]
    assert "an HTTP/2 connection without cookies does not stay on one backend" in said.text
    assert asked.left_out == []


def test_nothing_but_get_within_the_budget_and_by_its_name(live, ask):
    backends = Backend("a"), Backend("b")
    _, asked = ask(live(*backends, affinity=STICKY), requests=50)
    seen = [one for backend in backends for one in backend.methods]
    assert set(seen) == {("GET", USER_AGENT)}
    assert len(seen) == asked.wire.sent <= 50


def test_requests_without_an_answer_are_counted(ask):
    backend = Backend("a", drops=4)
    try:
        found, _ = ask(f"http://127.0.0.1:{backend.port}/", requests=50)
    finally:
        backend.close()
    assert "5 of 20 requests met an error of the server (no answer)" in found["errors"][0].text
    assert found["errors"][0].good is False
    assert found["backends"][0].confidence.startswith("15 requests")


def test_a_redirect_is_not_followed_and_said(live, ask):
    to = [("Location", "/login")]
    backends = [Backend(name, status=302, headers=to) for name in "ab"]
    found, asked = ask(live(*backends), requests=20)
    assert found["backends"][0].data["number"] == 2
    assert asked.left_out[0].startswith("what is behind the redirect to /login")


def test_a_budget_that_does_not_last_is_said(live, ask, visits):
    _, asked = ask(live(Backend("a"), Backend("b")), requests=20, journey=visits)
    assert asked.wire.sent == 20
    assert asked.left_out[-1].startswith("the journey: the budget of 20 requests was spent")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1/", "http://127.0.0.1:1/: no answer: .*refused"),
        ("app.example", "'app.example' is not a URL; write it whole"),
    ],
)
def test_what_cannot_be_asked(ask, url, said):
    with pytest.raises(HarnessError, match=said):
        ask(url)


def test_headers_of_ones_own_go_with_every_request_of_a_journey_too(live, visits):
    backends = Backend("a"), Backend("b")
    wire = Wire(live(*backends), 60, 1000.0, headers={"Authorization": "Bearer one"})
    Probe(wire, visits, 0.0).run()
    assert [one.authorized for one in backends] == [{"Bearer one"}] * 2
    assert {agent for one in backends for _, agent in one.methods} == {USER_AGENT}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("", "x", "--header '': is not of the form 'NAME: VALUE'"),
        ("X Y", "x", "--header 'X Y': is not of the form"),
        ("X-Y", "a\r\nZ: b", "--header 'X-Y': is not of the form"),
        ("cookie", "a=b", "--header cookie: the probe keeps its cookies itself"),
        ("user-agent", "a browser", "--header user-agent: the probe .* says who it is"),
    ],
)
def test_a_header_that_cannot_be_sent(name, value, said):
    with pytest.raises(HarnessError, match=said):
        Wire("http://127.0.0.1:1/", 1, 1.0, headers={name: value})


def test_the_command(live, tmp_path, monkeypatch, capsys):
    (tmp_path / "visits.toml").write_text(VISITS)
    url = live(Backend("a"), Backend("b"), tls=True)

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["harness", "probe", url, "--rate", "1000", *arguments])
        monkeypatch.setattr("signal.signal", lambda *_: None)
        with pytest.raises(SystemExit) as end:
            cli.main()
        return end.value.code, *capsys.readouterr()

    code, out, err = run("--insecure", "--requests", "60", "-H", "X-Team: probes")
    assert (code, err) == (0, "")
    assert "told apart by header x-backend: A = a, B = b" in out
    code, out, err = run("--insecure", "--json", "--journey", str(tmp_path / "visits.toml"))
    assert code == 1
    result = json.loads(out)
    assert result["requests"] <= 100
    assert [one["good"] for one in result["statements"] if one["topic"] == "journey"] == [False, False]
    code, out, err = run()
    assert (code, out) == (2, "")
    assert "--insecure does not check the certificate" in err
