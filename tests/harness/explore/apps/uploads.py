"""A Flask app as many begin: the upload lies in a folder beside it, the session says whose it is."""

import os
import uuid
from pathlib import Path

from flask import Flask, request, session

app = Flask(__name__)
app.secret_key = os.environ.get("SECRET_KEY", "one for all")
UPLOADS = Path(__file__).parent / "uploads"


@app.get("/")
def home():
    return f"<p>Welcome, {session.get('id', 'stranger')}</p>"


@app.post("/upload")
def upload():
    session.setdefault("id", uuid.uuid4().hex)
    UPLOADS.mkdir(exist_ok=True)
    UPLOADS.joinpath(session["id"]).write_bytes(request.files["file"].read())
    return {"id": session["id"]}


@app.get("/report/<owner>")
def report(owner):
    path = UPLOADS / owner
    if not path.exists():
        return {"error": "nothing uploaded"}, 404
    return {"rows": len(path.read_text().splitlines())}
