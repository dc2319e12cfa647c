"""`implicit`: only for public clients that are registered for it, and never with a refresh token."""

from typing import Any

import pytest

from tests.support.app import refusal
from tests.support.clock import Clock
from tests.support.databases import sqlite_only
from tests.support.site import BOTH, READ, REDIRECT_URI, MakeSite, Page, Site, answer, location, refused


def test_a_browser_app_gets_a_token_for_its_user(site: Site) -> None:
    client = site.register_public(grant_types=["implicit", "refresh_token"])
    found = answer(site.approve(client, READ, response_type="token"), part="fragment")
    assert "refresh_token" not in found
    assert site.me(found["access_token"]) == {
        "client": client.client_id, "subject": "alice", "scope": READ, "grant_type": "implicit", "user": "Alice"
    }  # fmt: skip
    page = Page(site.ask(client, response_type="token"))
    assert list(page.boxes) == [READ.replace("read", "write")]  # consent is kept as in any other flow


@sqlite_only
def test_it_is_off_unless_the_owner_turns_it_on(make_site: MakeSite) -> None:
    site = make_site(OAUTH_GRANT_TYPES=["authorization_code"])
    client = site.register_public(grant_types=["implicit", "authorization_code"])
    where = location(site.ask(client, response_type="token"))
    refused(where, "unsupported_response_type", part="fragment")


@sqlite_only
def test_only_public_clients_that_are_registered_for_it_get_it(site: Site) -> None:
    for client in (site.register(grant_types=["implicit"]), site.register_public()):
        where = location(site.ask(client, response_type="token"))
        refused(where, "unauthorized_client", part="fragment")
    only = site.register_public(grant_types=["implicit"])
    refused(location(site.ask(only)), "unauthorized_client")


@sqlite_only
def test_a_token_is_never_put_in_a_query(site: Site) -> None:
    client = site.register_public(grant_types=["implicit"])
    where = location(site.ask(client, response_type="token", response_mode="query"))
    assert "access_token" not in where
    assert answer(where, part="query" if "?" in where else "fragment")["error"] == "invalid_request"


@sqlite_only
def test_it_needs_no_pkce_and_takes_no_harm_from_it(site: Site) -> None:
    client = site.register_public(grant_types=["implicit"])
    for challenge in (None, "x"):
        where = site.approve(client, response_type="token", code_challenge=challenge, code_challenge_method=None)
        assert "access_token" in answer(where, part="fragment")


@sqlite_only
def test_it_is_no_grant_of_the_token_endpoint(site: Site) -> None:
    client = site.register_public(grant_types=["implicit"])
    refusal(site.token(client, "implicit"), 400, "unsupported_grant_type")


@sqlite_only
@pytest.mark.parametrize(
    "lifetime", [{"OAUTH_ACCESS_TOKEN_LIFETIME": {"implicit": 60}}, {"OAUTH_CONSENT_DURATIONS": [60]}]
)
def test_the_token_lives_no_longer_than_it_may(make_site: MakeSite, lifetime: dict[str, Any], clock: Clock) -> None:
    site = make_site(**lifetime)
    client = site.register_public(grant_types=["implicit"])
    found = answer(site.approve(client, response_type="token"), part="fragment")
    assert found["scope"] == BOTH
    assert 58 <= int(found["expires_in"]) <= 60
    assert site.is_live(found["access_token"])
    clock.advance(61)
    assert not site.is_live(found["access_token"])


@sqlite_only
def test_a_client_that_is_disabled_at_the_last_moment_gets_nothing_and_nobody_an_error_500(site: Site) -> None:
    client = site.register_public(grant_types=["implicit"])
    page = Page(site.ask(client, response_type="token"))

    @site.gateway.token_attributes
    def disable(*_: Any) -> None:
        site.gateway.clients.update(client.client_id, enabled=False)

    response = site.send(page)
    assert response.status_code in (302, 303, 400, 503), response.text
    assert "access_token" not in response.headers.get("Location", "")
    assert REDIRECT_URI in response.headers.get("Location", REDIRECT_URI)
    assert not site.gateway.tokens.find(client_id=client.client_id).tokens


@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
def test_after_a_revocation_by_another_process_the_first_try_gives_a_token(
    make_site: MakeSite, token_format: str
) -> None:
    site, other = make_site(OAUTH_ACCESS_TOKEN_FORMAT=token_format), make_site()
    client = site.register_public(grant_types=["implicit"])
    other.gateway.tokens.revoke(subject="alice")
    assert "access_token=" in site.approve(client, response_type="token")
