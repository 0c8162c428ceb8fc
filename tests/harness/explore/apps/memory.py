"""A WSGI app that keeps each user's note in its memory, and can be told no store."""

import json
import secrets
from http.cookies import SimpleCookie

notes = {}


def app(environ, start_response):
    jar = SimpleCookie(environ.get("HTTP_COOKIE", ""))
    user = jar["user"].value if "user" in jar else secrets.token_hex(8)
    if environ["REQUEST_METHOD"] == "POST":
        notes[user] = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode()
    headers = [("Content-Type", "application/json"), ("Set-Cookie", f"user={user}; Path=/")]
    start_response("200 OK", headers)
    return [json.dumps({"note": notes.get(user)}).encode()]
