"""Initial access tokens: with which programs may register clients, and how many (RFC 7591 section 3)."""

import time
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway.stores.registration_tokens import RegistrationToken, RegistrationTokenSpent
from tests.support.app import server_of
from tests.support.clock import Clock
from tests.support.databases import every_database
from tests.support.racing import together

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
