"""`POST /oauth/introspect` (RFC 7662): what a token is, asked by a client that shows who it is."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet
from werkzeug.test import TestResponse

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import MakeApp, basic, bearer, refusal, register, register_public, server_of, token_for
from tests.support.clock import Clock
from tests.support.databases import every_database
from tests.support.site import MakeSite

INACTIVE = {"active": False}
JWT = "application/token-introspection+jwt"


def introspect(client: FlaskClient, asker: Any, token: str, **form: str) -> dict[str, Any]:
    headers = basic(asker.client_id, asker.client_secret)
    response = client.post("/oauth/introspect", data={"token": token, **form}, headers=headers)
    assert response.status_code == 200, response.text
    assert response.headers["Cache-Control"] == "no-store"
    answer: dict[str, Any] = response.get_json()
    return answer


def test_a_client_sees_its_own_token_a_resource_server_every_one_and_others_nothing(
    app: Flask, client: FlaskClient, gateway: OAuthGateway, registered: Client
) -> None:
    token = token_for(client, registered, scope="weather:read")["access_token"]
    found = gateway.tokens.get(token=token)
    expected = {
        "active": True,
        "client_id": registered.client_id,
        "scope": "weather:read",
        "token_type": "Bearer",
        "iat": found.iat,
        "exp": found.iat + 3600,
        "jti": found.token_id,
        "grant_type": "client_credentials",
    }
    assert introspect(client, registered, token) == expected
    assert introspect(client, register(app, resource_server=True), token) == expected
    assert introspect(client, register(app), token) == INACTIVE


@every_database
def test_the_answer_is_the_same_whether_the_client_is_remembered_or_not(make_site: MakeSite) -> None:
    """One statement reads a client that isn't remembered and the token; of one that is, only the token is read."""
    site, there = make_site(), make_site()
    client = site.app.test_client()
    asker, other, resource_server = site.register(), site.register(), site.register(resource_server=True)
    tokens = site.tokens(asker)
    about = {
        "live": tokens["access_token"],
        "refresh token": tokens["refresh_token"],
        "another's": site.tokens(other)["access_token"],
        "revoked": site.tokens(asker)["access_token"],
        "unknown": "nobody's",
    }
    there.gateway.tokens.revoke(token=about["revoked"])
    for who, seen in ((asker, {"live", "refresh token"}), (resource_server, {"live", "another's"})):
        for what, token in about.items():
            server_of(site.app).clients.forget(who.client_id)
            new, remembered = (introspect(client, who, token) for _ in range(2))
            assert new == remembered, what
            assert new["active"] == (what in seen), what
    there.gateway.clients.rotate_secret(asker.client_id)
    for wrong in (asker.client_secret, "wrong", ""):
        server_of(site.app).clients.forget(asker.client_id)
        headers = basic(asker.client_id, wrong)
        refusal(client.post("/oauth/introspect", data={"token": about["live"]}, headers=headers), 401, "invalid_client")
    there.gateway.clients.update(resource_server.client_id, enabled=False)
    server_of(site.app).clients.forget(resource_server.client_id)
    headers = basic(resource_server.client_id, resource_server.client_secret)
    refusal(client.post("/oauth/introspect", data={"token": about["live"]}, headers=headers), 401, "invalid_client")


@pytest.mark.parametrize("form", ["opaque", "jwt"])
@pytest.mark.parametrize("accept", ["application/json", JWT])
def test_an_answer_may_be_kept_as_long_as_here_but_not_beyond_the_token_nor_about_a_refresh_token(
    make_site: MakeSite, accept: str, form: str
) -> None:
    """RFC 7662 section 4: an answer with `exp` must not be cached beyond that time."""
    site = make_site(OAUTH_TOKEN_CACHE_SECONDS=60, OAUTH_ACCESS_TOKEN_FORMAT=form)
    client = site.register(access_token_lifetime=3600)
    tokens = site.tokens(client)
    dying = site.gateway.tokens.issue(client.client_id, expires_in=20)["access_token"]

    def kept(token: str) -> str:
        headers = {**basic(client.client_id, client.client_secret), "Accept": accept}
        response = site.app.test_client().post("/oauth/introspect", data={"token": token}, headers=headers)
        assert response.status_code == 200
        return response.headers["Cache-Control"]

    assert kept(tokens["access_token"]) == "private, max-age=60"
    assert kept(dying) in ("private, max-age=20", "private, max-age=19")
    for never in (tokens["refresh_token"], "unknown"):
        assert kept(never) == "no-store"


def test_user_audience_and_shown_attributes_are_told_too(
    app: Flask, client: FlaskClient, gateway: OAuthGateway, registered: Client
) -> None:
    one, two = "https://a.example", "https://b.example"
    attributes = {"plan": "gold", "_segment": "B2B"}
    for audience, told in ((one, one), ([one, two], [one, two])):
        token = gateway.tokens.issue(
            registered.client_id, subject="\u00e5sa", audience=audience, attributes=attributes
        )["access_token"]
        answer = introspect(client, registered, token)
        assert (answer["sub"], answer["aud"], answer["plan"]) == ("\u00e5sa", told, "gold")
        assert "_segment" not in answer


