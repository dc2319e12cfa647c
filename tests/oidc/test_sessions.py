"""A browser's sign-ins at a program are a session: its `sid`, what it outlasts, and what ends with it."""

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from flask_oauth_gateway.database.tables import logout, session
from flask_oauth_gateway.oidc.sessions import Sessions
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import refusal, server_of
from tests.support.clock import Clock
from tests.support.databases import every_database
from tests.support.relying_party import MakeParty, RelyingParty
from tests.support.site import Site, another_browser, answer
from tests.support.stored import database_of

pytestmark = every_database
BACKCHANNEL = "https://app.example/backchannel"
FORMATS = ["opaque", "jwt"]


def sessions_of(site: Site) -> Sessions:
    return server_of(site.app).openid.sessions


def sid_at(party: RelyingParty, client: Client | None = None) -> str:
    """The `sid` that a sign-in gives, by this browser as it is."""
    first, party.client = party.client, client or party.client
    try:
        return str(party.sign_in()["sid"])
    finally:
        party.client = first


def test_a_session_has_one_sid_at_each_client_while_it_lasts(party: RelyingParty, clock: Clock) -> None:
    other = party.site.register(scope="openid")
    first = party.sign_in()
    assert len(first["sid"]) >= 43
    clock.advance(3000)
    assert sid_at(party) == first["sid"]
    assert party.read(party.refresh()["id_token"])["sid"] == first["sid"]
    at_other = sid_at(party, other)
    assert at_other != first["sid"], "clients can't tell from it that they have the same user"
    party.site.browser = another_browser(party.site)
    assert sid_at(party) not in (first["sid"], at_other)


def test_two_users_of_one_browser_have_nothing_in_common(party: RelyingParty) -> None:
    of_alice = sid_at(party)
    party.site.person = "bob"
    of_bob = sid_at(party)
    assert of_bob != of_alice
    party.site.person = "alice"
    assert sid_at(party) == of_alice, "this app didn't sign anybody out"


def test_every_response_type_gives_the_same_sid(party: RelyingParty) -> None:
    site = party.site
    client = site.register(scope="openid", grant_types=["authorization_code", "implicit", "refresh_token"])
    party.client = client
    sid = sid_at(party)
    for response_type in ("id_token", "id_token token", "code id_token", "code id_token token"):
        found = answer(site.approve(client, scope="openid", response_type=response_type, nonce="n"), part="fragment")
        assert party.read(found["id_token"])["sid"] == sid
        if "code" in found:
            assert party.read(party.trade(found["code"])["id_token"])["sid"] == sid


@pytest.mark.parametrize("access_token_format", FORMATS)
def test_what_was_given_in_a_session_ends_with_it(make_party: MakeParty, access_token_format: str) -> None:
    party = make_party(OAUTH_ACCESS_TOKEN_FORMAT=access_token_format, OAUTH_REVOCATION_POLL_SECONDS=0)
    site, client = party.site, party.client
    sid = party.sign_in(scope="openid offline_access weather:read")["sid"]
    offline = party.tokens
    party.sign_in(scope="openid weather:read")
    of_session = party.refresh()
    code = site.code(client, scope="openid")
    implicit = site.register(scope="openid weather:read", grant_types=["implicit"], token_endpoint_auth_method="none")
    at_once = answer(
        site.approve(implicit, scope="openid weather:read", response_type="id_token token", nonce="n"), part="fragment"
    )["access_token"]
    assert all(map(site.is_live, (offline["access_token"], of_session["access_token"], at_once)))
    assert sessions_of(site).end(sid=sid) == 1
    assert not site.is_live(of_session["access_token"])
    refusal(site.refresh(client, of_session["refresh_token"]), 400, "invalid_grant")
    refusal(site.redeem(client, code), 400, "invalid_grant")
    assert site.is_live(offline["access_token"])
    assert site.refresh(client, offline["refresh_token"]).status_code == 200
    assert site.is_live(at_once), "another client's session"
    assert sessions_of(site).end(subject="alice") == 1
    assert not site.is_live(at_once)
    assert sessions_of(site).end(subject="alice") == 0
    assert sid_at(party) != sid


