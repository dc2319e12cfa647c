"""Nonces, which show that a proof was made just now (RFC 9449 sections 8 and 9). Time passes when a test says so."""

import re
import time
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from flask_oauth_gateway import OAuthGateway
from flask_oauth_gateway.config import ConfigurationError
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import MakeApp, bare_app, basic, refusal, register
from tests.support.clock import Clock
from tests.support.proofs import ProofKey
from tests.support.site import REDIRECT_URI, VERIFIER, MakeSite, granted

KEY = ProofKey()
NQCHAR = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 appendix A
PERIOD = 120


@pytest.fixture
def app(make_app: MakeApp, clock: Clock) -> Flask:
    clock.advance(PERIOD - time.time() % PERIOD + 1)  # the beginning of a period
    return make_app(OAUTH_DPOP=True, OAUTH_DPOP_NONCE=True)


def ask(app: Flask, client: Client, **claims: Any) -> TestResponse:
    headers = basic(client.client_id, client.client_secret) | KEY.headers(**claims)
    return app.test_client().post("/oauth/token", data={"grant_type": "client_credentials"}, headers=headers)


def nonce_of(response: TestResponse) -> str:
    """The nonce that a refusal tells."""
    refusal(response, 400, "use_dpop_nonce")
    nonce = response.headers["DPoP-Nonce"]
    assert NQCHAR.fullmatch(nonce)
    return nonce


def see(app: Flask, token: str, **claims: Any) -> TestResponse:
    return app.test_client().get("/weather", headers=KEY.with_token(token, **claims))


def test_a_proof_without_a_nonce_is_told_one_and_with_that_it_is_good(app: Flask) -> None:
    client = register(app)
    nonce = nonce_of(ask(app, client))
    response = ask(app, client, nonce=nonce)
    assert granted(response)["token_type"] == "DPoP"
    assert "DPoP-Nonce" not in response.headers  # there is no newer one


@pytest.mark.parametrize("nonce", ["x", "", "é", 5, None, ["n"], "A" * 5000])
def test_an_unknown_nonce_is_as_none(app: Flask, nonce: Any) -> None:
    nonce_of(ask(app, register(app), nonce=nonce))


def test_a_nonce_is_good_in_every_process_for_two_periods(make_app: MakeApp, app: Flask, clock: Clock) -> None:
    client, other = register(app), make_app(OAUTH_DPOP=True, OAUTH_DPOP_NONCE=True)
    nonce = nonce_of(ask(app, client))
    granted(ask(other, client, nonce=nonce))
    clock.advance(2 * PERIOD - 3)
    granted(ask(other, client, nonce=nonce))
    clock.advance(3)
    assert nonce_of(ask(app, client, nonce=nonce)) != nonce


def test_a_new_one_comes_with_the_answer_before_the_old_one_ends(app: Flask, clock: Clock) -> None:
    client = register(app)
    nonce = nonce_of(ask(app, client))
    clock.advance(PERIOD)
    response = ask(app, client, nonce=nonce)
    granted(response)
    newer = response.headers["DPoP-Nonce"]
    assert newer != nonce
    clock.advance(PERIOD)
    granted(ask(app, client, nonce=newer))


def test_with_a_nonce_any_iat_will_do_and_the_proof_is_still_good_once(app: Flask, clock: Clock) -> None:
    client = register(app)
    nonce = nonce_of(ask(app, client))
    granted(ask(app, client, nonce=nonce, iat=1))
    granted(ask(app, client, nonce=nonce, iat=int(time.time()) + 10**6))
    headers = basic(client.client_id, client.client_secret) | KEY.headers(nonce=nonce)
    send, data = app.test_client().post, {"grant_type": "client_credentials"}
    granted(send("/oauth/token", data=data, headers=headers))
    clock.advance(2 * PERIOD - 3)
    app.extensions["oauth_gateway"].tokens.purge()
    assert "used" in refusal(send("/oauth/token", data=data, headers=headers), 400, "invalid_dpop_proof")


