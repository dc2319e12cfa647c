"""Measures how long a purge takes, and how it slows requests: it sends the same requests before and during the purge.

`python -m bench.purge [--rows N] [--batch N] [--server URI]`: SQLite in a temporary folder, or a database that it makes on
a PostgreSQL or MariaDB server, and drops at the end.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from flask_oauth_gateway.crypto.hashing import timed, token_key
from flask_oauth_gateway.database.tables import access_token

from .apps import basic, call, gateway_app
from .growth import databases
from .seeding import BATCH

PURGE = """
import sys
from bench.apps import gateway_app
gateway = gateway_app(sys.argv[1], sys.argv[2] or None).extensions["oauth_gateway"]
print(gateway.tokens.purge(batch=int(sys.argv[3])))
gateway.close()
"""
REST = 0.002  # seconds between two requests: the server isn't busy, so that waits show


def fill(app: Any, client: int, rows: int) -> None:
    now = int(time.time())
    for first in range(0, rows, BATCH):
        values = [
            {
                "token_hash": token_key(timed(f"expired-{number}", now - 90_000)), "client": client,
                "scope": "weather:read", "grant_type": "client_credentials",
                "issued_at": now - 90_000, "expires_at": now - 1 - number % 86_400,
            }
            for number in range(first, min(first + BATCH, rows))
        ]  # fmt: skip
        with app.extensions["oauth_gateway"].database.transaction() as connection:
            connection.execute(access_token.insert(), values)


def say(when: str, times: list[float]) -> None:
    ordered = sorted(times)
    at = {part: ordered[int(len(ordered) * part)] * 1000 for part in (0.5, 0.99)}
    print(f"| {when} | {len(times)} | {at[0.5]:.2f} | {at[0.99]:.1f} | {ordered[-1] * 1000:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.purge", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--server", help="an SQLAlchemy URL of a server; left out: SQLite in a temporary folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, databases(given.server) as (uri, _):
        app = gateway_app(folder, uri)
        gateway = app.extensions["oauth_gateway"]
        client = gateway.clients.create(client_name="bench", grant_types=["client_credentials"], scope="weather:read")
        fill(app, client.key, given.rows)
        headers = basic(client.client_id, client.client_secret)
        issue = call(app, "POST", "/oauth/token", headers=headers, body=b"grant_type=client_credentials")

        def timed() -> float:
            start = time.perf_counter()
            assert issue() == 200
            took = time.perf_counter() - start
            time.sleep(REST)
            return took

        before = [timed() for _ in range(2000)]
        command = [sys.executable, "-c", PURGE, folder, uri or "", str(given.batch)]
        started = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as purge:  # noqa: S603 — ourselves
            beside = []
            while purge.poll() is None:
                beside.append(timed())
            deleted = purge.stdout.read().strip() if purge.stdout else ""
        took = time.perf_counter() - started
        gateway.close()
    print(f"{deleted} rows deleted in {took:.1f} s, batches of {given.batch}\n")
    print("| client credentials | requests | median ms | 99 % ms | longest ms |\n| --- | --- | --- | --- | --- |")
    say("before", before)
    say("beside the purge", beside)
    print(f"mean beside: {statistics.mean(beside) * 1000:.2f} ms")


if __name__ == "__main__":
    main()
