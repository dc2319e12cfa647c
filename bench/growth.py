"""Does the gateway stay as fast when the tables grow? The same work with 1 thousand and 1 million tokens, few or many clients.

Every call uses a random token, not one that the database has just read. Both databases are open in one process and take
turns, so that a busy minute hits both alike.

`python -m bench.growth [--few N] [--many N] [--clients N] [--rounds N] [--calls N] [--server URI]`: SQLite in a temporary
folder, or two databases that it makes on a PostgreSQL or MariaDB server, and drops at the end. A table of 10 million takes
minutes to fill; `--many 300000 --clients 3000` shows most of it in one. The CPU time is the process's own and that of
PostgreSQL's backends, and a steadier figure than the time that passes.
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

from flask_oauth_gateway.crypto.hashing import sha256, token_key
from flask_oauth_gateway.database.tables import access_token, client_secret
from flask_oauth_gateway.database.tables import client as client_table

from . import machine, tables
from .apps import Call, basic, call, gateway_app
from .seeding import BATCH, analyse

BEGAN = int(time.time())
ON_POSTGRESQL = """
    INSERT INTO oauth_access_token (token_hash, client, scope, grant_type, issued_at, expires_at)
    SELECT decode(right(token, 8), 'hex') || substr(sha256(convert_to(token, 'UTF8')), 1, 28),
           %(client)s + n %% %(clients)s, 'weather:read', 'client_credentials', %(now)s, %(now)s + 3600 + n %% 3600
    FROM (SELECT n, 'growth-' || lpad(n::text, 9, '0') || '~'
                 || lpad(to_hex(%(now)s - 3600 + n * 3600 / %(tokens)s), 8, '0') AS token
          FROM generate_series(0, %(tokens)s::bigint - 1) AS n) AS names
"""
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"


class Growing:
    """An app whose tables hold so many tokens of so many clients, and its operations: each call draws a token and a client."""

    def __init__(self, folder: str, uri: str | None, tokens: int, clients: int) -> None:
        self.app = gateway_app(folder, uri)
        self.tokens = tokens
        with self.app.app_context():
            registry = self.app.extensions["oauth_gateway"].clients
            client = registry.create(client_name="bench", grant_types=["client_credentials"], scope="weather:read")
        self.secret = client.client_secret
        self.clients = [client.client_id, *more_clients(self.app, client.key, clients - 1)]
        fill(self.app, client.key, tokens, clients)
        analyse(self.app.extensions["oauth_gateway"])
        self.draw = random.Random(4)  # noqa: S311
        self.unrevoked = list(range(tokens))
        self.draw.shuffle(self.unrevoked)
        self.work: dict[str, Callable[[], Call]] = {
            "protected view": self.view,
            "introspect": lambda: self.of_a_token("/oauth/introspect", self.token()),
            "client credentials": lambda: self.post(
                "/oauth/token", self.draw.randrange(len(self.clients)), b"grant_type=client_credentials"
            ),
            "revoke": lambda: self.of_a_token("/oauth/revoke", self.unrevoked.pop()),
        }

    def token(self) -> int:
        return self.unrevoked[self.draw.randrange(len(self.unrevoked))]

    def view(self) -> Call:
        return call(self.app, "GET", "/weather", headers={"Authorization": f"Bearer {name(self.token(), self.tokens)}"})

    def of_a_token(self, path: str, number: int) -> Call:
        return self.post(path, number % len(self.clients), b"token=" + name(number, self.tokens).encode())

    def post(self, path: str, client: int, body: bytes) -> Call:
        return call(self.app, "POST", path, headers=basic(self.clients[client], self.secret), body=body)

    def bytes_a_token(self) -> float:
        """Return a token's size on disk, with its indexes; on SQLite this counts the whole file."""
        engine = self.app.extensions["oauth_gateway"].database.engine
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                size = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
            elif engine.dialect.name == "postgresql":
                size = "SELECT pg_total_relation_size('oauth_access_token')"
            else:
                size = (
                    "SELECT data_length + index_length FROM information_schema.tables "
                    "WHERE table_schema = database() AND table_name = 'oauth_access_token'"
                )
            return int(connection.exec_driver_sql(size).scalar_one()) / self.tokens

    def backends(self) -> list[int]:
        """Return PostgreSQL's processes for this database; elsewhere there are none of its own."""
        engine = self.app.extensions["oauth_gateway"].database.engine
        if engine.dialect.name != "postgresql":
            return []
        with engine.connect() as connection:
            return [row.pid for row in connection.exec_driver_sql(BACKENDS)]

    def time(self, work: str, calls: int) -> tuple[float, float]:
        """Return the microseconds of a call, and those of CPU time."""
        performing = [self.work[work]() for _ in range(calls)]
        backends = self.backends()
        cpu, start = time.process_time() + machine.precisely(backends), time.perf_counter()
        statuses = {perform() for perform in performing}
        took = time.perf_counter() - start
        cpu = time.process_time() + machine.precisely(backends) - cpu
        assert statuses == {200}, statuses
        return took / calls * 1e6, cpu / calls * 1e6


