"""The audit trail: who did what, when, from where, and how it ended."""

import threading
import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.database import background as later
from flask_oauth_gateway.stores.audit import entries as audit_store
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import ask, basic, bearer, register, server_of, token_for
from tests.support.clock import Clock
from tests.support.databases import sqlite_only


def trail(app: Flask, **filters: Any) -> list[Any]:
    """The entries, oldest first."""
    return server_of(app).audit.newest(100, filters)[::-1]


def written(app: Flask) -> int:
    """How many entries stand in the database, without those that wait to be written."""
    server = server_of(app)
    return len(server.database.all(audit_store.audit.select()))


def test_a_client_s_life_can_be_read_off_the_trail(app: Flask, client: FlaskClient, gateway: OAuthGateway) -> None:
    before = int(time.time())
    made = register(app)
    token = token_for(client, made, scope="weather:read")["access_token"]
    token_id = gateway.tokens.get(token=token).token_id
    headers = basic(made.client_id, made.client_secret)
    client.post("/oauth/revoke", data={"token": token}, headers=headers, environ_base={"REMOTE_ADDR": "2001:db8::7"})
    client.get("/weather", headers=bearer(token))
    client.post("/oauth/token", headers=basic(made.client_id, "wrong"), data={"grant_type": "client_credentials"})
    gateway.tokens.issue(made.client_id, subject="alice")
    gateway.tokens.revoke(subject="alice")
    gateway.clients.update(made.client_id, enabled=False)
    entries = trail(app)
    said = [(e.event, e.outcome, e.client_id, e.subject, e.actor, e.address) for e in entries]
    name, here, code = made.client_id, "127.0.0.1", "command line or code"
    expected = [
        ("client_created", "ok", name, None, code, None),
        ("token_issued", "ok", name, None, None, here),
        ("token_revoked", "ok", name, None, None, "2001:db8::7"),
        ("token_rejected", "invalid_token", name, None, None, here),
        ("client_rejected", "invalid_client", name, None, None, here),
        ("token_issued", "ok", name, "alice", code, None),
        ("token_revoked", "ok", None, "alice", code, None),
        ("client_changed", "ok", name, None, code, None),
    ]
    assert sorted(said, key=str) == sorted(expected, key=str)
    details = {(entry.event, entry.actor): entry.details for entry in entries}
    assert details["token_issued", None] == {
        "grant_type": "client_credentials",
        "scope": "weather:read",
        "token_id": token_id,
    }
    assert details["token_revoked", None] == {"token_id": token_id, "count": 1, "by": "client"}
    assert details["token_rejected", None] == {"reason": "The access token was revoked.", "path": "/weather"}
    assert details["client_rejected", None] == {"reason": "wrong secret"}
    assert details["client_changed", code] == {"change": "update", "fields": ["enabled"], "enabled": False}
    assert all(before <= entry.at <= time.time() for entry in entries)


def test_the_same_refusal_is_written_once_a_minute_with_how_often_it_came(
    app: Flask, client: FlaskClient, clock: Clock
) -> None:
    def knock(client_id: str = "nobody", address: str = "10.0.0.1", times: int = 1) -> None:
        for _ in range(times):
            origin = {"REMOTE_ADDR": address}
            client.post("/oauth/revoke", headers=basic(client_id, "x"), environ_base=origin)
            client.get("/weather", headers=bearer("x"), environ_base=origin)

    knock(times=20)
    assert len(trail(app)) == 2
    knock(address="10.0.0.2")
    assert len(trail(app)) == 4
    knock(client_id="another")
    assert len(trail(app, event="client_rejected")) == 3
    assert len(trail(app, event="token_rejected")) == 2
    clock.advance(61)
    knock()
    *_, rejected_client = trail(app, event="client_rejected")
    *_, rejected_token = trail(app, event="token_rejected")
    assert rejected_client.details["repeated"] == 19
    assert rejected_token.details["repeated"] == 20
    assert len(trail(app)) == 7


