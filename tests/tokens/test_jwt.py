"""JWT access tokens (RFC 9068): signed, checked without a look-up, and nothing is stored of them."""

import json
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import ECKey, KeySet, OctKey

from flask_oauth_gateway import current_token, require_token
from flask_oauth_gateway.database.tables import access_token
from tests.support.app import ask, basic, bearer, is_accepted, register, server_of, token_for
from tests.support.clock import Clock
from tests.support.databases import sqlite_only
from tests.support.site import Site

ALGORITHMS = ["ES256", "RS256", "PS256", "EdDSA"]


def part(token: str, number: int) -> dict[str, Any]:
    segment = token.split(".")[number]
    decoded: dict[str, Any] = json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    return decoded


@pytest.fixture
def jwt_app(make_app: Callable[..., Flask]) -> Flask:
    return make_app(OAUTH_ACCESS_TOKEN_FORMAT="jwt", OAUTH_REVOCATION_POLL_SECONDS=0)


def test_it_says_what_rfc_9068_asks_for(jwt_app: Flask) -> None:
    client = register(jwt_app, scope="weather:read")
    answer = token_for(jwt_app.test_client(), client)
    header, claims = part(answer["access_token"], 0), part(answer["access_token"], 1)
    assert header["typ"] == "at+jwt"
    assert header["alg"] == "ES256"
    assert header["kid"]
    assert claims["iss"] == claims["aud"] == "http://localhost"
    assert claims["sub"] == claims["client_id"] == client.client_id
    assert claims["scope"] == answer["scope"] == "weather:read"
    assert claims["exp"] - claims["iat"] == answer["expires_in"] == 3600
    assert claims["jti"]
    assert is_accepted(jwt_app.test_client(), answer["access_token"])


def test_nothing_is_stored_of_it(jwt_app: Flask) -> None:
    token_for(jwt_app.test_client(), register(jwt_app))
    assert jwt_app.extensions["oauth_gateway"].database.all(access_token.select()) == []


@sqlite_only
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # joserfc would have it called Ed25519, as nobody does yet
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_anybody_can_check_it_with_the_key_set(make_app: Callable[..., Flask], algorithm: str) -> None:
    app = make_app(OAUTH_ACCESS_TOKEN_FORMAT="jwt", OAUTH_SIGNING_ALGORITHM=algorithm)
    client = app.test_client()
    token = token_for(client, register(app))["access_token"]
    keys = KeySet.import_key_set(client.get("/oauth/jwks").get_json())
    assert joserfc_jwt.decode(token, keys, algorithms=[algorithm]).claims["iss"] == "http://localhost"
    assert is_accepted(client, token)


@sqlite_only
def test_a_client_may_have_the_other_format(make_app: Callable[..., Flask]) -> None:
    opaque, signed = make_app(), make_app(OAUTH_ACCESS_TOKEN_FORMAT="jwt")
    for app, format_, dots in ((opaque, "jwt", 2), (signed, "opaque", 0)):
        token = token_for(app.test_client(), register(app, access_token_format=format_))["access_token"]
        assert token.count(".") == dots
        assert is_accepted(app.test_client(), token)


@sqlite_only
def test_attributes_are_in_it_save_those_that_are_kept_back(jwt_app: Flask) -> None:
    gateway = jwt_app.extensions["oauth_gateway"]
    gateway.token_attributes(lambda *_: {"plan": "gold", "_internal": "secret"})

    @jwt_app.get("/attributes")
    @require_token
    def attributes() -> dict[str, Any]:
        return dict(current_token.attributes)

    token = token_for(jwt_app.test_client(), register(jwt_app))["access_token"]
    assert part(token, 1)["plan"] == "gold"
    assert "_internal" not in part(token, 1)
    assert jwt_app.test_client().get("/attributes", headers=bearer(token)).get_json() == {"plan": "gold"}


@sqlite_only
def test_the_hook_gives_it_the_groups_roles_and_entitlements_of_rfc_9068(make_site: Callable[..., Site]) -> None:
    site = make_site(OAUTH_ACCESS_TOKEN_FORMAT="jwt")
    about = {"groups": ["forecasters"], "roles": ["editor", "admin"], "entitlements": [{"value": "radar"}]}

    @site.gateway.token_attributes
    def token_attributes(client: Any, user: Any, scopes: frozenset[str], grant_type: str) -> dict[str, Any]:
        return {} if user is None else about

    @site.gateway.login_details
    def login_details(user: Any) -> dict[str, Any]:
        return {"auth_time": 1_700_000_000, "acr": "gold", "amr": ["pwd", "otp"]}

    @site.app.get("/roles")
    @require_token
    def roles() -> dict[str, Any]:
        return {"attributes": dict(current_token.attributes), "claims": current_token.claims}

    client = site.register()
    first = site.tokens(client)
    refreshed = site.refresh(client, first["refresh_token"]).get_json()
    server = site.register(resource_server=True, grant_types=["client_credentials"], redirect_uris=[])
    for token in (first["access_token"], refreshed["access_token"]):
        introspected = site.post(server, "/oauth/introspect", token=token).get_json()
        seen = site.app.test_client().get("/roles", headers=bearer(token)).get_json()
        assert seen["attributes"] == about
        for claims in (part(token, 1), introspected, seen["claims"]):
            assert {name: claims[name] for name in about} == about
            assert (claims["auth_time"], claims["acr"], claims["amr"]) == (1_700_000_000, "gold", ["pwd", "otp"])
    alone = token_for(site.app.test_client(), register(site.app))["access_token"]
    assert about.keys().isdisjoint(part(alone, 1)), "no user takes part"


