"""Expired rows go in batches, beside traffic; what lives stays."""

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from flask_oauth_gateway.stores.tables import access_token, audit
from tests.stores.apps import audit_of, database_of, register, status_with, tokens_of
from tests.support import token_for

EXPIRED = 3000


def fill(app: Flask, client: int, expires_at: int, rows: int) -> None:
    values: list[dict[str, Any]] = [
        {
            "token_hash": secrets.token_bytes(32), "client": client, "scope": "weather:read",
            "grant_type": "client_credentials", "issued_at": 1, "expires_at": expires_at,
        }
        for _ in range(rows)
    ]  # fmt: skip
    with database_of(app).transaction() as connection:
        connection.execute(access_token.insert(), values)


def tokens_left(app: Flask) -> int:
    with database_of(app).engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(access_token)) or 0


def test_what_has_expired_goes_and_nothing_else(app: Flask) -> None:
    registered = register(app)
    now = int(time.time())
    token = token_for(app.test_client(), registered)["access_token"]
    fill(app, registered.key, now - 5, 25)
    fill(app, registered.key, now + 60, 3)
    audit_of(app).flush()
    assert tokens_of(app).purge(batch=10) == 25
    assert tokens_of(app).purge(batch=10) == 0
    assert tokens_left(app) == 4
    assert status_with(app, token) == 200
    with database_of(app).engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(audit)) == 2, "the audit trail stays"


def test_two_purges_beside_traffic(app: Flask) -> None:
    """As when two machines have the same cron job."""
    registered = register(app)
    fill(app, registered.key, int(time.time()) - 5, EXPIRED)
    deleting = [True]

    def traffic(_: int) -> list[str]:
        client, tokens = app.test_client(), []
        while deleting[0] or len(tokens) < 5:
            tokens.append(token_for(client, registered)["access_token"])
            assert status_with(app, tokens[-1]) == 200
        return tokens

    with ThreadPoolExecutor(6) as pool:
        working = [pool.submit(traffic, number) for number in range(4)]
        purges = [pool.submit(tokens_of(app).purge, batch=50) for _ in range(2)]
        try:
            gone = sum(purge.result() for purge in purges)
        finally:
            deleting[0] = False
        issued = [token for work in working for token in work.result()]
    assert gone == EXPIRED, "each row counts once"
    assert tokens_left(app) == len(issued)
    assert {status_with(app, token) for token in issued[:20]} == {200}


def test_the_tokens_of_a_deleted_client_go_when_they_expire(app: Flask) -> None:
    registered = register(app)
    fill(app, registered.key, int(time.time()) - 5, 3)
    app.extensions["oauth_gateway"].clients.delete(registered.client_id)
    assert tokens_of(app).purge() == 3
