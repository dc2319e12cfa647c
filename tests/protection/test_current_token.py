"""`current_token`, the token's user, and what a process remembers of tokens that it verified."""

import copy
import pickle
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway import OAuthGateway, current_gateway, current_token, require_token
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import MakeApp, basic, bearer, is_accepted, refusal, register, server_of, token_for
from tests.support.clock import Clock
from tests.support.statements import statements_of


@pytest.fixture
def looked_at(app: Flask) -> list[Any]:
    """What `GET /look` saw in current_token, copied while the request lasted."""
    seen: list[Any] = []

    @app.get("/look")
    @require_token
    def look() -> str:
        names = ("client_id", "subject", "scopes", "grant_type", "issued_at", "expires_at", "audience", "attributes")
        seen.append({name: getattr(current_token, name) for name in (*names, "claims")})
        seen[-1]["truth"] = bool(current_token)
        return "seen"

    return seen


def test_the_view_sees_all_that_the_token_says(
    app: Flask, client: FlaskClient, gateway: OAuthGateway, looked_at: Any
) -> None:
    made = register(app)
    before = datetime.now(UTC).replace(microsecond=0)
    answer = gateway.tokens.issue(
        made.client_id,
        subject="alice",
        scope=["weather:read"],
        audience=["http://localhost", "https://api.example"],
        attributes={"plan": "gold", "_segment": "B2B"},
        expires_in=100,
    )
    assert client.get("/look", headers=bearer(answer["access_token"])).text == "seen"
    (seen,) = looked_at
    claims = seen.pop("claims")
    issued, expires = seen.pop("issued_at"), seen.pop("expires_at")
    assert before <= issued <= datetime.now(UTC)
    assert issued.utcoffset() == timedelta(0)
    assert expires - issued == timedelta(seconds=100)
    assert isinstance(seen["scopes"], frozenset)
    assert seen == {
        "client_id": made.client_id,
        "subject": "alice",
        "scopes": {"weather:read"},
        "grant_type": "direct",
        "audience": ("http://localhost", "https://api.example"),
        "attributes": {"plan": "gold", "_segment": "B2B"},
        "truth": True,
    }
    assert (claims["sub"], claims["aud"], claims["plan"]) == (
        "alice",
        ["http://localhost", "https://api.example"],
        "gold",
    )
    assert claims["exp"] == claims["iat"] + 100
    assert "_segment" not in claims


def test_a_token_without_a_user_has_no_subject(client: FlaskClient, registered: Client, looked_at: Any) -> None:
    token = token_for(client, registered)["access_token"]
    client.get("/look", headers=bearer(token))
    assert looked_at[0]["subject"] is None
    assert looked_at[0]["audience"] == ()
    assert looked_at[0]["attributes"] == {}
    assert "sub" not in looked_at[0]["claims"]
    assert "aud" not in looked_at[0]["claims"]


def test_where_there_is_no_token_current_token_is_falsy(app: Flask, client: FlaskClient) -> None:
    seen = []
    app.add_url_rule("/open", "open", lambda: str(seen.append(bool(current_token))))
    client.get("/open", headers=bearer("never looked at"))
    with app.app_context():
        seen.append(bool(current_token))
    seen.append(bool(current_token))
    assert seen == [False, False, False]


def test_a_token_tells_nothing_of_itself_when_printed(
    client: FlaskClient, gateway: OAuthGateway, registered: Client
) -> None:
    token = token_for(client, registered)["access_token"]
    assert token not in repr(gateway.tokens.get(token=token))
    assert registered.client_id in repr(gateway.tokens.get(token=token))


def test_current_gateway_is_the_gateway_of_the_app(app: Flask, gateway: OAuthGateway) -> None:
    with app.app_context():
        assert current_gateway.clients.list() == gateway.clients.list()
    with pytest.raises(RuntimeError):
        current_gateway.clients.list()


# The user


def test_the_user_is_loaded_on_first_use_and_once(app: Flask, client: FlaskClient, gateway: OAuthGateway) -> None:
    loaded = []

    @gateway.load_user
    def load_user(subject: str) -> dict[str, str]:
        loaded.append(subject)
        return {"name": subject.title()}

    app.add_url_rule("/idle", "idle", require_token(lambda: "idle"))
    app.add_url_rule("/user", "user", require_token(lambda: [current_token.user, current_token.user]))
    token = gateway.tokens.issue(register(app).client_id, subject="alice")["access_token"]
    loaded.clear()
    client.get("/idle", headers=bearer(token))
    assert loaded == []
    assert client.get("/user", headers=bearer(token)).get_json() == [{"name": "Alice"}] * 2
    assert loaded == ["alice"]
    client.get("/user", headers=bearer(token))
    assert loaded == ["alice", "alice"]  # another request may see another user


