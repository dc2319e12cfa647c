"""What does it gain that a token's key begins with the second of its issue? The same inserts and look-ups under both keys.

`python -m bench.keys [--rows N] [--inserts N] [--server URI]`: fills the table of access tokens in a database that it makes
on a PostgreSQL server and drops at the end, once by each key, and prints µs and bytes of write-ahead log a row.
"""

from __future__ import annotations

import argparse
import hashlib
import secrets
import time
from typing import Any

import psycopg
from sqlalchemy import create_engine, make_url

from flask_oauth_gateway.crypto.hashing import new_token, token_key
from flask_oauth_gateway.database.connect import create_tables

NAME = "oauth_bench_keys"
FILL = """
    INSERT INTO oauth_access_token (token_hash, client, scope, grant_type, issued_at, expires_at)
    SELECT {key}, n %% 100, 'weather:read', 'client_credentials', %(now)s - (%(rows)s - n) / 300, %(now)s + 3600
    FROM (SELECT n, sha256(convert_to('keys-' || n::text, 'UTF8')) AS hash FROM generate_series(1, %(rows)s) AS n) AS rows
"""
# Within the server: a client's way there and back takes longer, and the same under both keys.
INSERT = """
    INSERT INTO oauth_access_token (token_hash, client, scope, grant_type, issued_at, expires_at)
    SELECT key, number % 100, 'weather:read', 'client_credentials', issued_at, issued_at + 3600 FROM given
"""
FIND = """
    DO $$
    DECLARE asked bytea; found record;
    BEGIN
        FOR asked IN SELECT key FROM given LOOP
            SELECT scope, expires_at INTO STRICT found FROM oauth_access_token WHERE token_hash = asked;
        END LOOP;
    END $$
"""
KEYS = {  # the key of a token, here and in SQL
    "by hash alone": (lambda token: hashlib.sha256(token.encode()).digest(), "hash"),
    "by time and hash": (
        token_key,
        "int4send((%(now)s - (%(rows)s - n) / 300)::int) || substr(hash, 1, 28)",
    ),
}


def measure(uri: str, rows: int, inserts: int, kind: str) -> dict[str, float]:
    """Fill an empty table, and time the inserts after a checkpoint, and look-ups."""
    key_of, in_sql = KEYS[kind]
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute("TRUNCATE oauth_access_token")
        connection.execute(FILL.format(key=in_sql), {"now": int(time.time()), "rows": rows})  # type: ignore[arg-type]
        connection.execute("VACUUM ANALYZE oauth_access_token")
        connection.execute("CREATE TEMPORARY TABLE given (key bytea, number integer, issued_at bigint)")
        now = int(time.time())
        with connection.cursor() as cursor, cursor.copy("COPY given FROM STDIN") as copy:
            for number in range(inserts):
                copy.write_row((key_of(new_token("", now + number // 300)), number, now + number // 300))
        connection.execute("CHECKPOINT")
        before, start = wal(connection), time.perf_counter()
        connection.execute(INSERT)  # type: ignore[arg-type]
        took, written = time.perf_counter() - start, wal(connection) - before
        some = "INSERT INTO given SELECT token_hash FROM oauth_access_token TABLESAMPLE BERNOULLI (5) ORDER BY random() LIMIT %s"
        connection.execute("TRUNCATE given")
        looked_up = connection.execute(some, (inserts,)).rowcount
        start = time.perf_counter()
        connection.execute(FIND)  # type: ignore[arg-type]
        looked = time.perf_counter() - start
        size = one(connection, "SELECT pg_relation_size('oauth_access_token_pkey')")
    return {
        "insert, µs": took / inserts * 1e6,
        "write-ahead log a row, bytes": written / inserts,
        "look-up, µs": looked / looked_up * 1e6,
        "index, MB": size / 1e6,
    }


def wal(connection: psycopg.Connection[Any]) -> int:
    return one(connection, "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint")


def one(connection: psycopg.Connection[Any], query: str) -> int:
    row = connection.execute(query).fetchone()  # type: ignore[arg-type]
    assert row is not None
    return int(row[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--inserts", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--server", default="postgresql+psycopg://postgres@127.0.0.1:5432/postgres")
    given = parser.parse_args()
    server = create_engine(given.server, isolation_level="AUTOCOMMIT")
    url = make_url(given.server).set(database=f"{NAME}_{secrets.token_hex(4)}")
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {url.database}")
    try:
        engine = create_engine(url)
        create_tables(engine)
        engine.dispose()
        uri = url.set(drivername="postgresql").render_as_string(hide_password=False)
        for _ in range(given.rounds):
            for kind in KEYS:
                found = measure(uri, given.rows, given.inserts, kind)
                print(f"{kind:17}", *(f"{name} {value:.1f}" for name, value in found.items()), sep="  ", flush=True)
    finally:
        with server.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {url.database} WITH (FORCE)")


if __name__ == "__main__":
    main()
