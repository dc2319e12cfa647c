"""`POST /oauth/token`: what a client may ask, and what it gets."""

import re
import time
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import MakeApp, ask, basic, bearer, is_accepted, refusal, register, register_public, token_for
from tests.support.clock import Clock


def test_a_client_gets_a_token_with_which_it_may_call_the_protected_view(
    client: FlaskClient, registered: Client
) -> None:
    response = ask(client, registered, scope="weather:read")
    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Pragma"] == "no-cache"
    answer = response.get_json()
    assert set(answer) == {"access_token", "token_type", "expires_in", "scope"}
    assert (answer["token_type"], answer["expires_in"], answer["scope"]) == ("Bearer", 3600, "weather:read")
    weather = client.get("/weather", headers=bearer(answer["access_token"]))
    assert weather.get_json() == {"for": registered.client_id}


def test_every_token_is_another_one_of_256_bits(client: FlaskClient, registered: Client) -> None:
    tokens = {token_for(client, registered)["access_token"] for _ in range(5)}
    assert len(tokens) == 5
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{42}~[0-9a-f]{8}", token) for token in tokens)


def test_a_token_is_refused_once_its_lifetime_is_over(make_app: MakeApp, clock: Clock) -> None:
    app = make_app()
    client = app.test_client()
    token = token_for(client, register(app, access_token_lifetime=60))["access_token"]
    clock.advance(58)
    assert is_accepted(client, token)
    clock.advance(3)
    assert not is_accepted(client, token)


# Scopes


@pytest.mark.parametrize(
    ("config", "metadata", "asked", "given"),
    [
        ({}, {}, "weather:write weather:read", "weather:write weather:read"),
        ({}, {}, "weather:read weather:read", "weather:read"),
        ({}, {}, None, "weather:read weather:write"),
        ({}, {}, "", "weather:read weather:write"),  # sent without a value is as if left out
        ({}, {"default_scope": "weather:write"}, None, "weather:write"),
        ({"OAUTH_DEFAULT_SCOPES": ["weather:read"]}, {"default_scope": "weather:write"}, None, "weather:write"),
        ({"OAUTH_DEFAULT_SCOPES": ["weather:read"]}, {}, None, "weather:read"),
        ({"OAUTH_DEFAULT_SCOPES": ["weather:read"]}, {"scope": "weather:write"}, None, "weather:write"),
        ({"OAUTH_SCOPES": {}}, {"scope": ""}, None, ""),
    ],
)
def test_the_scopes_are_those_asked_for_else_the_defaults(
    make_app: MakeApp, config: dict[str, Any], metadata: dict[str, Any], asked: str | None, given: str
) -> None:
    app = make_app(**config)
    parameters = {} if asked is None else {"scope": asked}
    assert token_for(app.test_client(), register(app, **metadata), **parameters)["scope"] == given


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("weather:rain", "The scope 'weather:rain' is not known here."),
        ("weather:read weather:rain", "The scope 'weather:rain' is not known here."),
        ("weather:write", "The scope 'weather:write' is not one that this client may have."),
        ("Weather:read", "The scope 'Weather:read' is not known here."),
        ("weather:read  weather:rain ", "The scope 'weather:rain' is not known here."),
        ("\u00e4\U0001f327", "The scope '??' is not known here."),
        ('"\\', "The scope '??' is not known here."),
        ("x" * 5000, f"The scope '{'x' * 60}...' is not known here."),
    ],
)
def test_a_scope_that_the_client_may_not_have_is_spelled_back(
    app: Flask, client: FlaskClient, asked: str, sentence: str
) -> None:
    reader = register(app, scope="weather:read")
    assert refusal(ask(client, reader, scope=asked), 400, "invalid_scope") == sentence


# Lifetimes and looks


@pytest.mark.parametrize(
    ("setting", "of_client", "seconds"),
    [
        (None, None, 3600),
        (600, None, 600),
        (timedelta(minutes=5), None, 300),
        ({"client_credentials": 120}, None, 120),
        ({"client_credentials": timedelta(hours=2)}, None, 7200),
        ({"password": 120}, None, 3600),
        (600, 42, 42),
        ({"client_credentials": 120}, 42, 42),
    ],
)
def test_a_token_lives_as_long_as_its_client_or_its_grant_says(
    make_app: MakeApp, setting: Any, of_client: int | None, seconds: int
) -> None:
    app = make_app(**{} if setting is None else {"OAUTH_ACCESS_TOKEN_LIFETIME": setting})
    client = app.test_client()
    before = int(time.time())
    answer = token_for(client, register(app, access_token_lifetime=of_client))
    assert answer["expires_in"] == seconds
    found = app.extensions["oauth_gateway"].tokens.get(token=answer["access_token"])
    assert found.exp == found.iat + seconds
    assert before <= found.iat <= time.time()