def name(number: int, tokens: int) -> str:
    """Return the token of a row, of so many that were issued within the last hour."""
    return f"growth-{number:09}~{BEGAN - 3600 + number * 3600 // tokens:08x}"


def more_clients(app: Flask, key: int, number: int) -> list[str]:
    """Make so many copies of a client, with its secret and with consecutive keys; returns their `client_id`s."""
    names = [f"client-{each:06}" for each in range(number)]
    with app.extensions["oauth_gateway"].database.transaction() as connection:
        row = connection.execute(client_table.select().where(client_table.c.id == key)).one()._asdict()
        secret = connection.execute(client_secret.select().where(client_secret.c.client == key)).one()._asdict()
        del secret["id"]
        for first in range(0, number, BATCH):
            some = names[first : first + BATCH]
            keys = range(key + 1 + first, key + 1 + first + len(some))
            same = [
                {**row, "id": new, "client_id": each, "client_id_hash": sha256(each)}
                for new, each in zip(keys, some, strict=True)
            ]
            connection.execute(client_table.insert(), same)
            connection.execute(client_secret.insert(), [{**secret, "client": new} for new in keys])
    return names


def fill(app: Flask, client: int, tokens: int, clients: int) -> None:
    """Put the tokens into the table, as if issued within an hour; the clients' keys are consecutive."""
    database = app.extensions["oauth_gateway"].database
    if database.engine.dialect.name == "postgresql":
        with database.engine.connect() as connection:  # ten times faster than a client sends rows
            connection.exec_driver_sql(
                ON_POSTGRESQL, {"client": client, "clients": clients, "now": BEGAN, "tokens": tokens}
            )
        return
    for first in range(0, tokens, BATCH):
        rows: list[dict[str, Any]] = [
            {
                "token_hash": token_key(name(number, tokens)), "client": client + number % clients, "scope": "weather:read",
                "grant_type": "client_credentials", "issued_at": BEGAN, "expires_at": BEGAN + 3600 + number % 3600,
            }
            for number in range(first, min(first + BATCH, tokens))
        ]  # fmt: skip
        with database.transaction() as connection:
            connection.execute(access_token.insert(), rows)


@contextmanager
def databases(server: str | None) -> Iterator[tuple[str | None, str | None]]:
    """Make two empty databases; yields `None` twice for SQLite in the instance folder."""
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
    parser.add_argument("--clients", type=int, default=1, help="of the many tokens; the few are one client's")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument(
        "--calls", type=int, default=50, help="calls a round: of few tokens, some get revoked each round"
    )
    parser.add_argument("--server", help="an SQLAlchemy URL of a server; left out: SQLite in a temporary folder")
    given = parser.parse_args()
    if (given.rounds + 1) * given.calls >= given.few:
        parser.error("rounds × calls must be less than --few: every round revokes tokens")
    with tempfile.TemporaryDirectory() as folder, databases(given.server) as (few_uri, many_uri):
        few = Growing(f"{folder}/few", few_uri, given.few, 1)
        many = Growing(f"{folder}/many", many_uri, given.many, given.clients)
        size = many.bytes_a_token()
        times: dict[str, tuple[list[tuple[float, float]], list[tuple[float, float]]]] = {
            work: ([], []) for work in few.work
        }
        for turn in range(given.rounds + 1):
            for work, (with_few, with_many) in times.items():
                taking_turns = [(few, with_few), (many, with_many)]
                for growing, found in taking_turns if turn % 2 else reversed(taking_turns):
                    took = growing.time(work, given.calls)
                    if turn:  # the first round warms up
                        found.append(took)
        for growing in (few, many):
            growing.app.extensions["oauth_gateway"].close()
    print(f"load {os.getloadavg()[0]:.1f}, {given.clients:,} clients, {size:.0f} bytes a token\n")
    sizes = [f"{given.few:,}", f"{given.many:,}", "ratio"]
    rows = []
    for work, both in times.items():
        few_medians, many_medians = (map(statistics.median, zip(*found, strict=True)) for found in both)
        figures = [
            (f"{one:.0f}", f"{other:.0f}", f"{other / one:.2f}")
            for one, other in zip(few_medians, many_medians, strict=True)
        ]
        rows.append([work, *(each for three in figures for each in three)])
    print(tables.table(["µs, and µs of CPU time", *sizes, *(f"CPU: {each}" for each in sizes)], rows))


if __name__ == "__main__":
    main()
