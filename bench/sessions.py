"""Do sign-ins stay as fast when there are a million sessions? And how long does a user wait who signs out of fifty clients?

`python -m bench.sessions [--few N] [--many N] [--rounds N] [--calls N] [--server URI]`: SQLite in a temporary folder, or two
databases that it makes on a PostgreSQL or MariaDB server, and drops at the end. Both are open in one process and take turns.
"""

from __future__ import annotations

import argparse
import os
import secrets
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

from flask_oauth_gateway.database.purge import purge_expired
from flask_oauth_gateway.database.tables import session as session_table

from . import tables
from .apps import Call, call, gateway_app
from .growth import databases
from .openid import CHALLENGE, REDIRECT_URI
from .seeding import BATCH, analyse

AGAIN, FIRST = "a sign-in of a session", "the first one, which begins it"
CLIENTS, DOWN = 50, 10


class SigningIn:
    """An app with so many sessions of others, where alice signs in; nobody asks her for consent."""

    def __init__(self, folder: str, uri: str | None, sessions: int) -> None:
        self.app = gateway_app(
            folder, uri, OAUTH_OIDC=True, OAUTH_ISSUER="http://127.0.0.1:5000", OAUTH_GRANT_TYPES=["authorization_code"]
        )
        self.gateway = self.app.extensions["oauth_gateway"]
        alice = type("User", (), {"id": "alice"})()
        self.gateway.current_user(lambda: alice)
        self.gateway.load_user(lambda _: alice)
        self.gateway.logout(lambda: None)
        self.client = self.register()
        self.fill(sessions)
        analyse(self.gateway)

    def register(self, **members: Any) -> Any:
        """Register a client that signs users in."""
        with self.app.app_context():
            return self.gateway.clients.create(
                client_name="bench",
                redirect_uris=[REDIRECT_URI],
                grant_types=["authorization_code"],
                scope="openid weather:read",
                skip_consent=True,
                **members,
            )

    def fill(self, sessions: int, *, ends_in: int = 86400) -> None:
        """Put sessions of other users into the table, which end in so many seconds."""
        now = int(time.time())
        for first in range(0, sessions, BATCH):
            rows = [
                {
                    "sid": secrets.token_urlsafe(32), "browser": secrets.token_bytes(32), "client": self.client.key,
                    "subject": f"user-{number}", "began_at": now, "expires_at": now + ends_in,
                }
                for number in range(first, min(first + BATCH, sessions))
            ]  # fmt: skip
            with self.gateway.database.transaction() as connection:
                connection.execute(session_table.insert(), rows)

    def sign_in(self, client: Any, value: str) -> Call:
        """Ask for a code, from the browser for which this value stands."""
        asked = {
            "client_id": client.client_id, "response_type": "code", "redirect_uri": REDIRECT_URI, "scope": "openid",
            "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        }  # fmt: skip
        return call(self.app, "GET", f"/oauth/authorize?{urlencode(asked)}", headers=self.cookie(value))

    def cookie(self, value: str) -> dict[str, str]:
        """Return the cookie of the app's session with such a value."""
        interface: Any = self.app.session_interface
        return {"Cookie": f"session={interface.get_signing_serializer(self.app).dumps({'oauth_session': value})}"}

    def time(self, work: str, calls: int) -> float:
        """Return the microseconds of a call."""
        values = ["the same"] * calls if work == AGAIN else [secrets.token_urlsafe(32) for _ in range(calls)]
        performing = [self.sign_in(self.client, value) for value in values]
        start = time.perf_counter()
        statuses = {perform() for perform in performing}
        took = time.perf_counter() - start
        assert statuses == {302}, statuses
        return took / calls * 1e6

    def sign_out(self) -> tuple[float, int]:
        """Return the seconds for which alice waits who signs out of fifty clients, and how many of them were told in 10 s."""
        with told() as (address, count), hanging() as silent:
            for number in range(CLIENTS):
                client = self.register(backchannel_logout_uri=silent if number < DOWN else f"{address}/{number}")
                assert self.sign_in(client, "alice's")() == 302
            start = time.perf_counter()
            with self.app.test_request_context(headers=self.cookie("alice's")):
                ended = self.gateway.sessions.end(subject="alice")
            took = time.perf_counter() - start
            assert ended >= CLIENTS
            until = time.monotonic() + 10
            while len(count) < CLIENTS - DOWN and time.monotonic() < until:
                time.sleep(0.01)
            return took, len(count)


@contextmanager
def told() -> Iterator[tuple[str, list[str]]]:
    """Serve clients that are told of sign-outs; yields their address and the paths that were called."""
    paths: list[str] = []

    class Client(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            paths.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Client)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", paths
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def hanging() -> Iterator[str]:
    """Listen without ever answering; yields the address."""
    with closing(socket.create_server(("127.0.0.1", 0), backlog=100)) as silent:
        yield f"http://127.0.0.1:{silent.getsockname()[1]}/hanging"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.sessions", description=__doc__)
    parser.add_argument("--few", type=int, default=1_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--calls", type=int, default=50)
    parser.add_argument("--server", help="an SQLAlchemy URL of a server; left out: SQLite in a temporary folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, databases(given.server) as (few_uri, many_uri):
        few = SigningIn(f"{folder}/few", few_uri, given.few)
        many = SigningIn(f"{folder}/many", many_uri, given.many)
        times: dict[str, tuple[list[float], list[float]]] = {work: ([], []) for work in (AGAIN, FIRST)}
        for turn in range(given.rounds + 1):
            for work, (with_few, with_many) in times.items():
                taking_turns = [(few, with_few), (many, with_many)]
                for app, found in taking_turns if turn % 2 else reversed(taking_turns):
                    took = app.time(work, given.calls)
                    if turn:  # the first round warms up
                        found.append(took)
        waited, reached = many.sign_out()
        many.fill(given.few, ends_in=-2 * 86400)
        start = time.perf_counter()
        purged = purge_expired(many.gateway.database, batch=1000)
        took = time.perf_counter() - start
        for app in (few, many):
            app.gateway.close()
    print(f"load {os.getloadavg()[0]:.1f}\n")
    rows = []
    for work, both in times.items():
        one, other = map(statistics.median, both)
        rows.append([work, f"{one:.0f}", f"{other:.0f}", f"{other / one:.2f}"])
    print(tables.table(["µs", f"{given.few:,} sessions", f"{given.many:,}", "ratio"], rows))
    print(f"\nA sign-out of {CLIENTS} clients of which {DOWN} hang: {waited * 1000:.0f} ms; {reached} were told.")
    print(f"{purged:,} expired sessions purged in {took:.2f} s, beside {given.many:,} live ones.")


if __name__ == "__main__":
    main()