@sqlite_only
def test_a_client_is_never_taken_for_the_user_of_its_name(make_site: Callable[..., Site]) -> None:
    site = make_site(OAUTH_ACCESS_TOKEN_FORMAT="jwt")

    @site.app.get("/who")
    @require_token
    def who() -> dict[str, Any]:
        return {"subject": current_token.subject}

    client = register(site.app, client_id="alice")
    token = token_for(site.app.test_client(), client)["access_token"]
    assert part(token, 1)["sub"] == "alice"
    assert site.app.test_client().get("/who", headers=bearer(token)).get_json() == {"subject": None}
    users = site.gateway.tokens.issue("alice", subject="alice")["access_token"]
    assert site.app.test_client().get("/who", headers=bearer(users)).get_json() == {"subject": "alice"}


def test_revoked_by_its_client_it_stops(jwt_app: Flask) -> None:
    http, client = jwt_app.test_client(), register(jwt_app)
    token, other = (token_for(http, client)["access_token"] for _ in range(2))
    stranger = register(jwt_app)
    for who, lives in ((stranger, True), (client, False)):
        headers = basic(who.client_id, who.client_secret)
        assert http.post("/oauth/revoke", data={"token": token}, headers=headers).status_code == 200
        assert is_accepted(http, token) is lives
    assert is_accepted(http, other)


def test_a_client_that_is_disabled_or_deleted_has_no_tokens(jwt_app: Flask) -> None:
    http, client, registry = jwt_app.test_client(), register(jwt_app), jwt_app.extensions["oauth_gateway"].clients
    token = token_for(http, client)["access_token"]
    registry.update(client.client_id, enabled=False)
    assert not is_accepted(http, token)
    registry.update(client.client_id, enabled=True)
    assert is_accepted(http, token)
    registry.delete(client.client_id)
    assert not is_accepted(http, token)


@pytest.mark.parametrize("fits", [{"client_id": True}, {"subject": True}, {"client_id": True, "subject": True}])
def test_revoked_in_code_every_token_that_fits_stops(jwt_app: Flask, fits: dict[str, bool]) -> None:
    http, client, other = jwt_app.test_client(), register(jwt_app), register(jwt_app)
    tokens = jwt_app.extensions["oauth_gateway"].tokens
    mine = tokens.issue(client.client_id, subject="alice")["access_token"]
    others = tokens.issue(other.client_id, subject="bob")["access_token"]
    tokens.revoke(**{name: {"client_id": client.client_id, "subject": "alice"}[name] for name in fits})
    assert not is_accepted(http, mine)
    assert is_accepted(http, others)
    assert is_accepted(http, tokens.issue(client.client_id, subject="alice")["access_token"]), "a later one lives"


@sqlite_only
def test_one_token_is_revoked_in_code(jwt_app: Flask) -> None:
    tokens = jwt_app.extensions["oauth_gateway"].tokens
    client = register(jwt_app)
    first, second = (tokens.issue(client.client_id, subject="alice")["access_token"] for _ in range(2))
    assert tokens.revoke(token=first, subject="bob") == 0
    assert tokens.revoke(token=first, subject="alice") == 1
    assert not is_accepted(jwt_app.test_client(), first)
    assert is_accepted(jwt_app.test_client(), second)


@sqlite_only
def test_another_process_learns_of_it_within_the_poll_seconds(make_app: Callable[..., Flask], clock: Clock) -> None:
    config = {"OAUTH_ACCESS_TOKEN_FORMAT": "jwt", "OAUTH_REVOCATION_POLL_SECONDS": 2}
    here, there = make_app(**config), make_app(**config)
    client = register(here)
    token = token_for(here.test_client(), client)["access_token"]
    assert is_accepted(there.test_client(), token)
    here.extensions["oauth_gateway"].tokens.revoke(token=token)
    assert not is_accepted(here.test_client(), token), "the process itself knows at once"
    clock.advance(2)
    assert not is_accepted(there.test_client(), token)


