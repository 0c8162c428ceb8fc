"""Who you are, by each strategy: who shares it, what it costs, and what happens when its store is away."""

import json
import random

import pytest

from reference_app import history

COOKIE = "chatmrpt_session"


def cookie_of(response):
    return next(line for line in response.headers.getlist("Set-Cookie") if line.startswith(COOKIE))


def hand_over(source, target):
    """Give one client's session cookie to a client of another instance."""
    target.set_cookie(COOKIE, source.get_cookie(COOKIE).value)


@pytest.fixture
def strategies(tmp_path):
    return {
        "signed-cookie": {"SESSION_STRATEGY": "signed-cookie"},
        "filesystem": {"SESSION_STRATEGY": "filesystem", "SESSION_FILE_DIR": str(tmp_path / "sessions")},
        "memory": {"SESSION_STRATEGY": "memory"},
    }


def session_id(client):
    return client.get("/api/data-analysis/status").json["session_id"]


@pytest.mark.parametrize("name", ["signed-cookie", "filesystem", "memory"])
def test_a_session_lasts_within_one_instance(start, strategies, upload, name):
    client = start(**strategies[name]).client()
    sent = upload(client)
    assert session_id(client) == sent.json["session_id"]
    line = cookie_of(sent)
    assert "HttpOnly" in line
    assert "SameSite=Lax" in line
    assert "Expires=" in line


@pytest.mark.parametrize(
    ("name", "shared"), [("signed-cookie", True), ("filesystem", True), ("memory", False)]
)
def test_who_else_knows_the_session(start, strategies, upload, name, shared):
    here, there = start(**strategies[name]).client(), start(**strategies[name]).client()
    sent = upload(here)
    hand_over(here, there)
    assert (session_id(there) == sent.json["session_id"]) is shared


def test_another_key_makes_the_cookie_unreadable_and_evidence_says_so(start, upload, say, model):
    model.message("hello")
    here, other = start(), start(SECRET_KEY="x" * 32)
    client = other.client()
    first = here.client()
    sent = upload(first)
    hand_over(first, client)
    assert say(client).status_code == 200
    record = other.evidence()[-1]["session"]
    assert (record["source"], record["cookie_sent"]) == ("minted", True)
    assert record["id"] != sent.json["session_id"]


def test_a_mere_reader_does_not_write_the_session(client, upload):
    upload(client)
    assert "Set-Cookie" not in client.get("/api/data-analysis/status").headers


@pytest.mark.parametrize("alphabet", [(0x61, 0x7A), (0x4E00, 0x9FFF), (0x1F300, 0x1F5FF)])
def test_the_signed_cookie_stays_below_what_browsers_keep(client, upload, say, model, alphabet):
    noise = random.Random(1)

    def words(length):
        return "".join(chr(noise.randint(*alphabet)) for _ in range(length))

    upload(client, name="n" * 300 + ".csv")
    model.message(words(3000))
    for _ in range(4):
        line = cookie_of(say(client, words(3000)))
        assert len(line.encode()) <= 4093
    say(client, "and now?")
    assert [m["role"] for m in model.requests[-1]["messages"]][:4] == ["system", "user", "assistant", "user"]


@pytest.mark.parametrize("letter", ["a", '"', "ŵ", "分", "🦟"])
def test_history_keeps_to_its_bytes_and_the_last_exchange(letter):
    turns = []
    for _ in range(5):
        turns = history.extended(turns, letter * 3000, letter * 3000, 1500)
        assert [turn["role"] for turn in turns[-2:]] == ["user", "assistant"]
        assert len(json.dumps(turns)) <= 1500
        assert all(turn["content"] for turn in turns)


def test_history_drops_the_oldest_first(client, say, model):
    model.message("x" * 450)
    for number in range(4):
        say(client, f"question {number}")
    asked = [m["content"] for m in model.requests[-1]["messages"] if m["role"] == "user"]
    assert asked[-1] == "question 3"
    assert "question 0" not in asked
    assert "question 2" in asked


