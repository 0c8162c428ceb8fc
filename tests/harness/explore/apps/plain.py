"""A WSGI app without a framework that keeps a note for each user: in memory, in a cookie, or in Redis.

/nature answers what varies by nature: a date, a token; and what is made up when the app starts, and where it
lies. /counted answers a number beside it that counts up.
"""

import hashlib
import hmac
import itertools
import json
import os
import secrets
import time
from http.cookies import SimpleCookie
from pathlib import Path

KEY = os.environ.get("SECRET_KEY", secrets.token_hex()).encode()
NAME = os.environ.get("NAME", "nobody")
START = secrets.token_hex()
count = itertools.count(1)
notes = {}

if "REDIS_URL" in os.environ:
    import redis

    store = redis.Redis.from_url(os.environ["REDIS_URL"], decode_responses=True)
    keep, find = store.set, store.get
else:
    keep, find = notes.__setitem__, notes.get


def app(environ, start_response):
    jar = SimpleCookie(environ.get("HTTP_COOKIE", ""))
    user = jar["user"].value if "user" in jar else secrets.token_hex(8)
    headers = [("Content-Type", "application/json"), ("Set-Cookie", f"user={user}; Path=/")]
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
    status = "200 OK"
    match environ["REQUEST_METHOD"], environ["PATH_INFO"]:
        case "POST", "/note":
            keep(user, body)
            answer = {"kept": True}
        case "GET", "/note":
            answer = {"note": find(user)}
        case "POST", "/signed":
            headers.append(("Set-Cookie", f"signed={body}.{signature(body)}; Path=/"))
            answer = {"kept": True}
        case "GET", "/signed":
            text, _, sign = (jar["signed"].value if "signed" in jar else ".").rpartition(".")
            status = "200 OK" if hmac.compare_digest(sign, signature(text)) else "403 Forbidden"
            answer = {"note": text} if status == "200 OK" else {"error": "bad signature"}
        case _, "/nature" | "/counted":
            answer = {
                "date": time.ctime(),
                "token": secrets.token_urlsafe(),
                "by": NAME,
                "start": START,
                "place": str(Path.cwd()),
            }
            if environ["PATH_INFO"] == "/counted":
                answer["visits"] = next(count)
        case _, "/flaky":
            status = "200 OK" if next(count) % 2 else "503 Service Unavailable"
            answer = {}
        case _:
            answer = {"hello": "world"}
    start_response(status, headers)
    return [json.dumps(answer).encode()]


def signature(text):
    return hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()[:16]