def test_an_approval_that_ends_takes_its_jwts_along(make_site: Callable[..., Site]) -> None:
    site = make_site(OAUTH_ACCESS_TOKEN_FORMAT="jwt", OAUTH_REVOCATION_POLL_SECONDS=0)
    client = site.register()
    first = site.redeem(client, site.code(client)).get_json()
    second = site.refresh(client, first["refresh_token"]).get_json()
    assert site.is_live(second["access_token"])
    assert site.refresh(client, first["refresh_token"]).status_code == 400, "reuse of a spent refresh token"
    assert not site.is_live(first["access_token"])
    assert not site.is_live(second["access_token"])


@sqlite_only
def test_introspection_and_token_information_know_it(jwt_app: Flask) -> None:
    http, client, stranger = jwt_app.test_client(), register(jwt_app), register(jwt_app)
    server = register(jwt_app, resource_server=True)
    token = token_for(http, client)["access_token"]
    for who, active in ((client, True), (server, True), (stranger, False)):
        headers = basic(who.client_id, who.client_secret)
        answer = http.post("/oauth/introspect", data={"token": token}, headers=headers).get_json()
        assert answer["active"] is active
    told = http.post("/oauth/tokeninfo", data={"access_token": token}).get_json()
    assert told["client_id"] == client.client_id
    assert told["grant_type"] == "client_credentials"


@sqlite_only
def test_it_expires(jwt_app: Flask, clock: Clock) -> None:
    token = token_for(jwt_app.test_client(), register(jwt_app))["access_token"]
    assert is_accepted(jwt_app.test_client(), token)
    clock.advance(3601)
    assert not is_accepted(jwt_app.test_client(), token)


@sqlite_only
def test_a_forged_one_is_refused(jwt_app: Flask) -> None:
    http = jwt_app.test_client()
    token = token_for(http, register(jwt_app))["access_token"]
    header, claims = part(token, 0), part(token, 1)
    public = json.dumps(http.get("/oauth/jwks").get_json()["keys"][0])
    mine = ECKey.generate_key("P-256")
    forged = [
        joserfc_jwt.encode(header, claims, mine),
        joserfc_jwt.encode({**header, "jwk": mine.as_dict(private=False)}, claims, mine),
        joserfc_jwt.encode({**header, "kid": "another"}, claims, mine),
        joserfc_jwt.encode({**header, "alg": "HS256"}, claims, OctKey.import_key(public)),
        token[:-6] + "AAAAAA",
        token.split(".")[0] + "." + token.split(".")[1] + ".",
        "eyJhbGciOiJub25lIn0." + token.split(".")[1] + ".",
    ]
    for bad in forged:
        response = http.get("/weather", headers=bearer(bad))
        assert response.status_code == 401, bad
        assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


@sqlite_only
def test_another_kind_of_token_by_the_same_key_is_no_access_token(jwt_app: Flask) -> None:
    http = jwt_app.test_client()
    token = token_for(http, register(jwt_app))["access_token"]
    ring = server_of(jwt_app).key_ring
    signing = ring.signing_key()
    for kind in ("JWT", "logout+jwt", "dpop+jwt", None):
        header = {"alg": signing.algorithm, "kid": signing.kid, **({} if kind is None else {"typ": kind})}
        other = joserfc_jwt.encode(header, part(token, 1), signing.key, default_type=None)
        assert not is_accepted(http, other), kind
    for change in ({"aud": "https://other.example"}, {"iss": "https://other.example"}):
        header = {"alg": signing.algorithm, "kid": signing.kid, "typ": "at+jwt"}
        assert not is_accepted(http, joserfc_jwt.encode(header, part(token, 1) | change, signing.key)), change


@sqlite_only
def test_without_a_name_of_its_own_a_server_beyond_loopback_signs_nothing(make_app: Callable[..., Flask]) -> None:
    app = make_app(OAUTH_ACCESS_TOKEN_FORMAT="jwt", TESTING=False)
    client = register(app)
    response = app.test_client().post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        headers={**basic(client.client_id, client.client_secret), "Host": "evil.example"},
    )
    assert response.status_code == 503
    assert "OAUTH_ISSUER" in response.get_json()["error_description"]
    assert ask(make_app(TESTING=False).test_client(), client).status_code == 200, "opaque tokens need no name"


@sqlite_only
def test_it_lives_no_longer_than_its_revocation_is_remembered(make_app: Callable[..., Flask]) -> None:
    app = make_app(OAUTH_ACCESS_TOKEN_FORMAT="jwt", OAUTH_ACCESS_TOKEN_LIFETIME=365 * 86400)
    answer = token_for(app.test_client(), register(app))
    assert answer["expires_in"] == 31 * 86400
    assert part(answer["access_token"], 1)["exp"] <= time.time() + 31 * 86400