def test_an_upload_forgets_the_history(client, upload, say, model):
    model.message("yes")
    say(client, "before")
    upload(client)
    say(client, "after")
    assert "before" not in [m["content"] for m in model.requests[-1]["messages"]]


@pytest.mark.parametrize("name", ["filesystem", "memory"])
def test_no_session_is_forgotten_for_want_of_room(start, strategies, say, model, name):
    model.message("yes")
    instance = start(**strategies[name])
    first = instance.client()
    say(first)
    known = session_id(first)
    cache = instance.app.session_interface._inner.cache
    for number in range(600):
        cache.set(f"filler{number}", {}, 10**7)
    assert session_id(first) == known


def test_filesystem_folder_away_is_a_503(start, strategies, say, upload, tmp_path):
    client = start(**strategies["filesystem"]).client()
    upload(client)
    (tmp_path / "sessions").rename(tmp_path / "elsewhere")
    response = say(client)
    assert response.status_code == 503
    assert "session store (filesystem)" in response.json["message"]
    assert client.get("/ready").json["down"] == ["session"]


def test_redis_is_shared_prefixed_and_expires(start, redis_server, upload):
    import redis

    env = {"SESSION_STRATEGY": "redis", "REDIS_URL": redis_server.url}
    here, there = start(**env).client(), start(**env).client()
    sent = upload(here)
    hand_over(here, there)
    assert session_id(there) == sent.json["session_id"]
    store = redis.Redis.from_url(redis_server.url)
    (key,) = store.keys()
    assert key.startswith(b"chatmrpt:")
    assert 86_000 < store.ttl(key) <= 86_400


def test_redis_keys_have_the_prefix_they_are_given(start, redis_server, upload):
    import redis

    env = {"SESSION_STRATEGY": "redis", "REDIS_URL": redis_server.url}
    upload(start(**env, REDIS_KEY_PREFIX="mine:").client())
    (key,) = redis.Redis.from_url(redis_server.url).keys()
    assert key.startswith(b"mine:")


def test_redis_restarted_empty_is_an_unknown_session(start, redis_server, upload, say, model):
    model.message("hello")
    instance = start(SESSION_STRATEGY="redis", REDIS_URL=redis_server.url)
    client = instance.client()
    upload(client)
    redis_server.stop()
    redis_server.start()
    assert say(client).json["workflow"] == "normal"
    record = instance.evidence()[-1]["session"]
    assert (record["source"], record["cookie_sent"]) == ("minted", True)


def test_redis_away_is_a_503_that_names_it_and_health_goes_on(start, redis_server, upload, say):
    instance = start(SESSION_STRATEGY="redis", REDIS_URL=redis_server.url)
    known, new = instance.client(), instance.client()
    upload(known)
    redis_server.stop()
    for response in (say(known), upload(known), upload(new)):
        assert response.status_code == 503
        assert "session store (redis) is not available" in response.json["message"]
        assert response.headers["X-Served-By"].startswith("A/")
    assert "Set-Cookie" not in upload(new).headers
    assert [(r["status"], "redis" in str(r["error"])) for r in instance.evidence()[1:]] == [(503, True)] * 4
    assert known.get("/health").status_code == 200
    assert known.get("/").status_code == 200
    ready = known.get("/ready")
    assert (ready.status_code, ready.json["down"]) == (503, ["session"])
    assert ready.json["checks"]["storage"]["ok"] is True


def test_redis_away_refuses_the_start(start, tmp_path):
    from reference_app.errors import StoreDown

    with pytest.raises(StoreDown, match=r"session store \(redis\)"):
        start(SESSION_STRATEGY="redis", REDIS_URL=f"unix://{tmp_path}/none.sock")


@pytest.mark.parametrize("url", ["redis://:hunter2/x@host:1", "http://hunter2", "unix:///s?hunter2=1"])
def test_a_wrong_redis_url_is_not_shown(start, url):
    from reference_app.errors import ConfigError

    with pytest.raises(ConfigError, match="REDIS_URL") as caught:
        start(SESSION_STRATEGY="redis", REDIS_URL=url)
    assert "hunter2" not in str(caught.value)
