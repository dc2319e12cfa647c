"""`OAUTH_COMPATIBILITY = "axway"`: the requests that Axway's documentation shows, and its answers to them."""

import time
from typing import Any
from urllib.parse import parse_qs
from xml.etree import ElementTree

import pytest
from flask import Flask

from flask_oauth_gateway import require_token
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import MakeApp, ask, basic, bearer, register
from tests.support.clock import Clock
from tests.support.signing import Signer

TOKEN = "/api/oauth/token"


@pytest.fixture
def axway(make_app: MakeApp) -> Any:
    scopes = {"resource.READ": "Read", "resource.WRITE": "Write"}
    app = make_app(
        OAUTH_COMPATIBILITY="axway",
        OAUTH_URL_PREFIX="/api/oauth",
        OAUTH_SCOPES=scopes,
        OAUTH_GRANT_TYPES=["client_credentials", "refresh_token", "password", "jwt_bearer"],
        OAUTH_ISSUER="http://apigateway",
    )

    @app.get("/write")
    @require_token("resource.WRITE")
    def write() -> str:
        return ""

    @app.get("/both")
    @require_token("resource.READ", "resource.WRITE")
    def both() -> str:
        return ""

    return app


@pytest.fixture
def sample(axway: Any) -> Any:
    return register(
        axway,
        client_id="SampleConfidentialApp",
        client_secret="6808d4b6-ef09-4b0d-8f28-3b05da9c48ec",
        grant_types=["client_credentials", "password", "refresh_token"],
        scope=["resource.READ", "resource.WRITE"],
    )


def post(app: Flask, client: Client, path: str = TOKEN, **form: str) -> Any:
    return app.test_client().post(path, data=form, headers=basic(client.client_id, client.client_secret))


def test_client_credentials_with_commas_and_each_format(axway: Any, sample: Any) -> None:
    def asked(**form: str) -> Any:
        response = post(axway, sample, grant_type="client_credentials", scope="resource.WRITE,resource.READ", **form)
        assert response.status_code == 200, response.text
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["Pragma"] == "no-cache"
        return response

    for form in ({}, {"format": "json"}):
        response = asked(**form)
        body = response.get_json()
        assert len(body.pop("access_token")) >= 43
        assert body == {"token_type": "Bearer", "expires_in": "3600", "scope": "resource.WRITE resource.READ"}
    for name in ("urlencoded", "query"):
        response = asked(format=name)
        assert response.mimetype == "application/x-www-form-urlencoded"
        assert parse_qs(response.text)["expires_in"] == ["3600"]
    response = asked(format="xml")
    assert response.mimetype == "application/xml"
    root = ElementTree.fromstring(response.text)  # noqa: S314  our own answer
    assert (root.findtext("token_type"), root.findtext("scope")) == ("Bearer", "resource.WRITE resource.READ")
    assert axway.test_client().get("/both", headers=bearer(root.findtext("access_token") or "")).status_code == 200
    refused = post(axway, sample, grant_type="client_credentials", scope="resource.WRITE,nope", format="xml")
    assert (refused.status_code, refused.get_json()["error"]) == (400, "invalid_scope")


def test_password_and_refresh(axway: Any, sample: Any) -> None:
    gateway = axway.extensions["oauth_gateway"]

    class Johndoe:
        id = "johndoe"

    gateway.check_password(lambda _, password: Johndoe() if password == "A3ddj3w" else None)
    gateway.load_user(lambda _: Johndoe())
    first = post(axway, sample, grant_type="password", username="johndoe", password="A3ddj3w").get_json()
    assert first["expires_in"] == "3600"
    second = post(
        axway, sample, grant_type="refresh_token", refresh_token=first["refresh_token"], scope="resource.READ"
    ).get_json()
    third = post(
        axway,
        sample,
        grant_type="refresh_token",
        refresh_token=second["refresh_token"],
        scope="resource.READ,resource.WRITE",
    ).get_json()
    assert third["scope"] == "resource.READ resource.WRITE"
    told = axway.test_client().post("/api/oauth/tokeninfo", data={"access_token": third["access_token"]}).get_json()
    assert 3595 <= told.pop("expires_in") <= 3600
    assert told == {
        "audience": "SampleConfidentialApp",
        "user_id": "johndoe",
        "scope": "resource.READ resource.WRITE",
    }
    given_back = {"token": third["refresh_token"], "token_type_hint": "refresh_token"}
    assert post(axway, sample, "/api/oauth/revoke", **given_back).status_code == 200
    assert post(axway, sample, "/api/oauth/revoke", token="unknown").status_code == 200
    dead = axway.test_client().post("/api/oauth/tokeninfo", data={"access_token": third["access_token"]})
    assert dead.status_code == 400


def test_tokeninfo_of_client_credentials_names_the_client(axway: Any, sample: Any) -> None:
    token = ask_token(axway, sample)
    told = axway.test_client().post("/api/oauth/tokeninfo", data={"access_token": token}).get_json()
    assert (told["user_id"], told["audience"]) == ("SampleConfidentialApp", "SampleConfidentialApp")


def ask_token(app: Flask, client: Any, **form: str) -> str:
    return str(post(app, client, grant_type="client_credentials", **form).get_json()["access_token"])


def test_the_documented_jwt_with_times_as_texts(axway: Any) -> None:
    signer = Signer("RS256", kid=None)
    register(axway, client_id="App", grant_types=["jwt_bearer"], jwks=signer.jwks(), scope=["resource.READ"],
             token_endpoint_auth_method="private_key_jwt")  # fmt: skip
    now = int(time.time())
    claims = {"iss": "App", "aud": f"http://apigateway{TOKEN}", "exp": str(now + 300), "iat": str(now)}
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": signer.sign(claims)}
    response = axway.test_client().post(TOKEN, data=form)
    assert response.status_code == 200, response.text
    assert response.get_json()["expires_in"] == "3600"


def test_a_protected_view_s_refusals(axway: Any, sample: Any, clock: Clock) -> None:
    def challenge(status: int, token: str | None, path: str = "/write") -> str:
        response = axway.test_client().get(path, headers={} if token is None else bearer(token))
        assert response.status_code == status, response.text
        return str(response.headers["WWW-Authenticate"]).removeprefix('Bearer realm="DefaultRealm", ')

    assert challenge(400, None) == 'error="invalid_request", error_description="Unable to find token in the message."'
    dead = 'error="invalid_token", error_description='
    assert challenge(401, "x") == f'{dead}"Unable to find the access token in persistent storage."'
    token = ask_token(axway, sample, scope="resource.READ")
    lacking = (
        'error="insufficient_scope", error_description="scope(s) associated with access token are not valid to access'
        ' this resource.", scope="Scopes must match '
    )
    assert challenge(403, token) == f'{lacking}Any of these scopes:resource.WRITE"'
    assert challenge(403, token, "/both") == f'{lacking}All of these scopes:resource.READ resource.WRITE"'
    clients = axway.extensions["oauth_gateway"].clients
    clients.update(sample.client_id, enabled=False)
    assert challenge(401, token) == f'{dead}"The client app was not found or is disabled."'
    clients.update(sample.client_id, enabled=True)
    clock.advance(3601)
    assert challenge(401, token) == f'{dead}"The access token expired."'


def test_without_it_a_comma_is_part_of_a_name(make_app: MakeApp) -> None:
    app = make_app(OAUTH_SCOPES={"a,b": "One name"})
    assert ask(app.test_client(), register(app, scope=["a,b"]), scope="a,b").get_json()["scope"] == "a,b"
