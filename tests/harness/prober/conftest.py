"""Live URLs: nginx as some balancer, before tiny backends that differ as asked."""

import contextlib
import email.utils
import json
import shutil
import socketserver
import subprocess
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler

import pytest

from harness import ports, processes
from harness.errors import PartMissing
from harness.services import nginx
from harness.workshop import open_workshop

CONFIG = """\
daemon off; pid nginx.pid; error_log error.log; worker_processes 1; {user}
events {{ worker_connections 128; }}
http {{
    access_log access.log; client_body_temp_path body; proxy_temp_path proxy;
    fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    upstream app {{ {servers} {affinity} }}
    server {{
        listen 127.0.0.1:{port} {tls};
        {certificate}
        location / {{
            proxy_pass http://app; proxy_http_version 1.1; proxy_set_header Connection "";
            proxy_pass_header Date; proxy_pass_header Server;
        }}
    }}
}}
"""
STICKY = "sticky cookie LB expires=1h path=/ httponly;"


class Backend:
    """Answers JSON with its version and, to /visits, how often the user of the cookie ``sid`` came."""

    def __init__(
        self, name, *, header="X-Backend", headers=(), skew=0.0, status=200, shared=None, body=None, drops=0
    ):
        self.name, self.header, self.headers = name, header, headers
        self.skew, self.status, self.body = skew, status, body or {"hello": "world"}
        self.visits = {} if shared is None else shared
        self.methods, self.drops, self.authorized = [], drops, set()
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def _handler(backend):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            backend.methods.append((self.command, self.headers["User-Agent"]))
            backend.authorized.add(self.headers["Authorization"])
            if backend.drops and len(backend.methods) % backend.drops == 0:
                self.close_connection = True  # without a word
                return
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            known = (self.headers.get("Cookie") or "").partition("sid=")[2].partition(";")[0]
            sid = known or uuid.uuid4().hex
            body = dict(backend.body)
            if self.path == "/visits":
                backend.visits[sid] = body["visits"] = backend.visits.get(sid, 0) + 1
            answer = json.dumps(body).encode()
            self.send_response_only(backend.status)
            self.send_header("Date", email.utils.formatdate(time.time() + backend.skew, usegmt=True))
            self.send_header("Content-Length", str(len(answer)))
            self.send_header("X-Request-Number", uuid.uuid4().hex)
            if backend.header:
                self.send_header(backend.header, backend.name)
            for name, value in backend.headers:
                self.send_header(name, value)
            if not known:
                self.send_header("Set-Cookie", f"sid={sid}; Path=/")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer)

        do_POST = do_HEAD = do_GET

        def log_message(self, *_):
            """Say nothing."""

    return Handler


@pytest.fixture(scope="module")
def folder():
    with open_workshop() as workshop:
        yield workshop.folder


@pytest.fixture
def live(folder):
    """Starts nginx before these backends: its URL."""
    try:
        binary = nginx.executable()
    except PartMissing as missing:
        pytest.skip(str(missing))
    with contextlib.ExitStack() as stack:

        def up(*backends, affinity="", tls=False):
            here, port = folder("probe"), stack.enter_context(ports.reserved())
            for backend in backends:
                stack.callback(backend.close)
            config = here / "nginx.conf"
            user = nginx._worker_user()
            text = CONFIG.format(
                user=f"user {user};" if user else "", port=port, affinity=affinity, tls="ssl" if tls else "",
                servers=" ".join(f"server 127.0.0.1:{backend.port};" for backend in backends),
                certificate=_certificate(here) if tls else "",
            )  # fmt: skip
            config.write_text(text)
            command = [binary, "-p", here, "-c", config, "-e", here / "error.log"]
            child = processes.program("nginx", command, cwd=here, log=here / "nginx.log")
            stack.enter_context(processes.running(child))
            processes.wait_ready(child, lambda: ports.answers(port))
            return f"{'https' if tls else 'http'}://127.0.0.1:{port}/"

        yield up


def _certificate(here):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on PATH; apt-get install openssl")
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem"
    subprocess.run([*command.split(), *names.split()], cwd=here, check=True, capture_output=True)
    return f"http2 on; ssl_certificate {here}/cert.pem; ssl_certificate_key {here}/key.pem;"
