"""`POST /oauth/revoke` (RFC 7009): a client gives back a token of its own."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import MakeApp, basic, is_accepted, refusal, register, register_public, token_for
from tests.support.databases import every_database


def revoke(client: FlaskClient, registered: Client, **form: str) -> Any:
    return client.post("/oauth/revoke", data=form, headers=basic(registered.client_id, registered.client_secret))


@every_database
def test_a_client_gives_its_token_back(client: FlaskClient, registered: Client) -> None:
    token, other = (token_for(client, registered)["access_token"] for _ in range(2))
    response = revoke(client, registered, token=token)
    assert (response.status_code, response.get_json()) == (200, {})
    assert response.headers["Cache-Control"] == "no-store"
    assert not is_accepted(client, token)
    assert is_accepted(client, other)
    assert revoke(client, registered, token=token).status_code == 200  # once more is as good


def test_another_client_s_token_lives_on_and_the_answer_tells_nothing(
    app: Flask, client: FlaskClient, registered: Client
) -> None:
    token = token_for(client, registered)["access_token"]
    others = revoke(client, register(app), token=token)
    unknown = revoke(client, registered, token="nothing that was ever issued")
    assert others.status_code == unknown.status_code == 200
    assert others.data == unknown.data
    assert is_accepted(client, token)


def test_a_resource_server_may_ask_after_every_token_and_revoke_its_own_alone(
    app: Flask, client: FlaskClient, registered: Client
) -> None:
    token = token_for(client, registered)["access_token"]
    assert revoke(client, register(app, resource_server=True), token=token).status_code == 200
    assert is_accepted(client, token)


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "id_token", "\u00e4", "x" * 1000])
def test_a_hint_that_is_wrong_or_unheard_of_changes_nothing(client: FlaskClient, registered: Client, hint: str) -> None:
    token = token_for(client, registered)["access_token"]
    assert revoke(client, registered, token=token, token_type_hint=hint).status_code == 200
    assert not is_accepted(client, token)


def test_a_public_client_gives_its_own_token_back_by_name(
    app: Flask, client: FlaskClient, gateway: OAuthGateway
) -> None:
    public, other = register_public(app), register_public(app)
    token = gateway.tokens.issue(public.client_id)["access_token"]
    form = {"token": token, "client_id": other.client_id}
    assert client.post("/oauth/revoke", data=form).status_code == 200
    assert is_accepted(client, token)
    assert client.post("/oauth/revoke", data=form | {"client_id": public.client_id}).status_code == 200
    assert not is_accepted(client, token)


def test_the_token_is_needed_and_so_is_the_client(client: FlaskClient, registered: Client) -> None:
    for form in ({}, {"token": ""}):
        sentence = refusal(revoke(client, registered, **form), 400, "invalid_request")
        assert sentence == "The parameter 'token' is missing."
    token = token_for(client, registered)["access_token"]
    refusal(client.post("/oauth/revoke", data={"token": token}), 401, "invalid_client")
    refusal(client.post(f"/oauth/revoke?token={token}"), 400, "invalid_request")
    assert is_accepted(client, token)


def test_a_disabled_client_gives_nothing_back(client: FlaskClient, gateway: OAuthGateway, registered: Client) -> None:
    token = token_for(client, registered)["access_token"]
    gateway.clients.update(registered.client_id, enabled=False)
    refusal(revoke(client, registered, token=token), 401, "invalid_client")
    gateway.clients.update(registered.client_id, enabled=True)
    assert is_accepted(client, token)


@every_database
def test_a_client_that_another_process_disabled_gives_nothing_back(make_app: MakeApp) -> None:
    here, there = make_app(), make_app()
    made = register(here)
    client = here.test_client()
    token = token_for(client, made)["access_token"]  # the client is remembered here now
    there.extensions["oauth_gateway"].clients.update(made.client_id, enabled=False)
    refusal(revoke(client, made, token=token), 401, "invalid_client")
    there.extensions["oauth_gateway"].clients.update(made.client_id, enabled=True)
    assert is_accepted(client, token)


@every_database
def test_a_disabled_client_s_tokens_stop_at_once_and_a_deleted_one_s_for_good(
    app: Flask, client: FlaskClient, gateway: OAuthGateway, registered: Client
) -> None:
    token = token_for(client, registered)["access_token"]
    gateway.clients.update(registered.client_id, enabled=False)
    sentence = "The client of this access token was disabled or deleted."
    response = client.get("/weather", headers={"Authorization": f"Bearer {token}"})
    assert refusal(response, 401, "invalid_token") == sentence
    gateway.clients.update(registered.client_id, enabled=True)
    assert is_accepted(client, token)
    gateway.clients.delete(registered.client_id)
    assert not is_accepted(client, token)
    register(app, client_id=registered.client_id)  # the name is free again, what stood on it is not
    assert not is_accepted(client, token)
