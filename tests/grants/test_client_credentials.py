"""The grant's own rules (RFC 6749 section 4.4); what it shares with every grant is in tests/endpoints/test_token.py."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway import ClientMetadataError, current_token, require_token
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import ask, bearer, refusal, register, register_public
from tests.support.databases import sqlite_only


def test_the_token_is_the_clients_own_and_nobody_elses(app: Flask, client: FlaskClient, registered: Client) -> None:
    @app.get("/who")
    @require_token
    def who() -> dict[str, Any]:
        return {"client": current_token.client_id, "subject": current_token.subject, "by": current_token.grant_type}

    token = ask(client, registered).get_json()["access_token"]
    answer = client.get("/who", headers=bearer(token)).get_json()
    assert answer == {"client": registered.client_id, "subject": None, "by": "client_credentials"}


@sqlite_only
def test_there_is_no_refresh_token_even_for_a_client_that_may_refresh(app: Flask, client: FlaskClient) -> None:
    station = register(app, grant_types=["client_credentials", "refresh_token"])
    assert "refresh_token" not in ask(client, station).get_json()


@sqlite_only
def test_the_client_must_be_registered_for_it(app: Flask, client: FlaskClient) -> None:
    refusal(ask(client, register(app, grant_types=[])), 400, "unauthorized_client")


@sqlite_only
def test_a_public_client_can_neither_be_registered_for_it_nor_use_it(app: Flask, client: FlaskClient) -> None:
    with pytest.raises(ClientMetadataError, match="public client"):
        register_public(app, grant_types=["client_credentials"])
    data = {"grant_type": "client_credentials", "client_id": register_public(app).client_id}
    refusal(client.post("/oauth/token", data=data), 401, "invalid_client")


@sqlite_only
def test_a_confidential_client_must_prove_who_it_is(client: FlaskClient, registered: Client) -> None:
    data = {"grant_type": "client_credentials", "client_id": registered.client_id}
    refusal(client.post("/oauth/token", data=data), 401, "invalid_client")


@sqlite_only
def test_it_is_off_where_the_settings_leave_it_out(make_app: Callable[..., Flask]) -> None:
    app = make_app(OAUTH_GRANT_TYPES=[])
    refusal(ask(app.test_client(), register(app)), 400, "unsupported_grant_type")


def test_a_refused_request_stores_no_token(app: Flask, client: FlaskClient) -> None:
    station = register(app, scope="weather:read")
    refusal(ask(client, station, scope="weather:write"), 400, "invalid_scope")
    with app.app_context():
        assert not app.extensions["oauth_gateway"].tokens.find(live=False).tokens