def test_a_token_begins_with_the_prefix_that_secret_scanners_know(make_app: MakeApp) -> None:
    app = make_app(OAUTH_TOKEN_PREFIX="acme_")
    client = app.test_client()
    token = token_for(client, register(app))["access_token"]
    assert token.startswith("acme_")
    assert re.fullmatch(r"acme_[A-Za-z0-9_-]{43}~[0-9a-f]{8}", token)
    assert is_accepted(client, token)


def test_the_endpoints_stand_under_the_prefix_of_the_configuration(make_app: MakeApp) -> None:
    app = make_app(OAUTH_URL_PREFIX="/auth/v2")
    registered = register(app)
    headers = basic(registered.client_id, registered.client_secret)
    client = app.test_client()
    form = {"grant_type": "client_credentials"}
    assert client.post("/auth/v2/token", data=form, headers=headers).status_code == 200
    assert client.post("/oauth/token", data=form, headers=headers).status_code == 404


# Grants


def test_a_request_without_a_grant_type_hears_where_it_belongs(client: FlaskClient, registered: Client) -> None:
    sentence = refusal(ask(client, registered, grant_type=""), 400, "invalid_request")
    assert sentence == "The parameter 'grant_type' is missing from the body of the request."


@pytest.mark.parametrize("grant_type", ["lottery", "CLIENT_CREDENTIALS", "client_credentials ", '"\u00e9\\'])
def test_a_grant_that_is_not_on_is_unsupported(client: FlaskClient, registered: Client, grant_type: str) -> None:
    sentence = refusal(ask(client, registered, grant_type=grant_type), 400, "unsupported_grant_type")
    assert sentence.startswith("The grant type '")


@pytest.mark.parametrize("short", ["jwt_bearer", "jwt-bearer", "device_code", "saml2_bearer"])
def test_a_short_name_of_the_configuration_is_answered_with_the_one_to_send(make_app: MakeApp, short: str) -> None:
    app = make_app(OAUTH_GRANT_TYPES=["jwt_bearer", "device_code", "saml2_bearer"])
    sent = {"grant_type": short}
    sentence = refusal(app.test_client().post("/oauth/token", data=sent), 400, "unsupported_grant_type")
    assert re.search("send 'urn:ietf:params:oauth:grant-type:(jwt-bearer|device_code|saml2-bearer)'", sentence)
    off = make_app().test_client().post("/oauth/token", data=sent)
    assert refusal(off, 400, "unsupported_grant_type") == f"The grant type '{short}' is not on here."


def test_a_client_that_is_not_registered_for_a_grant_is_not_authorized_for_it(app: Flask, client: FlaskClient) -> None:
    sentence = refusal(ask(client, register(app, grant_types=[])), 400, "unauthorized_client")
    assert "client_credentials" in sentence


def test_a_public_client_gets_no_token_for_itself(app: Flask, client: FlaskClient) -> None:
    form = {"grant_type": "client_credentials", "client_id": register_public(app).client_id}
    refusal(client.post("/oauth/token", data=form), 401, "invalid_client")


# Custom attributes


def test_custom_attributes_are_shown_save_those_that_are_kept(app: Flask, client: Client, registered: Client) -> None:
    asked_for = []

    @app.extensions["oauth_gateway"].token_attributes
    def attributes(client: Client, user: Any, scopes: frozenset[str], grant_type: str) -> dict[str, Any]:
        asked_for.append((client.client_id, user, scopes, grant_type))
        return {"plan": "gold", "limits": {"per_day": 5}, "_segment": "B2B"}

    answer = token_for(client, registered, scope="weather:read")
    assert asked_for == [(registered.client_id, None, frozenset({"weather:read"}), "client_credentials")]
    assert (answer["plan"], answer["limits"]) == ("gold", {"per_day": 5})
    assert "_segment" not in answer
    kept = app.extensions["oauth_gateway"].tokens.get(token=answer["access_token"])
    assert kept.attributes == {"plan": "gold", "limits": {"per_day": 5}, "_segment": "B2B"}


@pytest.mark.parametrize("given", [None, {}])
def test_a_hook_without_attributes_to_give_adds_none(
    app: Flask, client: FlaskClient, registered: Client, given: Any
) -> None:
    app.extensions["oauth_gateway"].token_attributes(lambda *_: given)
    assert set(token_for(client, registered)) == {"access_token", "token_type", "expires_in", "scope"}


def test_an_attribute_may_not_take_a_name_of_the_protocol(make_app: MakeApp, caplog: pytest.LogCaptureFixture) -> None:
    app = make_app(PROPAGATE_EXCEPTIONS=False)
    registered = register(app)
    app.extensions["oauth_gateway"].token_attributes(lambda *_: {"scope": "everything"})
    refusal(ask(app.test_client(), registered), 500, "server_error")  # the app's mistake, in the app's log
    assert "A token attribute can't be named 'scope'" in caplog.text
