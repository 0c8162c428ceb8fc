"""A WSGI app that keeps one list for all of its users, in its memory: on each instance another."""

import json

rows = []


def app(environ, start_response):
    if environ["REQUEST_METHOD"] == "POST":
        rows.append(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])).decode())
    empty = environ["PATH_INFO"] == "/list" and not rows
    start_response("404 Not Found" if empty else "200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"rows": len(rows)}).encode()]
