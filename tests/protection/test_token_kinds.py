"""Access tokens of other servers and what else they sign: ID tokens, refresh tokens. Strong signs outrank weak ones."""

import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway import current_token, require_token
from tests.support.app import bearer
from tests.support.checking import API, ISSUER, checking_app, said
from tests.support.signing import Signer

SIGNER = Signer("ES256")
OF_ID_TOKENS: dict[str, Any] = {"nonce": "n", "at_hash": "h"}


@pytest.fixture(scope="module")
def app() -> Flask:
    app = checking_app({ISSUER: {"jwks": SIGNER.jwks(), "audience": API}})

    def details() -> dict[str, Any]:
        return {name: current_token.details.get(name) for name in ("auth_time", "acr")}

    app.add_url_rule("/recent", "recent", require_token(max_age=60)(details))
    app.add_url_rule("/details", "details", require_token(details))
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def status(client: FlaskClient, claims: dict[str, Any], **header: Any) -> int:
    return client.get("/who", headers=bearer(SIGNER.sign(said(**claims), **header))).status_code


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        (OF_ID_TOKENS, {"typ": "at+jwt"}),
        (OF_ID_TOKENS, {"typ": "application/at+jwt"}),
        ({"typ": "Bearer", **OF_ID_TOKENS}, {}),  # Keycloak before 25
        ({"typ": "Bearer", "nonce": "n", "aud": [API, "shop"]}, {}),
        ({"token_use": "access", **OF_ID_TOKENS}, {}),
        ({"token_type": "access", "azp": None, "scope": None}, {}),
        ({"nonce": "n", "scope": None, "scp": "weather:read", "tfp": "B2C_1_in", "ver": "1.0"}, {}),  # Azure B2C
        ({"nonce": "n", "azp": API, "scope": None, "scp": "weather:read", "tfp": "B2C_1_in"}, {}),  # one app for both
        ({"nonce": "n", "azp": API, "scope": None, "scp": "openid weather:read", "acr": "b2c_1a_in"}, {}),
        ({"nonce": "n", "azp": None, "cid": "shop", "scope": None}, {}),
        (
            {"aud": ["account", API], "azp": API, "scope": None, "scp": "openid weather:read"},
            {},
        ),  # Entra: one app for both
        ({"azp": None, "appid": "shop", "apptype": "Public", "scope": None, "scp": "openid"}, {}),  # ADFS
    ],
)
def test_an_access_token_that_says_so_is_taken_whatever_else_it_has(
    client: FlaskClient, claims: dict[str, Any], header: dict[str, Any]
) -> None:
    assert status(client, claims, **header) == 200


@pytest.mark.parametrize(
    ("claims", "header"),
    [
        ({"azp": API, **OF_ID_TOKENS}, {}),
        ({"azp": None, **OF_ID_TOKENS}, {}),
        ({"nonce": "n"}, {}),
        ({"typ": "ID", "nonce": "n"}, {}),
        ({"typ": "ID"}, {"typ": "at+jwt"}),
        ({"token_use": "id", "typ": "Bearer"}, {}),
        ({"token_type": "Bearer", "nonce": "n"}, {}),
        ({"token_type": "Bearer", "azp": API}, {}),
        ({"at_hash": "h", "scope": None, "scp": "weather:read"}, {}),
        ({"nonce": "n", "azp": None, "scope": None, "scp": "weather:read"}, {}),
        ({"nonce": "n", "azp": API, "scope": None, "scp": "weather:read"}, {}),
        # Azure B2C, one app for both: nothing but the policy, which its ID tokens have too
        ({"nonce": "n", "azp": None, "scope": None, "tfp": "B2C_1_in"}, {}),
        ({"nonce": "n", "azp": API, "scope": None, "tfp": "B2C_1_in"}, {}),
        ({"nonce": "n", "azp": API, "scope": None, "scp": "openid offline_access", "tfp": "B2C_1_in"}, {}),
        ({"nonce": "n", "azp": API, "at_hash": "h", "scope": None, "scp": "weather:read", "tfp": "B2C_1_in"}, {}),
        ({"nonce": "n", "azp": API, "scope": None, "scp": "weather:read", "acr": "1"}, {}),
        # ADFS writes `scp` into ID tokens, for the API where API and client are one registration.
        ({"azp": None, "appid": API, "apptype": "Confidential", "scope": None, "scp": "openid", "upn": "a"}, {}),
        ({"azp": None, "appid": API, "apptype": "Confidential", "scope": None, "scp": "openid allatclaims"}, {}),
        ({"azp": API, "scope": None, "scp": "openid profile email"}, {}),
        ({"azp": API, "scope": None, "scp": []}, {}),
        ({"azp": API, "scope": None, "permissions": ["weather:read"]}, {}),
    ],
)
def test_no_id_token_gets_in(client: FlaskClient, claims: dict[str, Any], header: dict[str, Any]) -> None:
    assert status(client, claims, **header) == 401


@pytest.mark.parametrize("auth_time", ["2026-01-02T07:02:58.916Z", "lately", True, [], {}, -1, 1e300, "1"])
def test_a_time_of_sign_in_that_is_no_number_is_left_out(client: FlaskClient, auth_time: Any) -> None:
    token = bearer(SIGNER.sign(said(auth_time=auth_time)))
    assert client.get("/details", headers=token).json == {"auth_time": None, "acr": None}
    refused = client.get("/recent", headers=token)
    assert (refused.status_code, "insufficient_user_authentication" in refused.text) == (401, True)


def test_a_good_time_of_sign_in_counts(client: FlaskClient) -> None:
    now = int(time.time())
    token = bearer(SIGNER.sign(said(auth_time=now, acr="high")))
    assert client.get("/recent", headers=token).json == {"auth_time": now, "acr": "high"}


@pytest.mark.parametrize("claim", ["jti", "uti", "acr", "amr", "grant_type", "roles", "permissions", "auth_time"])
@pytest.mark.parametrize("value", [5, [5], {"a": 1}, "", "x" * 5000, True])
def test_an_optional_claim_of_an_odd_type_refuses_no_token(client: FlaskClient, claim: str, value: Any) -> None:
    assert status(client, {claim: value}) == 200


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat", "sub"])
@pytest.mark.parametrize("value", [[5], {"a": 1}, True])
def test_one_that_decides_still_does(client: FlaskClient, claim: str, value: Any) -> None:
    assert status(client, {claim: value}) == 401