def test_tokens_outlive_the_session_where_that_is_set(make_party: MakeParty) -> None:
    party = make_party(OAUTH_LOGOUT_ENDS_TOKENS=False)
    sid = party.sign_in(scope="openid weather:read")["sid"]
    assert sessions_of(party.site).end(sid=sid) == 1
    assert party.site.is_live(party.tokens["access_token"])
    assert party.read(party.refresh()["id_token"])["sid"] == sid


def test_what_is_given_late_in_a_session_ends_with_it_all_the_same(make_party: MakeParty, clock: Clock) -> None:
    day = 86400
    party = make_party(OAUTH_REFRESH_TOKEN_LIFETIME=40 * day)
    sid = party.sign_in()["sid"]
    clock.advance(19 * day)
    assert sid_at(party) == sid
    clock.advance(36 * day)
    party.site.gateway.tokens.purge()
    assert party.read(party.refresh()["id_token"])["sid"] == sid
    assert sessions_of(party.site).end(subject="alice") == 1
    refusal(party.site.refresh(party.client, party.tokens["refresh_token"]), 400, "invalid_grant")


def test_a_client_that_wants_to_be_told_is_noted_in_the_same_step(party: RelyingParty) -> None:
    site, told = party.site, []
    party.sign_in()
    party.client = site.register(scope="openid", backchannel_logout_uri=BACKCHANNEL)
    sid = party.sign_in()["sid"]
    sessions_of(site).deliver_soon = lambda: told.append(database_of(site.app).all(select(logout)))
    assert sessions_of(site).end(subject="alice") == 2
    ((row,),) = told
    assert (row.client, row.subject, row.sid, row.tries) == (party.client.key, "alice", sid, 0)
    assert row.give_up_at - row.created_at == 600
    assert database_of(site.app).all(select(session)) == []


def test_the_sessions_of_a_browser_end_with_it(party: RelyingParty) -> None:
    site = party.site

    @site.app.get("/leave/<subject>")
    def leave(subject: str) -> Any:
        known = [sessions_of(site).is_of_browser(sid, subject) for sid in (*here, elsewhere)]
        return {"known": known, "ended": sessions_of(site).end_of_browser(subject)}

    here = [sid_at(party), sid_at(party, site.register(scope="openid"))]
    mine, site.browser = site.browser, another_browser(site)
    elsewhere = sid_at(party)
    site.browser = mine

    def asked(browser: FlaskClient, subject: str) -> Any:
        return browser.get(f"/leave/{subject}").get_json()

    assert asked(another_browser(site), "alice") == {"known": [False] * 3, "ended": 0}
    assert asked(mine, "alice") == {"known": [True, True, False], "ended": 2}
    assert asked(mine, "alice") == {"known": [False] * 3, "ended": 0}
    site.browser = another_browser(site)
    assert len({*here, elsewhere, sid_at(party)}) == 4


def test_whom_to_end_must_be_said(party: RelyingParty) -> None:
    with pytest.raises(ValueError, match="needs a subject or a sid"):
        sessions_of(party.site).end()
    assert sessions_of(party.site).end(sid="nobody's") == 0
    sid = party.sign_in()["sid"]
    assert sessions_of(party.site).end(sid=sid, subject="bob") == 0
    assert sessions_of(party.site).end(sid=sid, subject="alice") == 1


def test_offline_access_counts_only_where_the_user_allowed_it_and_the_client_may_have_it(party: RelyingParty) -> None:
    site, asked = party.site, "openid offline_access weather:read"
    unticked = party.trade(site.code(party.client, "openid weather:read", scope=asked))
    party.client = site.register(scope="openid weather:read", grant_types=["authorization_code"])
    passed_over = party.trade(site.code(party.client, scope=asked))
    for tokens in (unticked, passed_over):
        assert "offline_access" not in tokens["scope"]
        assert "refresh_token" not in tokens
        assert site.is_live(tokens["access_token"])
    assert sessions_of(site).end(subject="alice") == 2
    assert not any(site.is_live(tokens["access_token"]) for tokens in (unticked, passed_over))
