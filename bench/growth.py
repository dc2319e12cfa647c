"""Does it stay as fast when the table grows? The same work with 1 thousand and with 1 million tokens in it.

Every call uses a token drawn at random, none that the database just had in its hands. Both databases are open in one
process and take turns, so that a busy minute hits both alike.

`python -m bench.growth [--few N] [--many N] [--rounds N] [--calls N] [--server URI]`: SQLite in a temporary folder, or
two databases that are made on a PostgreSQL or MariaDB server, and dropped at the end.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from sqlalchemy import create_engine, make_url

from flask_oauth_gateway.globals import STATE
from flask_oauth_gateway.hashing import sha256
from flask_oauth_gateway.stores.tables import access_token

from .apps import Call, basic, call, gateway_app

BATCH = 10_000


class Growing:
    """An app whose table holds so many tokens, and its work: each kind makes calls with tokens drawn at random."""

    def __init__(self, folder: str, uri: str | None, tokens: int) -> None:
        self.app = gateway_app(folder, uri)
        self.tokens = tokens
        with self.app.app_context():
            registry = self.app.extensions["oauth_gateway"].clients
            client = registry.create(client_name="bench", grant_types=["client_credentials"], scope="weather:read")
        self.headers = basic(client.client_id, client.client_secret)
        fill(self.app, client.key, tokens)
        self.draw = random.Random(4)  # noqa: S311
        self.unrevoked = list(range(tokens))
        self.draw.shuffle(self.unrevoked)
        self.work: dict[str, Callable[[], Call]] = {
            "protected view": lambda: call(self.app, "GET", "/weather", headers=self.bearer()),
            "introspect": lambda: self.post("/oauth/introspect", b"token=" + self.token().encode()),
            "client credentials": lambda: self.post("/oauth/token", b"grant_type=client_credentials"),
            "revoke": lambda: self.post("/oauth/revoke", b"token=" + name(self.unrevoked.pop()).encode()),
        }

    def token(self) -> str:
        return name(self.unrevoked[self.draw.randrange(len(self.unrevoked))])

    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token()}"}

    def post(self, path: str, body: bytes) -> Call:
        return call(self.app, "POST", path, headers=self.headers, body=body)

    def time(self, work: str, calls: int) -> float:
        """Microseconds of a call."""
        performing = [self.work[work]() for _ in range(calls)]
        start = time.perf_counter()
        statuses = {perform() for perform in performing}
        took = (time.perf_counter() - start) / calls * 1e6
        assert statuses == {200}, statuses
        return took


def name(number: int) -> str:
    """The token of a row."""
    return f"growth-{number:09}"


def fill(app: Flask, client: int, tokens: int) -> None:
    """Put the tokens into the table, as they would have come in an hour."""
    now = int(time.time())
    database = app.extensions["oauth_gateway"].database
    for first in range(0, tokens, BATCH):
        rows: list[dict[str, Any]] = [
            {
                "token_hash": sha256(name(number)), "client": client, "scope": "weather:read",
                "grant_type": "client_credentials", "issued_at": now, "expires_at": now + 3600 + number % 3600,
            }
            for number in range(first, min(first + BATCH, tokens))
        ]  # fmt: skip
        with database.transaction() as connection:
            connection.execute(access_token.insert(), rows)
    if database.engine.dialect.name == "postgresql":
        with database.engine.connect() as connection:
            connection.exec_driver_sql("VACUUM ANALYZE oauth_access_token")


@contextmanager
def databases(server: str | None) -> Iterator[tuple[str | None, str | None]]:
    """Two empty databases; `None` twice where SQLite in the instance folder will do."""
    if server is None:
        yield None, None
        return
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    names = [f"oauth_growth_{os.getpid()}_{which}" for which in ("few", "many")]
    with engine.connect() as connection:
        for each in names:
            connection.exec_driver_sql(f"CREATE DATABASE {each}")
    try:
        few, many = (make_url(server).set(database=each).render_as_string(hide_password=False) for each in names)
        yield few, many
    finally:
        with engine.connect() as connection:
            for each in names:
                connection.exec_driver_sql(f"DROP DATABASE {each}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=__doc__)
    parser.add_argument("--few", type=int, default=1_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--calls", type=int, default=50, help="calls a round: of few tokens, some get revoked each round"
    )
    parser.add_argument("--server", help="an SQLAlchemy URL of a server; left out: SQLite in a temporary folder")
    given = parser.parse_args()
    if (given.rounds + 1) * given.calls >= given.few:
        parser.error("rounds × calls must be less than --few: every round revokes tokens")
    with tempfile.TemporaryDirectory() as folder, databases(given.server) as (few_uri, many_uri):
        few = Growing(f"{folder}/few", few_uri, given.few)
        many = Growing(f"{folder}/many", many_uri, given.many)
        times: dict[str, tuple[list[float], list[float]]] = {work: ([], []) for work in few.work}
        for turn in range(given.rounds + 1):
            for work, (with_few, with_many) in times.items():
                taking_turns = [(few, with_few), (many, with_many)]
                for growing, found in taking_turns if turn % 2 else reversed(taking_turns):
                    took = growing.time(work, given.calls)
                    if turn:  # the first round warms up
                        found.append(took)
        for growing in (few, many):
            growing.app.extensions[STATE].audit.flush()
            growing.app.extensions["oauth_gateway"].database.dispose()
    print(f"load {os.getloadavg()[0]:.1f}\n\n| work | µs with {given.few:,} | µs with {given.many:,} | ratio |")
    print("| --- | --- | --- | --- |")
    for work, both in times.items():
        one, other = (statistics.median(each) for each in both)
        print(f"| {work} | {one:.0f} | {other:.0f} | {other / one:.2f} |")


if __name__ == "__main__":
    main()
