"""A TCP proxy in front of a server: closing it is what the server's going away looks like from outside."""

from __future__ import annotations

import select
import socket
import threading
from contextlib import suppress


class Proxy:
    """Passes bytes between `port`, a port of its own, and a server; `close` and `open` as often as you like."""

    def __init__(self, host: str, port: int) -> None:
        self._server = (host, port)
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.port = 0
        self.open()

    def open(self) -> None:
        """Listen, on the same port as before."""
        listener = socket.create_server(("127.0.0.1", self.port), backlog=64)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def close(self) -> None:
        """Refuse new connections, and break those that are open."""
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        with self._lock:
            for each in self._sockets:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            self._sockets.clear()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(self.server())
                with self._lock:
                    self._sockets |= {near, far}
                threading.Thread(target=self._pass, args=(near, far), daemon=True).start()

    def _pass(self, near: socket.socket, far: socket.socket) -> None:
        """Whatever one end says goes to the other, until one of them ends."""
        with near, far, suppress(OSError):
            while True:
                for source in select.select([near, far], [], [])[0]:
                    data = source.recv(1 << 16)
                    if not data:
                        return
                    if source is near:
                        far.sendall(self.heard(id(near), data))
                    else:
                        self.answered(near, data)

    def server(self) -> tuple[str, int]:
        """Where the next connection leads to."""
        return self._server

    def heard(self, connection: int, data: bytes) -> bytes:
        """What is handed on of what a client is saying. An `OSError` cuts the connection."""
        return data

    def answered(self, client: socket.socket, data: bytes) -> None:
        """Hand on what the server is saying. An `OSError` cuts the connection."""
        client.sendall(data)
