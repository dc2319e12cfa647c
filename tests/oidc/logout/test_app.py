"""What the app has to do with it: its hook, its address, its mistakes."""

import json
import logging
from typing import Any

import pytest

from flask_oauth_gateway.errors import TemporarilyUnavailable
from tests.support.app import MakeApp, server_of
from tests.support.logout import AFTER, AFTERS, LOGOUT, arrival, ask, goodbye, is_silent, press, question, with_logout
from tests.support.relying_party import MakeParty, RelyingParty
from tests.support.site import Site, error_page


def test_a_sign_out_without_an_address_ends_where_the_app_says(make_party: MakeParty, make_app: MakeApp) -> None:
    for setting, target in (
        ("https://www.example.com/bye", "https://www.example.com/bye"),
        ("me", "/me"),
        ("/x", "/x"),
    ):
        party = make_party({"post_logout_redirect_uris": AFTERS}, OAUTH_POST_LOGOUT_URL=setting)
        site = with_logout(party.site)
        party.sign_in()
        page = ask(site)
        question(site, page)
        assert press(site, page).headers["Location"] == target
        assert site.person is None
        assert ask(site).headers["Location"] == target, "nobody is signed in"
        assert arrival(ask(site, id_token_hint=party.tokens["id_token"], post_logout_redirect_uri=AFTER)) == {}


def test_an_endpoint_that_is_not_there_keeps_nobody_signed_in(
    make_party: MakeParty, caplog: pytest.LogCaptureFixture
) -> None:
    party = make_party(OAUTH_POST_LOGOUT_URL="no_such_endpoint")
    site = with_logout(party.site)
    sid = party.sign_in()["sid"]
    goodbye(site, ask(site, id_token_hint=party.tokens["id_token"]))
    (said,) = (each for each in caplog.records if each.levelno == logging.ERROR)
    assert "OAUTH_POST_LOGOUT_URL is 'no_such_endpoint'" in said.getMessage()
    assert server_of(site.app).openid.sessions.end(sid=sid) == 0
    goodbye(site, ask(site))


def test_it_is_found_before_anybody_signs_out(make_party: MakeParty) -> None:
    wrong = {"OAUTH_POST_LOGOUT_URL": "no_such_endpoint", "OAUTH_SIGNUP_URL": "sign_upp"}
    app = with_logout(make_party(**wrong).site).app
    found = json.loads(app.test_cli_runner().invoke(args=["oauth", "doctor", "--json"]).stdout)
    why = {each["key"]: each["why"] for each in found}
    assert why["OAUTH_POST_LOGOUT_URL"].endswith("'no_such_endpoint' is no endpoint of this app")
    assert why["OAUTH_SIGNUP_URL"] == "nobody can make an account: 'sign_upp' is no endpoint of this app"
    for fine in ("me", "/no/such/page"):
        app = with_logout(make_party(OAUTH_POST_LOGOUT_URL=fine, OAUTH_SIGNUP_URL=fine).site).app
        assert not {*wrong} & {*app.test_cli_runner().invoke(args=["oauth", "doctor"]).output.split(":")}


def test_an_app_that_cannot_sign_out_is_told_what_it_lacks(party: RelyingParty, site: Site, hint: str) -> None:
    site.gateway.hooks.logout = None
    for debug in (True, False):
        site.app.debug = debug
        text = error_page(ask(site, id_token_hint=hint), "server_error", 503)
        assert ("gateway.logout" in text) is debug
    assert is_silent(party)
    assert "gateway.logout" in site.app.test_cli_runner().invoke(args=["oauth", "doctor"]).output


def test_a_hook_that_fails_leaves_the_user_signed_in_here_alone_and_can_be_tried_again(
    party: RelyingParty, site: Site, hint: str
) -> None:
    def fail() -> None:
        raise LookupError("the app's session store is away")

    leave = site.gateway.hooks.logout
    site.gateway.logout(fail)
    site.app.testing = False
    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    assert ask(site, id_token_hint=hint, post_logout_redirect_uri=AFTER).status_code == 500
    assert is_silent(party)
    assert leave is not None
    site.gateway.logout(leave)
    page = ask(site, id_token_hint=hint, post_logout_redirect_uri=AFTER)
    assert arrival(press(site, page)) == {}


def test_without_the_database_the_user_is_still_signed_in_and_nothing_has_ended(
    party: RelyingParty, site: Site, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions = server_of(site.app).openid.sessions

    def away(*_: Any, **__: Any) -> None:
        raise TemporarilyUnavailable

    with monkeypatch.context() as patched:
        patched.setattr(sessions._store, "end", away)
        response = ask(site, id_token_hint=hint, post_logout_redirect_uri=AFTER)
        error_page(response, "temporarily_unavailable", 503)
        assert response.headers["Retry-After"]
        assert is_silent(party)
    assert arrival(ask(site, id_token_hint=hint, post_logout_redirect_uri=AFTER)) == {}


def test_another_user_afterwards_gets_nothing_of_the_first(party: RelyingParty, site: Site) -> None:
    sid = party.sign_in()["sid"]
    ask(site, id_token_hint=party.tokens["id_token"])
    site.person = "bob"
    claims = party.sign_in()
    assert (claims["sub"], claims["sid"] == sid) == ("bob", False)


def test_with_openid_connect_off_there_is_nothing_of_it(make_app: MakeApp) -> None:
    site = Site(make_app())
    assert site.browser.get(LOGOUT).status_code == 404
    assert "end_session_endpoint" not in site.browser.get("/.well-known/oauth-authorization-server").get_json()


def test_the_metadata_name_it(site: Site) -> None:
    for where in ("openid-configuration", "oauth-authorization-server"):
        found = site.browser.get(f"/.well-known/{where}").get_json()
        assert found["end_session_endpoint"] == "http://localhost/oauth/logout"
