"""A server of key sets on loopback that answers as a test tells it, to forms too."""

import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl


class KeyServer:
    """`says` is what it answers: a JSON value, bytes, or a function of the form that came.

    `places` has answers of its own by path. `how` is one of "well", "drip", "hang", "endless", "down".
    """

    def __init__(self) -> None:
        self.says: Any = {"keys": []}
        self.places: dict[str, Any] = {}
        self.status = 200
        self.headers: dict[str, str] = {}
        self.how = "well"
        self.delay = 0.0
        self.requests: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.authorization: str | None = None
        self.at_once = 0
        self.most_at_once = 0
        self.port = 0
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/jwks"

    def body(self, path: str) -> bytes:
        says = self.places.get(path, self.says)
        says = says(self.forms[-1]) if callable(says) else says
        return says if isinstance(says, bytes) else json.dumps(says).encode()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        self.requests.append(handler.path)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            time.sleep(self.delay)
            self._answer(handler)
        except OSError:  # the client has gone
            handler.close_connection = True
        finally:
            self.at_once -= 1

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        if self.how == "down":
            handler.close_connection = True
            return
        if self.how == "hang":
            self.over.wait(10)
            return
        handler.send_response(self.status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        while self.how == "endless":
            handler.wfile.write(b" " * 65536)
        for byte in self.body(handler.path) if self.how == "drip" else b"":
            if self.over.wait(0.02):
                return
            handler.wfile.write(bytes([byte]))
        if self.how == "well":
            handler.wfile.write(self.body(handler.path))


@contextmanager
def key_server(tls: ssl.SSLContext | None = None) -> Iterator[KeyServer]:
    """A server for as long as the block runs; with `tls` by https."""
    keys = KeyServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            keys.answer(self)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            keys.forms.append(dict(parse_qsl(body)))
            keys.authorization = self.headers["Authorization"]
            keys.answer(self)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls is not None:  # each connection shakes hands in its own thread, so that none holds up the others
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    keys.port = server.server_port
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield keys
    finally:
        keys.over.set()
        server.shutdown()
        server.server_close()
