"""Clients on loopback that are told of sign-outs, each of which answers in its own way."""

import json
import socket
import ssl
import struct
import threading
from base64 import urlsafe_b64decode
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.ports import free_port

LONG = 30  # seconds, which no test waits


class Receivers:
    """`how` says how each answers, by its name: a status, or one of "hang", "drip", "reset", "redirect", "endless", "wait"
    (for `go_on`, then 200); 200 without.

    `told` has the logout tokens that came to each, `paths` where they came to.
    """

    def __init__(self) -> None:
        self.how: dict[str, int | str] = {}
        self.told: defaultdict[str, list[str]] = defaultdict(list)
        self.paths: list[str] = []
        self.types: set[str | None] = set()
        self.at_once = self.most_at_once = 0
        self.over = threading.Event()
        self.go_on = threading.Event()
        self.came = threading.Condition()
        self.port = 0
        self.certificate: dict[str, Path] | None = None

    def url(self, name: str, query: str = "") -> str:
        port = free_port() if self.how.get(name) == "refuse" else self.port
        return f"{'http' if self.certificate is None else 'https'}://127.0.0.1:{port}/{name}{query}"

    def claims(self, name: str) -> list[dict[str, Any]]:
        """What is in the tokens that came to a client, unverified."""
        return [json.loads(urlsafe_b64decode(token.split(".")[1] + "==")) for token in self.told[name]]

    def wait_for(self, number: int, seconds: float = 60) -> None:
        """Until so many have been told in all."""
        with self.came:
            assert self.came.wait_for(lambda: sum(map(len, self.told.values())) >= number, seconds), dict(self.told)

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["Content-Length"])).decode()
        name = urlsplit(handler.path).path.strip("/")
        with self.came:
            self.paths.append(handler.path)
            self.types.add(handler.headers["Content-Type"])
            (token,) = parse_qs(body, strict_parsing=True)["logout_token"]
            self.told[name].append(token)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.came.notify_all()
        try:
            with suppress(OSError):  # the server has hung up
                self._answer(handler, self.how.get(name, 200))
        finally:
            self.at_once -= 1

    def _answer(self, handler: BaseHTTPRequestHandler, how: int | str) -> None:
        handler.close_connection = True
        if how == "hang":
            self.over.wait(LONG)
        elif how == "wait":
            self.go_on.wait(LONG)
            handler.send_response(200)
            handler.end_headers()
        elif how == "drip":
            for byte in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000:
                if self.over.wait(0.02):
                    return
                handler.wfile.write(bytes([byte]))
        elif how == "reset":
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
        elif how == "redirect":
            handler.send_response(307)
            handler.send_header("Location", f"http://127.0.0.1:{self.port}/elsewhere")
            handler.end_headers()
        elif how == "endless":
            handler.send_response(200)
            handler.end_headers()
            while not self.over.is_set():
                handler.wfile.write(b"secret " * 10_000)
        else:
            handler.send_response(int(how))
            handler.end_headers()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 200

    def handle_error(self, *_: Any) -> None:
        """Say nothing: the other side has hung up."""


@contextmanager
def receivers(certificate: dict[str, Path] | None = None) -> Iterator[Receivers]:
    """The clients for as long as the block runs; with a certificate (`tests.support.redis_sets.certificate`) by https."""
    found = Receivers()
    found.certificate = certificate

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            found.answer(self)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    found.port = server.server_port
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate["tls_cert_file"], certificate["tls_key_file"])
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield found
    finally:
        found.over.set()
        server.shutdown()
        server.server_close()