def test_a_code_and_a_refresh_token_are_still_good_after_it(make_site: MakeSite) -> None:
    site = make_site(OAUTH_DPOP=True, OAUTH_DPOP_NONCE=True)
    client = site.register_public()
    data = {"grant_type": "authorization_code", "code": site.code(client), "redirect_uri": REDIRECT_URI}
    data |= {"client_id": client.client_id, "code_verifier": VERIFIER}
    send = site.app.test_client().post
    nonce = nonce_of(send("/oauth/token", data=data, headers=KEY.headers()))
    tokens = granted(send("/oauth/token", data=data, headers=KEY.headers(nonce=nonce)))
    data = {"grant_type": "refresh_token", "client_id": client.client_id, "refresh_token": tokens["refresh_token"]}
    nonce_of(send("/oauth/token", data=data, headers=KEY.headers()))
    granted(send("/oauth/token", data=data, headers=KEY.headers(nonce=nonce)))


def test_views_have_nonces_of_their_own(app: Flask, clock: Clock) -> None:
    client = register(app)
    ours = nonce_of(ask(app, client))
    token = granted(ask(app, client, nonce=ours))["access_token"]
    for claims in ({}, {"nonce": ours}):
        refused = see(app, token, **claims)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("DPoP ")
        assert 'error="use_dpop_nonce"' in refused.headers["WWW-Authenticate"]
        assert "Bearer" not in refused.headers["WWW-Authenticate"]
    theirs = refused.headers["DPoP-Nonce"]
    good = see(app, token, nonce=theirs)
    assert (good.status_code, good.headers.get("DPoP-Nonce")) == (200, None)
    nonce_of(ask(app, client, nonce=theirs))
    clock.advance(PERIOD)
    later = see(app, token, nonce=theirs)
    assert later.status_code == 200
    assert later.headers["DPoP-Nonce"] != theirs


def test_nonces_outlive_a_change_of_the_key(make_app: MakeApp, app: Flask) -> None:
    client = register(app)
    nonce = nonce_of(ask(app, client))
    changed = {"SECRET_KEY": "another", "OAUTH_DPOP": True, "OAUTH_DPOP_NONCE": True}
    granted(ask(make_app(**changed, SECRET_KEY_FALLBACKS=["only for tests"]), client, nonce=nonce))
    nonce_of(ask(make_app(**changed), client, nonce=nonce))


def test_without_a_secret_key_there_are_no_nonces() -> None:
    app = bare_app("keyless", SECRET_KEY=None, OAUTH_DPOP=True, OAUTH_DPOP_NONCE=True, TESTING=True)
    with pytest.raises(ConfigurationError, match="SECRET_KEY"):
        OAuthGateway(app)


def test_a_script_in_a_browser_may_read_the_nonce_that_userinfo_asks_for(make_site: MakeSite) -> None:
    """Of the client's own origin: no other's script learns anything of the token."""
    site = make_site(OAUTH_DPOP=True, OAUTH_DPOP_NONCE=True, OAUTH_OIDC=True)
    client = site.register_public(scope="openid")
    browser, uri = site.app.test_client(), "http://localhost/oauth/userinfo"
    code = site.code(client, nonce="n")
    needed = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    form = {**needed, "client_id": client.client_id, "code": code}
    nonce = nonce_of(browser.post("/oauth/token", data=form, headers=KEY.headers()))
    token = granted(browser.post("/oauth/token", data=form, headers=KEY.headers(nonce=nonce)))["access_token"]

    def asked(origin: str, **claims: str) -> TestResponse:
        headers = KEY.with_token(token, uri=uri, **claims) | {"Origin": origin}
        return browser.get("/oauth/userinfo", headers=headers)

    assert "Access-Control-Allow-Origin" not in asked("https://thief.example").headers
    first = asked("https://app.example")
    assert first.status_code == 401
    assert first.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "DPoP-Nonce" in first.headers["Access-Control-Expose-Headers"]
    assert asked("https://app.example", nonce=first.headers["DPoP-Nonce"]).status_code == 200
