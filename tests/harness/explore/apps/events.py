"""Events by HTTP/1.0, which end with the connection: the second waits until somebody asks for it."""

import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

go_on = threading.Event()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        if self.path == "/go-on":
            go_on.set()
        elif self.path == "/events":
            self.wfile.write(b"data: first\n\n")
            go_on.wait()
            self.wfile.write(b"data: second\n\n")


ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