def test_a_token_that_is_dead_is_only_inactive(
    app: Flask, client: FlaskClient, gateway: OAuthGateway, registered: Client, clock: Clock
) -> None:
    asker = register(app, resource_server=True)
    revoked, short, disabled, deleted = (
        gateway.tokens.issue(each.client_id, expires_in=seconds)["access_token"]
        for each, seconds in ((registered, 600), (registered, 10), (register(app), 600), (register(app), 600))
    )
    tokens = [revoked, short, disabled, deleted]
    owners = {token: introspect(client, asker, token)["client_id"] for token in tokens}
    gateway.tokens.revoke(token=revoked)
    gateway.clients.update(owners[disabled], enabled=False)
    gateway.clients.delete(owners[deleted])
    clock.advance(11)
    for token in (*tokens, "nothing that was ever issued", "x" * 100_000, "\u00e4"):
        assert introspect(client, asker, token) == INACTIVE


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "\u00e4"])
def test_a_wrong_hint_is_no_hindrance(client: FlaskClient, registered: Client, hint: str) -> None:
    token = token_for(client, registered)["access_token"]
    assert introspect(client, registered, token, token_type_hint=hint)["active"] is True


def test_only_a_client_that_shows_who_it_is_may_ask(app: Flask, client: FlaskClient, registered: Client) -> None:
    token = token_for(client, registered)["access_token"]
    public = register_public(app)
    for form in ({"token": token}, {"token": token, "client_id": public.client_id}):
        refusal(client.post("/oauth/introspect", data=form), 401, "invalid_client")
    refusal(client.post("/oauth/introspect", headers={"Authorization": f"Bearer {token}"}), 401, "invalid_client")
    headers = basic(registered.client_id, registered.client_secret)
    assert "'token'" in refusal(client.post("/oauth/introspect", headers=headers), 400, "invalid_request")
    refusal(client.post(f"/oauth/introspect?token={token}", headers=headers), 400, "invalid_request")


@every_database
def test_a_resource_server_that_another_process_disabled_or_demoted_learns_nothing_more(make_app: MakeApp) -> None:
    here, there = make_app(), make_app()
    client, registry = here.test_client(), there.extensions["oauth_gateway"].clients
    asker = register(here, resource_server=True)
    token = token_for(client, register(here))["access_token"]
    assert introspect(client, asker, token)["active"] is True  # the asker is remembered here now
    registry.update(asker.client_id, resource_server=False)
    assert introspect(client, asker, token) == INACTIVE
    registry.update(asker.client_id, resource_server=True)
    assert introspect(client, asker, token)["active"] is True
    registry.update(asker.client_id, enabled=False)
    headers = basic(asker.client_id, asker.client_secret)
    refusal(client.post("/oauth/introspect", data={"token": token}, headers=headers), 401, "invalid_client")


# A signed answer (RFC 9701)


def signed(client: FlaskClient, asker: Any, token: str, accept: str = JWT) -> TestResponse:
    headers = {**basic(asker.client_id, asker.client_secret), "Accept": accept}
    response: TestResponse = client.post("/oauth/introspect", data={"token": token}, headers=headers)
    return response


def test_whoever_asks_for_it_gets_the_answer_as_a_jwt_of_their_own(
    app: Flask, client: FlaskClient, registered: Client
) -> None:
    token = token_for(client, registered)["access_token"]
    server, stranger = register(app, resource_server=True), register(app)
    for asker in (registered, server, stranger):
        response = signed(client, asker, token)
        assert (response.status_code, response.mimetype) == (200, JWT)
        assert response.headers["Cache-Control"] == "no-store"
        keys = KeySet.import_key_set(client.get("/oauth/jwks").get_json())
        verified = joserfc_jwt.decode(response.text, keys, algorithms=["ES256"])
        assert verified.header["typ"] == "token-introspection+jwt"
        issued_at = verified.claims.pop("iat")
        assert issued_at >= introspect(client, registered, token)["iat"]
        assert verified.claims == {
            "iss": "http://localhost",
            "aud": asker.client_id,
            "token_introspection": introspect(client, asker, token),
        }
    assert introspect(client, stranger, token) == INACTIVE


@pytest.mark.parametrize("format_", ["opaque", "jwt"])
def test_a_signed_answer_is_no_token_and_a_token_no_answer(make_app: MakeApp, format_: str) -> None:
    app = make_app(OAUTH_ACCESS_TOKEN_FORMAT=format_)
    client, server = app.test_client(), register(app, resource_server=True)
    answer = signed(client, server, token_for(client, server)["access_token"])
    assert client.get("/weather", headers=bearer(answer.text)).status_code == 401
    assert introspect(client, server, answer.text) == INACTIVE


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        (f"application/json;q=0.5, {JWT}", JWT),
        (JWT.upper(), JWT),
        (f"{JWT};q=0.5, application/json", "application/json"),
        (f"{JWT};q=0, */*", "application/json"),
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("text/html", "application/json"),
        ("", "application/json"),
    ],
)
def test_the_accept_header_decides_which(client: FlaskClient, registered: Client, accept: str, mimetype: str) -> None:
    token = token_for(client, registered)["access_token"]
    assert signed(client, registered, token, accept).mimetype == mimetype


@pytest.mark.parametrize(
    ("missing", "named"), [({"SECRET_KEY": None}, "SECRET_KEY"), ({"TESTING": False}, "OAUTH_ISSUER")]
)
def test_without_a_key_or_a_name_nothing_is_signed_and_json_still_serves(
    make_app: MakeApp, missing: dict[str, Any], named: str
) -> None:
    app = make_app(**missing)
    client, asker = app.test_client(), register(app)
    token = token_for(client, asker)["access_token"]
    headers = {**basic(asker.client_id, asker.client_secret), "Accept": JWT, "Host": "api.example"}
    response = client.post("/oauth/introspect", data={"token": token}, headers=headers)
    assert named in refusal(response, 503, "server_error")
    assert introspect(client, asker, token)["active"] is True
