"""A small site with what journeys meet: a form with a token, a redirect, JSON, an upload, two users."""

import json
import secrets

import pytest
from flask import Flask, jsonify, make_response, redirect, request
from werkzeug.serving import make_server

PAGE = '<form method="post"><input type="hidden" name="csrf" value="{}"><a href="/static/x.css">x</a></form>'


def site() -> Flask:
    app = Flask(__name__)
    tokens, reports = {}, {}

    @app.get("/login")
    def form():
        token = secrets.token_hex(8)
        answer = make_response(PAGE.format(token))
        answer.set_cookie("sid", sid := secrets.token_hex(8))
        tokens[sid] = token
        return answer

    @app.post("/login")
    def login():
        if tokens.get(request.cookies.get("sid")) != request.form.get("csrf"):
            return "bad token", 400
        return redirect("/home")

    @app.get("/home")
    def home():
        return jsonify(user=request.cookies.get("sid"), key=f"k{secrets.token_hex(10)}")

    @app.post("/reports")
    def create():
        number = len(reports) + 1
        file = request.files.get("file")
        reports[number] = {
            "rows": file.read().decode().count("\n") if file else 0,
            "title": request.form.get("title") or (request.get_json(silent=True) or {}).get("title"),
            "by": request.headers.get("X-Key"),
        }
        return jsonify(id=number, tags=["a", "b"])

    @app.get("/reports/<int:number>")
    def show(number):
        return (jsonify(reports[number]), 200) if number in reports else ("none", 404)

    @app.get("/echo")
    def echo():
        answer = make_response(json.dumps(dict(request.args)))
        answer.headers["X-Next"] = "n7"
        return answer

    return app


@pytest.fixture(scope="module")
def url():
    import threading

    server = make_server("127.0.0.1", 0, site(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
