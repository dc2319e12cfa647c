"""Initial access tokens: with which programs may register clients, and how many (RFC 7591 section 3)."""

import time
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from flask_oauth_gateway.stores.registration.registration_tokens import RegistrationToken, RegistrationTokenSpent
from tests.support.app import MakeApp, refusal, server_of
from tests.support.clock import Clock
from tests.support.databases import every_database
from tests.support.other_process import OtherProcess
from tests.support.racing import together
from tests.support.registering import NATIVE, refused, register, stored
from tests.support.registering_process import Registering

VALUES = {"grant_types": ["authorization_code"], "redirect_uris": ["https://app.example/cb"]}
DAY = 86400


def make(app: Flask, uses: int | None = None, expires_at: int | None = None) -> RegistrationToken:
    made = server_of(app).registration_tokens.make("", scope=None, owner=None, uses=uses, expires_at=expires_at)[1]
    assert isinstance(made, RegistrationToken)
    return made


def store_client(app: Flask, token: RegistrationToken, client_id: str) -> bool:
    """Whether a client was stored at the cost of one use."""
    server = server_of(app)
    with app.app_context():
        try:
            server.clients.add(client_id, VALUES, [], first=server.registration_tokens.spending(token))
        except RegistrationTokenSpent:
            return False
        return True


def uses_left(app: Flask) -> list[int | None]:
    return [each.uses_left for each in server_of(app).registration_tokens.list()]


@every_database
def test_of_twenty_registrations_at_once_as_many_succeed_as_there_are_uses(app: Flask) -> None:
    token, endless = make(app, uses=5), make(app)
    stored: list[Any] = []
    together(20, lambda number: stored.append(store_client(app, token, f"client-{number}")))
    assert sorted(stored) == [False] * 15 + [True] * 5
    assert len(server_of(app).clients.list()) == 5
    assert uses_left(app) == [0, None]
    assert store_client(app, endless, "one-more")


@every_database
def test_a_client_that_is_not_stored_costs_no_use(app: Flask) -> None:
    token = make(app, uses=2)
    assert store_client(app, token, "taken")
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        store_client(app, token, "taken")
    assert uses_left(app) == [1]


@every_database
def test_what_was_found_good_is_refused_once_it_is_revoked_or_has_expired(app: Flask, clock: Clock) -> None:
    server = server_of(app)
    text, token = server.registration_tokens.make(
        "reg_", scope="a", owner="o", uses=9, expires_at=int(time.time()) + DAY
    )
    assert text.startswith("reg_")
    assert server.registration_tokens.find(text) == token
    assert server.registration_tokens.find(text + "x") is None
    clock.advance(DAY)
    assert server.registration_tokens.find(text) is None
    assert not store_client(app, token, "late")
    other = make(app, uses=9)
    assert server.registration_tokens.revoke(other.id)
    assert not server.registration_tokens.revoke(other.id)
    assert not store_client(app, other, "revoked")
    assert server.clients.list() == []


TOKEN_NEEDED = {"OAUTH_REGISTRATION": "token", "OAUTH_RATE_LIMITS": None, "OAUTH_REVOCATION_POLL_SECONDS": 0}


def bad_token(response: TestResponse) -> None:
    refusal(response, 401, "invalid_token")
    challenge = response.headers["WWW-Authenticate"]
    assert challenge.startswith("Bearer ")
    assert 'error="invalid_token"' in challenge


def test_without_a_good_one_nothing_is_registered_and_a_refusal_costs_none(make_app: MakeApp, clock: Clock) -> None:
    app = make_app(**TOKEN_NEEDED)
    http, tokens = app.test_client(), server_of(app).registration_tokens
    expires_at = int(time.time()) + DAY
    text, _ = tokens.make("", scope="weather:read", owner="alice", uses=2, expires_at=expires_at)
    bad_token(register(http, **NATIVE))
    bad_token(register(http, token="wrong", **NATIVE))
    refused(register(http, token=text, redirect_uris=["http://app.example/cb"]), "invalid_redirect_uri")
    refused(register(http, token=text, **NATIVE, scope="weather:write"), "invalid_client_metadata")
    made = register(http, token=text, **NATIVE, scope="weather:read weather:write").get_json()
    assert made["scope"] == "weather:read"
    client = stored(app, made)
    assert client is not None
    assert client.owner == "alice"
    bad_token(register(http, token=made["registration_access_token"], **NATIVE))
    clock.advance(DAY)
    bad_token(register(http, token=text, **NATIVE))
    assert uses_left(app) == [1]
    last, other = (tokens.make("", scope=None, owner=None, uses=1, expires_at=None) for _ in range(2))
    assert register(http, token=last[0], **NATIVE).status_code == 201
    bad_token(register(http, token=last[0], **NATIVE))
    tokens.revoke(other[1].id)
    bad_token(register(http, token=other[0], **NATIVE))


@every_database
def test_two_processes_register_no_more_than_its_uses_and_nothing_once_it_is_revoked(
    app: Flask, database_uri: str, tmp_path: Path
) -> None:
    config = {"OAUTH_DATABASE_URI": database_uri, "OAUTH_GRANT_TYPES": ["authorization_code"], **TOKEN_NEEDED}
    tokens = server_of(app).registration_tokens
    text, _ = tokens.make("", scope=None, owner=None, uses=5, expires_at=None)
    endless, row = tokens.make("", scope=None, owner=None, uses=None, expires_at=None)
    with OtherProcess(config, tmp_path, Registering) as one, OtherProcess(config, tmp_path, Registering) as two:
        both: list[list[int]] = []
        together(2, lambda number: both.append((one, two)[number].ask("register", token=text, times=10)))
        assert sorted(status for statuses in both for status in statuses) == [201] * 5 + [401] * 15
        assert one.ask("register", token=endless, times=1) == [201]
        assert tokens.revoke(row.id)
        assert two.ask("register", token=endless, times=2) == [401, 401]
    assert uses_left(app) == [0]
    assert len(server_of(app).clients.list()) == 6
