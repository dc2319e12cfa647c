"""Somebody who is signed in at many clients signs out: the answer comes at once, and each client hears of it."""

import time
from typing import Any

import pytest
import requests
from flask import Flask
from joserfc import jwt

from tests.support.app import MakeApp, server_of
from tests.support.logout_receivers import Receivers
from tests.support.relying_party import MakeParty, RelyingParty
from tests.support.serving import serving
from tests.support.site import REDIRECT_URI, Site, answer
from tests.support.told_of_logouts import Provider

DOWN = ["hang", "drip", "refuse", "reset", "redirect", "endless", 500, 429, 400, "hang"]
CLIENTS = 50


def sign_out_view(site: Site) -> None:
    """The app's own way out, as one that knows nothing of logout endpoints has it."""

    @site.app.post("/sign-out")
    def sign_out() -> str:
        server_of(site.app).openid.sessions.end_of_browser(str(site.person))
        return "Good bye."


def test_of_50_clients_10_are_down_the_answer_comes_at_once_and_the_others_are_told(
    make_app: MakeApp, receivers: Receivers
) -> None:
    """From a served app to served clients: what the user waits for is compared with an answer that does nothing."""

    def build(url: str) -> Flask:
        app = make_app(OAUTH_OIDC=True, OAUTH_ISSUER=url, TESTING=False)
        provider, site = Provider(app, receivers), Site(app)
        provider.logout.by_itself = True
        sign_out_view(site)
        for number in range(CLIENTS):
            how = DOWN[number] if number < len(DOWN) else 200
            provider.register(f"shop-{number}", how, redirect_uris=[REDIRECT_URI], skip_consent=True)
        return app

    with serving(build) as (url, app), requests.Session() as browser:
        app.config["SESSION_COOKIE_SECURE"] = False
        for number in range(CLIENTS):
            query = {
                "client_id": f"shop-{number}", "redirect_uri": REDIRECT_URI, "response_type": "code", "scope": "openid",
                "code_challenge": "x" * 43, "code_challenge_method": "S256",
            }  # fmt: skip
            sent = browser.get(f"{url}/oauth/authorize", params=query, allow_redirects=False)
            assert "code" in answer(sent.headers["Location"])
        begun = time.monotonic()
        assert browser.get(f"{url}/weather").status_code == 401
        bare, begun = time.monotonic() - begun, time.monotonic()
        assert browser.post(f"{url}/sign-out").text == "Good bye."
        took = time.monotonic() - begun
        assert took < 1 + 10 * bare, (took, bare)
        receivers.wait_for(CLIENTS - 1)  # nobody hears what is sent to a closed port
        told = {name: len(tokens) for name, tokens in receivers.told.items() if receivers.how[name] == 200}
        assert told == {f"shop-{number}": 1 for number in range(len(DOWN), CLIENTS)}
        sids = [receivers.claims(name)[0]["sid"] for name in told]
        assert len(set(sids)) == len(told), "each client has a session of its own"


@pytest.fixture
def party(make_party: MakeParty, receivers: Receivers) -> RelyingParty:
    return make_party({"backchannel_logout_uri": receivers.url("shop"), "backchannel_logout_session_required": True})


def test_the_logout_token_names_the_session_of_the_id_token(party: RelyingParty, receivers: Receivers) -> None:
    provider = Provider(party.site.app, receivers)
    claims = party.sign_in()
    assert provider.server.openid.sessions.end(subject="alice") == 1
    assert provider.deliver().told == 1
    told: jwt.Token = party.decode(receivers.told["shop"][0])
    same = ("iss", "sub", "aud", "sid")
    assert {name: told.claims[name] for name in same} == {name: claims[name] for name in same}
    assert told.header["alg"] == "RS256"
    assert "nonce" not in told.claims
    assert provider.deliver() == (0, 0, 0)


def test_a_pairwise_client_hears_of_its_own_name_for_the_user(make_party: MakeParty, receivers: Receivers) -> None:
    config: dict[str, Any] = {"OAUTH_SUBJECT_TYPES": ["public", "pairwise"], "OAUTH_PAIRWISE_SALT": "salt" * 10}
    party = make_party({"backchannel_logout_uri": receivers.url("shop"), "subject_type": "pairwise"}, **config)
    provider = Provider(party.site.app, receivers)
    claims = party.sign_in()
    provider.server.openid.sessions.end(subject="alice")
    provider.deliver()
    (told,) = receivers.claims("shop")
    assert told["sub"] == claims["sub"] != "alice"


def test_clients_without_an_address_owe_no_answer(make_party: MakeParty, receivers: Receivers) -> None:
    party = make_party()
    provider = Provider(party.site.app, receivers)
    party.sign_in()
    assert provider.server.openid.sessions.end(subject="alice") == 1
    assert provider.waiting() == {}


def test_another_s_session_and_another_client_s_go_on(party: RelyingParty, receivers: Receivers) -> None:
    provider = Provider(party.site.app, receivers)
    sid = party.sign_in()["sid"]
    assert provider.server.openid.sessions.end(subject="bob") == 0
    assert provider.server.openid.sessions.end(subject="bob", sid=sid) == 0
    assert provider.deliver() == (0, 0, 0)
    assert party.sign_in()["sid"] == sid
