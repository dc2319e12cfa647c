"""`/oauth/tokeninfo`: what a token is, asked by whoever holds it, answered as API gateways do."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import MakeApp, bearer, refusal, register, token_for
from tests.support.clock import Clock


def test_the_holder_of_a_token_learns_what_it_is(
    client: FlaskClient, gateway: OAuthGateway, registered: Client, clock: Clock
) -> None:
    token = token_for(client, registered, scope="weather:read")["access_token"]
    issued_at = gateway.tokens.get(token=token).iat
    clock.advance(100)
    for response in (
        client.get("/oauth/tokeninfo", headers=bearer(token)),
        client.post("/oauth/tokeninfo", headers=bearer(token)),
        client.post("/oauth/tokeninfo", data={"access_token": token}),
    ):
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "no-store"
        answer = response.get_json()
        assert 3490 <= answer.pop("expires_in") <= 3500
        assert answer == {
            "client_id": registered.client_id,
            "audience": registered.client_id,
            "user_id": None,
            "scope": "weather:read",
            "issued_at": issued_at,
            "grant_type": "client_credentials",
        }


def test_user_audience_and_shown_attributes_are_told_too(
    client: FlaskClient, gateway: OAuthGateway, registered: Client
) -> None:
    token = gateway.tokens.issue(
        registered.client_id,
        subject="alice",
        audience=["https://a.example", "https://b.example"],
        attributes={"plan": "gold", "_segment": "B2B"},
    )["access_token"]
    answer = client.get("/oauth/tokeninfo", headers=bearer(token)).get_json()
    assert (answer["user_id"], answer["plan"]) == ("alice", "gold")
    assert answer["audience"] == "https://a.example https://b.example"
    assert "_segment" not in answer


def test_what_is_no_good_token_is_invalid(app: Flask, client: FlaskClient, gateway: OAuthGateway, clock: Clock) -> None:
    revoked, disabled, short = (register(app, access_token_lifetime=seconds) for seconds in (600, 600, 10))
    tokens = [token_for(client, each)["access_token"] for each in (revoked, disabled, short)]
    gateway.tokens.revoke(token=tokens[0])
    gateway.clients.update(disabled.client_id, enabled=False)
    clock.advance(11)
    for token in (*tokens, "never-issued", "x" * 16385):
        refusal(client.get("/oauth/tokeninfo", headers=bearer(token)), 400, "invalid_token")
        refusal(client.post("/oauth/tokeninfo", data={"access_token": token}), 400, "invalid_token")
    refusal(client.post("/oauth/tokeninfo", data={"access_token": "\u00e4"}), 400, "invalid_token")


def test_the_token_is_needed_once_and_never_in_the_url(client: FlaskClient, registered: Client) -> None:
    token = token_for(client, registered)["access_token"]
    missing = "The access token is missing: send it as bearer in the header, or POST 'access_token'."
    assert refusal(client.get("/oauth/tokeninfo"), 400, "invalid_request") == missing
    assert refusal(client.post("/oauth/tokeninfo"), 400, "invalid_request") == missing
    twice = client.post("/oauth/tokeninfo", data={"access_token": token}, headers=bearer(token))
    assert "more than once" in refusal(twice, 400, "invalid_request")
    for method in ("GET", "POST"):
        response = client.open("/oauth/tokeninfo", method=method, query_string={"access_token": token})
        assert "never in its URL" in refusal(response, 400, "invalid_request")


@pytest.mark.parametrize("header", ["Bearer", "Bearer a b"])
def test_a_malformed_header_is_an_invalid_request(client: FlaskClient, header: str) -> None:
    refusal(client.get("/oauth/tokeninfo", headers={"Authorization": header}), 400, "invalid_request")


def test_a_user_who_is_gone_ends_the_token_here_too(make_app: MakeApp) -> None:
    app = make_app(OAUTH_CHECK_USER=True)
    gateway = app.extensions["oauth_gateway"]
    gateway.load_user({"alice": object()}.get)
    made = register(app)
    alice, bob = (gateway.tokens.issue(made.client_id, subject=name)["access_token"] for name in ("alice", "bob"))
    client = app.test_client()
    assert client.get("/oauth/tokeninfo", headers=bearer(alice)).status_code == 200
    refusal(client.get("/oauth/tokeninfo", headers=bearer(bob)), 400, "invalid_token")
