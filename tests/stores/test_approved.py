"""What a grant does at its end: all of it or nothing, on every database."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from flask_oauth_gateway.crypto.hashing import time_ordered_key
from flask_oauth_gateway.database.tables import access_token, approval, once, refresh_token
from flask_oauth_gateway.stores.issuance import Deed, Outcome, do
from flask_oauth_gateway.stores.once import OnceStore, once_key
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import register, server_of

TABLES = (once, approval, access_token, refresh_token)


def later() -> int:
    return int(time.time()) + 60


def deed(app: Flask, registered: Client, number: int = 0, **changes: Any) -> Deed:
    """Claims one key, and stores an approval with an access token and a refresh token."""
    client = app.extensions["oauth_gateway"].clients.get(registered.client_id)
    key, times = time_ordered_key(), {"issued_at": int(time.time()), "expires_at": later()}
    common = {"client": client.key, "subject": "alice", "scope": "weather:read", "attributes": {"a": 1}, "claims": None}
    token = {**common, "token_hash": bytes([number]) * 32, "family": key, "grant_type": "x", "audience": None, **times}
    given: dict[str, Any] = {
        "client": client,
        "numbers": {},
        "spend": OnceStore.claiming(once_key("a"), later()),
        "approval": {**common, "id": key, "grant_type": "x", "created_at": int(time.time()), "expires_at": later()},
        "access_token": token,
        "refresh_token": {"token_hash": bytes([number + 100]) * 32, "family": key, **times},
    }
    return Deed(**given | changes)


def rows(app: Flask) -> list[int]:
    database = server_of(app).database
    return [database.first(select(func.count()).select_from(table))[0] for table in TABLES]


def test_all_of_it(app: Flask, registered: Client) -> None:
    database = server_of(app).database
    assert do(database, deed(app, registered)) == Outcome(is_live=True, spent=True)
    assert rows(app) == [1, 1, 1, 1]
    stored = database.first(select(access_token))
    assert (stored.subject, stored.attributes, stored.claims) == ("alice", {"a": 1}, None)


def test_nothing_where_it_was_spent(app: Flask, registered: Client) -> None:
    server_of(app).once.claim(once_key("a"), later())
    outcome = do(server_of(app).database, deed(app, registered))
    assert not outcome.spent
    assert rows(app) == [1, 0, 0, 0]


@pytest.mark.parametrize("stateless", [False, True])
def test_nothing_where_the_client_has_changed(app: Flask, registered: Client, stateless: bool) -> None:
    old = deed(app, registered, **({"access_token": None} if stateless else {}))
    app.extensions["oauth_gateway"].clients.update(registered.client_id, client_name="Another")
    assert not do(server_of(app).database, old).is_live
    assert rows(app) == [0, 0, 0, 0]


def test_an_approval_that_goes_on_gets_no_second_row(app: Flask, registered: Client) -> None:
    database = server_of(app).database
    first = deed(app, registered)
    do(database, first)
    assert first.approval is not None
    following = {"approval": None, "spend": OnceStore.claiming(once_key("b"), later())}
    assert do(database, deed(app, registered, 1, **following)).spent
    assert rows(app) == [2, 1, 2, 2]


def test_of_20_at_once_one_is_done(app: Flask) -> None:
    registered = register(app)
    database, start = server_of(app).database, Barrier(20)
    deeds = [deed(app, registered, number) for number in range(20)]

    def perform(one: Deed) -> bool:
        start.wait()
        return do(database, one).spent

    with ThreadPoolExecutor(20) as pool:
        assert Counter(pool.map(perform, deeds)) == {True: 1, False: 19}
    assert rows(app) == [1, 1, 1, 1]
