"""A proof is good once: of however many requests at once, in however many processes, wherever it is kept that it was used."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.config import ConfigurationError
from tests.support.app import MakeApp, add_weather, bare_app, basic, gateway_of, refusal, register, server_of
from tests.support.bound import bound
from tests.support.clock import Clock
from tests.support.databases import every_database
from tests.support.proofs import ProofKey
from tests.support.racing import race
from tests.support.redis_server import own_redis
from tests.support.signing import Signer, claims_of
from tests.support.site import REDIRECT_URI, VERIFIER, MakeSite, Site

KEY = ProofKey()
CREDENTIALS = {"grant_type": "client_credentials"}


def racers(app: Flask, uris: list[str], **config: Any) -> Counter[int]:
    """How often each status came to one proof, in ten threads of each of two processes at once."""
    client = register(app)
    form = {
        **CREDENTIALS,
        "client_id": client.client_id,
        "client_secret": str(client.client_secret),
        "DPoP": KEY.proof(),
    }
    methods = ["client_secret_post"]
    (statuses,) = race(uris, 10, "/oauth/token", [form], OAUTH_DPOP=True, OAUTH_CLIENT_AUTH_METHODS=methods, **config)
    return statuses


@every_database
@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_of_twenty_requests_with_one_proof_one_gets_a_token(make_app: MakeApp, database_uri: str, form: str) -> None:
    app = make_app(OAUTH_DPOP=True)
    assert racers(app, [database_uri] * 2, OAUTH_ACCESS_TOKEN_FORMAT=form) == {200: 1, 400: 19}


@pytest.mark.redis
def test_it_is_one_where_redis_keeps_it_too(make_app: MakeApp, database_uri: str, redis_url: str) -> None:
    app = make_app(OAUTH_DPOP=True)
    assert racers(app, [database_uri] * 2, OAUTH_REDIS_URL=redis_url) == {200: 1, 400: 19}


@every_database
def test_of_twenty_refreshes_with_one_proof_one_is_answered_and_nothing_is_revoked(
    make_site: MakeSite, database_uri: str
) -> None:
    site = make_site(OAUTH_DPOP=True)
    client = site.register_public()
    data = {"grant_type": "authorization_code", "code": site.code(client), "redirect_uri": REDIRECT_URI}
    data |= {"client_id": client.client_id, "code_verifier": VERIFIER}
    send = site.app.test_client().post
    tokens = bound(site, send("/oauth/token", data=data, headers=KEY.headers()), KEY)
    form = {"grant_type": "refresh_token", "client_id": client.client_id, "refresh_token": tokens["refresh_token"]}
    (statuses,) = race([database_uri] * 2, 10, "/oauth/token", [form | {"DPoP": KEY.proof()}], OAUTH_DPOP=True)
    assert statuses == {200: 1, 400: 19}
    assert _taken(site, tokens["access_token"])  # its approval stands: a proof that comes again is no theft


def _taken(site: Site, token: str) -> bool:
    headers = KEY.with_token(token, uri="http://localhost/me")
    return site.app.test_client().get("/me", headers=headers).status_code == 200


@every_database
def test_a_view_takes_a_proof_once(make_app: MakeApp) -> None:
    app = make_app(OAUTH_DPOP=True)
    client, headers = app.test_client(), KEY.with_token(_token(app))
    assert [client.get("/weather", headers=headers).status_code for _ in range(3)] == [200, 401, 401]


def test_views_take_it_again_where_it_is_remembered_at_endpoints_alone(make_app: MakeApp) -> None:
    app = make_app(OAUTH_DPOP=True, OAUTH_DPOP_REPLAY="endpoints")
    token, client = _token(app), app.test_client()
    headers = KEY.with_token(token)
    assert [client.get("/weather", headers=headers).status_code for _ in range(2)] == [200, 200]
    headers = KEY.with_token(token, uri="http://localhost/oauth/tokeninfo")
    assert [client.get("/oauth/tokeninfo", headers=headers).status_code for _ in range(2)] == [200, 401]


@every_database
def test_what_was_used_is_kept_until_the_proof_is_too_old(make_app: MakeApp, clock: Clock) -> None:
    app = make_app(OAUTH_DPOP=True, OAUTH_DPOP_LIFETIME=100)
    client, send = register(app), app.test_client().post
    headers = basic(client.client_id, client.client_secret) | KEY.headers()
    assert send("/oauth/token", data=CREDENTIALS, headers=headers).status_code == 200
    clock.advance(98)
    with app.app_context():
        gateway_of(app).tokens.purge()
    assert "used" in refusal(send("/oauth/token", data=CREDENTIALS, headers=headers), 400, "invalid_dpop_proof")
    clock.advance(300)
    with app.app_context():
        assert gateway_of(app).tokens.purge() == 1
    assert "iat" in refusal(send("/oauth/token", data=CREDENTIALS, headers=headers), 400, "invalid_dpop_proof")


@pytest.mark.redis
def test_where_redis_is_away_nothing_is_let_through(make_app: MakeApp, tmp_path: Path) -> None:
    with own_redis(tmp_path / "redis") as redis:
        app = make_app(OAUTH_DPOP=True, OAUTH_REDIS_URL=redis.url)
        token, client = _token(app), app.test_client()
        assert client.get("/weather", headers=KEY.with_token(token)).status_code == 200
        redis.stop()
        headers = KEY.with_token(token)
        for _ in range(2):
            assert client.get("/weather", headers=headers).status_code == 503
        registered = register(app)
        sent = basic(registered.client_id, registered.client_secret) | KEY.headers()
        refusal(client.post("/oauth/token", data=CREDENTIALS, headers=sent), 503, "temporarily_unavailable")


def _token(app: Flask) -> str:
    client = register(app)
    headers = basic(client.client_id, client.client_secret) | KEY.headers()
    return str(app.test_client().post("/oauth/token", data=CREDENTIALS, headers=headers).get_json()["access_token"])


# An app without a database

TRUSTING = {"OAUTH_TRUSTED_TOKEN_ISSUERS": {"https://idp.example": {"jwks": {"keys": [KEY.jwk]}, "audience": "api"}}}


def checking(**config: Any) -> Flask:
    app = bare_app("checking", **{"TESTING": False, "OAUTH_ISSUER": "https://api.example", **TRUSTING, **config})
    OAuthGateway(app, resource_server=True)
    add_weather(app)
    return app


def test_an_app_without_a_database_needs_redis_for_it() -> None:
    with pytest.raises(ConfigurationError, match=r"OAUTH_REDIS_URL.*OAUTH_DPOP_REPLAY = .endpoints"):
        checking(OAUTH_DPOP=True)
    checking(OAUTH_DPOP=True, OAUTH_DPOP_REPLAY="endpoints")
    checking(OAUTH_DPOP=True, TESTING=True)
    checking()


@pytest.mark.redis
def test_two_apps_without_a_database_share_what_was_used_through_redis(redis_url: str) -> None:
    signer = Signer()
    issuers = {"https://idp.example": {"jwks": signer.jwks(), "audience": "api"}}
    config = {"OAUTH_DPOP": True, "OAUTH_REDIS_URL": redis_url, "OAUTH_TRUSTED_TOKEN_ISSUERS": issuers}
    apps = [checking(**config) for _ in range(2)]
    claims = claims_of(
        "https://idp.example", "api", cnf={"jkt": KEY.thumbprint}, scope="weather:read", client_id="shop"
    )
    token = signer.sign(claims, typ="at+jwt")
    headers = KEY.with_token(token, uri="https://api.example/weather")
    found = [app.test_client().get("/weather", headers=headers).status_code for app in (*apps, *apps)]
    for app in apps:
        server_of(app).close()
    assert found == [200, 401, 401, 401]
