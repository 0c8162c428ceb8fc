"""One browser: what it keeps, what it refuses, and that the network never raises."""

import pytest
from werkzeug.wrappers import Response

from harness.client import COOKIE_LIMIT, User


@pytest.fixture
def record():
    return []


@pytest.fixture
def user(server, record):
    """A person whose requests go where the balancer likes."""
    one = User("ada", server.url, lambda: None, record.append)
    yield one
    one.close()


@pytest.fixture
def visit(server, user):
    """One request, answered with these Set-Cookie lines."""

    def get(*cookies, path="/"):
        def answer(_):
            response = Response("{}", mimetype="application/json")
            for cookie in cookies:
                response.headers.add("Set-Cookie", cookie)
            return response

        server.answer = answer
        return user.request("GET", path, label="visit")

    return get


def sent(server):
    return dict(server.requests[-1].cookies)


def test_an_observation_says_who_asked_what_and_who_served_it(server, user, record):
    answer = Response('{"response": "7", "mode": "x"}', 201, mimetype="application/json")
    answer.headers.update({"X-Served-By": "B/2", "X-Upstream-Addr": "unix:/B/2.sock"})
    server.answer = lambda _: answer
    seen = user.request("POST", "/ask", label="ask seven", json={"message": "7?"})
    assert record == [seen]
    assert (seen.user, seen.label, seen.method, seen.path) == ("ada", "ask seven", "POST", "/ask")
    assert (seen.instance, seen.worker, seen.upstream) == ("B", "2", "unix:/B/2.sock")
    assert (seen.status, seen.reply, seen.error) == (201, {"response": "7", "mode": "x"}, None)
    assert seen.seconds > 0
    assert server.requests[0].json == {"message": "7?"}


def test_nobody_says_who_served_it(visit):
    seen = visit()
    assert (seen.instance, seen.worker, seen.upstream) == (None, None, None)


def test_each_request_has_an_id_of_its_own(server, visit):
    ids = [visit().request_id for _ in range(2)]
    assert [request.headers["X-Request-Id"] for request in server.requests] == ids
    assert ids[0] != ids[1]


def test_a_request_is_pinned_where_it_or_the_route_says(server, record):
    route = iter(["B", None])
    user = User("ada", server.url, lambda: next(route), record.append)
    for to in (None, "A/2", None):
        user.request("GET", "/", label="visit", to=to)
    user.close()
    assert [seen.pinned for seen in record] == ["B", "A/2", None]
    assert [request.headers.get("X-Harness-Pin") for request in server.requests] == ["B", "A/2", None]


def test_a_cookie_is_kept_and_sent(server, visit):
    first, second = visit("b=2; Path=/", "a=1; Path=/"), visit()
    assert (first.cookies_set, first.cookies_sent, first.cookies_refused) == (("a", "b"), (), ())
    assert (second.cookies_set, second.cookies_sent) == ((), ("a", "b"))
    assert sent(server) == {"a": "1", "b": "2"}


def test_two_browsers_share_no_cookie(server, visit):
    visit("a=1; Path=/")
    User("bob", server.url, lambda: None, lambda _: None).request("GET", "/", label="visit")
    assert sent(server) == {}


@pytest.mark.parametrize(
    ("cookie", "kept"),
    [
        (f"a={'x' * (COOKIE_LIMIT - 1)}; Path=/", True),
        (f"a={'x' * COOKIE_LIMIT}; Path=/", False),
        ("__Secure-a=1; Path=/", False),
        ("__Host-a=1; Path=/", False),
        ("__Host-a=1; Path=/deep", False),
        ("a=1; Path=/; Domain=example.org", False),
    ],
)
def test_a_cookie_that_browsers_refuse_is_refused(server, visit, cookie, kept):
    name = cookie.partition("=")[0]
    assert visit("z=1; Path=/", cookie).cookies_refused == (() if kept else (name,))
    assert visit(path="/deep/down").cookies_refused == ()
    assert set(sent(server)) == ({"z", name} if kept else {"z"})


@pytest.mark.parametrize(
    ("cookie", "refused"),
    [
        ("__Secure-a=1; Path=/; Secure", False),
        ("__Host-a=1; Path=/; Secure", False),
        ("__Host-a=1; Path=/deep; Secure", True),
    ],
)
def test_a_prefix_is_taken_at_its_word(visit, cookie, refused):
    assert bool(visit(cookie, path="/deep/down").cookies_refused) == refused


def test_a_secure_cookie_is_kept_back_over_http(server, visit):
    visit("safe=1; Path=/; Secure", "plain=1; Path=/")
    visit()
    assert sent(server) == {"plain": "1"}


@pytest.mark.parametrize(
    ("names", "left"), [(None, set()), (["a"], {"b", "c"}), (["a", "c", "no"], {"b"}), ([], {"a", "b", "c"})]
)
def test_cookies_are_lost_by_name_or_all(server, visit, user, names, left):
    visit("a=1; Path=/", "b=2; Path=/", "c=3; Path=/deep")
    user.drop_cookies(names)
    seen = visit(path="/deep/down")
    assert set(sent(server)) == set(seen.cookies_sent) == left


def test_a_refused_connection_is_an_observation(server, user, record):
    server.close()
    seen = user.request("GET", "/", label="visit")
    assert record == [seen]
    assert seen.error.startswith("ConnectionError: ")
    assert (seen.status, seen.instance, seen.reply, seen.text) == (None, None, None, "")


def test_an_answer_that_is_cut_off_is_an_observation(server, user):
    server.answer = lambda _: Response(iter(["short"]), headers={"Content-Length": "99"})
    seen = user.request("GET", "/", label="visit")
    assert seen.error
    assert (seen.status, seen.reply) == (None, None)


@pytest.mark.parametrize(
    ("body", "reply"), [(b"<h1>502</h1>", "<h1>502</h1>"), (b"x" * 9000, "x" * 2000), (b"", "")]
)
def test_an_answer_that_is_not_json_is_kept_as_text(server, user, body, reply):
    server.answer = lambda _: Response(body, 502, mimetype="text/html")
    seen = user.request("GET", "/", label="visit")
    assert (seen.status, seen.reply, seen.text, seen.error) == (502, reply, reply, None)


def test_the_proxy_of_this_machine_is_no_part_of_the_journey(visit, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    assert visit().status == 200