def test_a_token_without_a_user_has_none_to_load(
    app: Flask, client: FlaskClient, gateway: OAuthGateway, registered: Client
) -> None:
    gateway.load_user(lambda _: pytest.fail("there is nobody to load"))
    app.add_url_rule("/user", "user", require_token(lambda: {"user": current_token.user}))
    token = token_for(client, registered)["access_token"]
    assert client.get("/user", headers=bearer(token)).get_json() == {"user": None}


@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_a_user_who_is_gone_ends_the_token_where_users_are_checked(make_app: MakeApp, form: str) -> None:
    users = {"alice": object()}
    for checked in (False, True):
        app = make_app(OAUTH_CHECK_USER=checked, OAUTH_ACCESS_TOKEN_FORMAT=form)
        gateway, client = app.extensions["oauth_gateway"], app.test_client()
        gateway.load_user(users.get)
        made = register(app)
        headers = basic(made.client_id, made.client_secret)
        alice, bob = (gateway.tokens.issue(made.client_id, subject=name)["access_token"] for name in ("alice", "bob"))
        assert is_accepted(client, alice)
        assert is_accepted(client, bob) is not checked
        told = [client.post("/oauth/introspect", data={"token": t}, headers=headers).get_json() for t in (alice, bob)]
        assert [each["active"] for each in told] == [True, not checked]
        assert is_accepted(client, token_for(client, made)["access_token"])
    sentence = refusal(client.get("/weather", headers=bearer(bob)), 401, "invalid_token")
    assert sentence == "The user of this access token is gone."


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda token: pickle.loads(pickle.dumps(token))])  # noqa: S301
def test_a_token_is_copied_and_pickled_for_a_job_and_still_knows_its_user(
    app: Flask, gateway: OAuthGateway, registered: Client, again: Any
) -> None:
    gateway.load_user(lambda subject: {"name": subject})

    @app.get("/job")
    @require_token
    def job() -> dict[str, Any]:
        token = again(current_token._get_current_object())
        return {"user": token.user, "scope": token.scope, "claims": token.claims == current_token.claims}

    token = gateway.tokens.issue(registered.client_id, subject="alice", scope="weather:read")["access_token"]
    told = app.test_client().get("/job", headers=bearer(token)).get_json()
    assert told == {"user": {"name": "alice"}, "scope": "weather:read", "claims": True}


# What a process remembers


def look_ups(app: Flask, token: str, times: int = 1) -> int:
    """How many statements it takes to accept a token so often."""
    server_of(app).audit.flush()  # what waits would be written meanwhile
    with statements_of(app.extensions["oauth_gateway"].database.engine) as sent:
        for _ in range(times):
            assert is_accepted(app.test_client(), token)
    return len(sent)


def test_a_token_that_was_seen_lately_is_not_looked_up_again(make_app: MakeApp, clock: Clock) -> None:
    app = make_app(OAUTH_TOKEN_CACHE_SECONDS=30)
    client = app.test_client()
    token = token_for(client, register(app, access_token_lifetime=40))["access_token"]
    assert look_ups(app, token, 3) == 1
    clock.advance(31)
    assert look_ups(app, token) == 1
    clock.advance(10)  # what is remembered dies with the token, if that is sooner
    assert not is_accepted(client, token)


def test_without_that_setting_every_request_looks_the_token_up(
    app: Flask, client: FlaskClient, registered: Client
) -> None:
    token = token_for(client, registered)["access_token"]
    assert look_ups(app, token, 3) == 3


@pytest.mark.parametrize("how", ["revoke", "registry", "disable", "delete", "attributes"])
def test_what_is_remembered_is_dropped_at_once_where_this_process_ends_it(make_app: MakeApp, how: str) -> None:
    app = make_app(OAUTH_TOKEN_CACHE_SECONDS=300)
    client, gateway, made = app.test_client(), app.extensions["oauth_gateway"], register(app)
    token = token_for(client, made)["access_token"]
    assert is_accepted(client, token)
    if how == "attributes":
        assert gateway.tokens.set_attributes({"plan": "gold"}, token=token)
        assert look_ups(app, token) == 1
        return
    match how:
        case "revoke":
            form = {"client_id": made.client_id, "client_secret": made.client_secret, "token": token}
            assert client.post("/oauth/revoke", data=form).status_code == 200
        case "registry":
            assert gateway.tokens.revoke(client_id=made.client_id) == 1
        case "disable":
            gateway.clients.update(made.client_id, enabled=False)
        case "delete":
            gateway.clients.delete(made.client_id)
    assert not is_accepted(client, token)