@sqlite_only
def test_a_flood_of_refusals_fills_neither_the_memory_nor_a_column(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_oauth_gateway.observing.audit.MAX_REMEMBERED_REFUSALS", 10)
    remembered = server_of(app).audit_trail._refusals
    for number in range(25):
        form = {"client_id": "x" * 100_000 + str(number), "client_secret": "x"}
        client.post("/oauth/token", data=form | {"grant_type": "client_credentials"})
        client.post("/oauth/token", data=form | {"client_id": str(number)})
        assert len(remembered) <= 10
        assert all(len(str(key)) < 2500 for key in remembered)
    assert max(len(entry.client_id or "") for entry in trail(app)) == 2048


@sqlite_only
def test_ever_other_names_from_one_address_or_from_everywhere_are_written_together(
    app: Flask, client: FlaskClient, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flask_oauth_gateway.observing.audit.DIFFERENT_IN_ALL", 30)

    def knock(client_id: str, address: str) -> None:
        form = {"client_id": client_id, "client_secret": "x"}
        client.post("/oauth/revoke", data=form, environ_base={"REMOTE_ADDR": address})

    for number in range(100):
        knock(f"made up {number}", f"2001:db8::{number:x}")  # of one network, which is one customer's
    assert len(trail(app)) == 21
    together = trail(app)[-1]
    assert (together.client_id, together.address) == (None, "2001:db8::14")
    knock("somebody else", "10.0.0.1")
    assert trail(app)[-1].client_id == "somebody else"
    for number in range(60):
        knock("nobody", f"10.1.0.{number}")
    assert len(trail(app)) == 21 + 1 + 9 + 1, "up to 30 different ones, and the rest"
    clock.advance(61)
    knock("made up", "2001:db8::1")
    assert trail(app)[-1].client_id == "made up"


@sqlite_only
def test_entries_of_issued_tokens_are_written_together_soon_after(
    app: Flask, client: FlaskClient, registered: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(later, "SECONDS", 0.2)
    before = written(app)
    for _ in range(3):
        assert ask(client, registered).status_code == 200
    assert written(app) == before
    deadline = time.monotonic() + 5
    while written(app) == before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert written(app) == before + 3


@sqlite_only
def test_after_close_nothing_is_written_any_more_and_nothing_is_lost(
    app: Flask, client: FlaskClient, registered: Client, gateway: OAuthGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = server_of(app).audit
    writing, write = threading.Event(), store._write

    def slow(entries: Any) -> None:
        if not writing.is_set():
            writing.set()
            time.sleep(0.2)
        write(entries)

    monkeypatch.setattr(later, "SECONDS", 0.01)
    monkeypatch.setattr(store, "_write", slow)
    before = written(app)
    assert ask(client, registered).status_code == 200
    assert writing.wait(5)  # the timer's thread is in the midst of it
    assert ask(client, registered).status_code == 200
    gateway.close()
    assert server_of(app).database.engine.pool.checkedin() == 0
    assert store._later._thread is None
    assert written(app) == before + 2


@sqlite_only
@pytest.mark.parametrize("limit", [1, 2])
def test_reading_the_trail_shows_what_still_waits_to_be_written(
    app: Flask, client: FlaskClient, registered: Client, limit: int
) -> None:
    ask(client, registered)
    newest = server_of(app).audit.newest(limit)
    assert [entry.event for entry in newest] == ["token_issued", "client_created"][:limit]


@sqlite_only
def test_the_trail_outlives_tokens_and_clients(
    app: Flask, client: FlaskClient, gateway: OAuthGateway, registered: Client, clock: Clock
) -> None:
    ask(client, registered)
    gateway.clients.delete(registered.client_id)
    clock.advance(4000)
    gateway.tokens.purge()
    events = [entry.event for entry in trail(app, client_id=registered.client_id)]
    assert sorted(events) == ["client_changed", "client_created", "token_issued"]


def test_a_client_id_that_somebody_claims_is_noted_as_it_can_be_stored(app: Flask, client: FlaskClient) -> None:
    """On every database alike; PostgreSQL takes no NUL."""
    client.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=basic("a\0b" + "x" * 3000, "wrong"))
    (noted,) = trail(app, event="client_rejected")
    assert noted.client_id == "a?b" + "x" * 2045
