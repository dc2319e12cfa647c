"""`password`: through `@gateway.check_password`, refused alike whatever was wrong, and limited."""

import time
from typing import Any

import pytest

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import refusal
from tests.support.clock import Clock
from tests.support.databases import sqlite_only
from tests.support.site import READ, MakeSite, Site, granted


@pytest.fixture
def make_site(make_site: MakeSite) -> Any:
    """Sites that check passwords: everybody's is their name twice."""

    def make(**config: Any) -> Any:
        site = make_site(**config)
        site.gateway.check_password(
            lambda username, password: site.people.get(username) if password == username * 2 else None
        )
        return site

    return make


def register(site: Site, **metadata: Any) -> Any:
    return site.register(**{"grant_types": ["password", "refresh_token"], "redirect_uris": []} | metadata)


def sign_in(site: Site, client: Client, username: str = "alice", password: str = "alicealice", **more: Any) -> Any:
    return site.token(client, "password", username=username, password=password, **more)


def test_the_right_password_gives_the_user_s_token(site: Site) -> None:
    client = register(site)
    tokens = granted(sign_in(site, client, scope=READ))
    assert tokens["scope"] == READ
    assert site.me(tokens["access_token"]) == {
        "client": client.client_id, "subject": "alice", "scope": READ, "grant_type": "password", "user": "Alice"
    }  # fmt: skip
    refreshed = granted(site.refresh(client, tokens["refresh_token"]))
    assert site.me(refreshed["access_token"])["subject"] == "alice"


def test_a_wrong_password_and_an_unknown_user_get_the_same_answer(site: Site) -> None:
    client = register(site)
    answers = [
        sign_in(site, client, password="wrong"),
        sign_in(site, client, username="nobody"),
        sign_in(site, client, username="x" * 10_000, password="é" * 10_000),
        sign_in(site, client, username="' or 1=1 --", password="\u202e"),
    ]
    assert len({refusal(response, 400, "invalid_grant") for response in answers}) == 1
    assert len({response.data for response in answers}) == 1


@sqlite_only
def test_an_unknown_user_takes_as_long_as_a_wrong_password(site: Site) -> None:
    def check_password(username: str, password: str) -> Any:
        if username in site.people:
            time.sleep(0.05)  # what a good hash takes
        return None

    site.gateway.check_password(check_password)
    client = register(site)

    def duration(username: str) -> float:
        started = time.perf_counter()
        refusal(sign_in(site, client, username), 400, "invalid_grant")
        return time.perf_counter() - started

    assert duration("alice") >= 0.05
    assert duration("nobody") >= 0.045
    assert duration("somebody") >= 0.045


@sqlite_only
def test_what_is_missing_is_named(site: Site) -> None:
    client = register(site)
    for data in ({}, {"username": "alice"}, {"password": "alicealice"}, {"username": "", "password": ""}):
        assert "'username'" in refusal(site.token(client, "password", **data), 400, "invalid_request")
    refusal(sign_in(site, client, scope="nope"), 400, "invalid_scope")
    refusal(site.post(client, "/oauth/token?password=x", grant_type="password"), 400, "invalid_request")


@sqlite_only
def test_it_is_for_clients_that_are_registered_for_it_and_apps_that_check(site: Site) -> None:
    refusal(sign_in(site, site.register()), 400, "unauthorized_client")
    client = register(site)
    site.gateway.hooks.check_password = None
    assert "check_password" in refusal(sign_in(site, client), 400, "invalid_grant")


@sqlite_only
def test_it_is_off_unless_the_owner_turns_it_on(make_site: MakeSite) -> None:
    site = make_site(OAUTH_GRANT_TYPES=["client_credentials"])
    refusal(sign_in(site, register(site)), 400, "unsupported_grant_type")


@sqlite_only
def test_a_public_client_may_use_it_where_it_is_registered_for_it(site: Site) -> None:
    client = register(site, token_endpoint_auth_method="none")
    assert site.me(granted(sign_in(site, client))["access_token"])["subject"] == "alice"


@sqlite_only
def test_guessing_ends_after_a_few_tries_and_goes_on_after_a_while(make_site: MakeSite, clock: Clock) -> None:
    site = make_site(OAUTH_RATE_LIMITS={"password": "3/minute"})
    client = register(site)
    for _ in range(3):
        refusal(sign_in(site, client, password="guess"), 400, "invalid_grant")
    response = sign_in(site, client)  # not even the right one
    assert response.status_code == 429
    assert response.get_json()["error"] == "temporarily_unavailable"
    assert 1 <= int(response.headers["Retry-After"]) <= 61
    clock.advance(int(response.headers["Retry-After"]))
    granted(sign_in(site, client))


@sqlite_only
def test_one_user_s_guesser_from_many_addresses_is_limited_and_so_is_one_address_with_many_users(
    make_site: MakeSite,
) -> None:
    def try_from(site: Site, client: Client, address: str, username: str) -> int:
        data = {"grant_type": "password", "username": username, "password": "guess", "client_id": client.client_id}
        return site.browser.post("/oauth/token", data=data, environ_overrides={"REMOTE_ADDR": address}).status_code

    for attempt in (lambda n: (f"10.0.0.{n}", "alice"), lambda n: ("10.0.0.1", f"user{n}")):
        site = make_site(OAUTH_RATE_LIMITS={"password": "3/minute"})
        client = register(site, token_endpoint_auth_method="none")
        assert [try_from(site, client, *attempt(n)) for n in range(5)] == [400, 400, 400, 429, 429]
        assert try_from(site, client, "10.0.0.99", "bob") == 400  # nobody else is in the way


@sqlite_only
def test_the_right_password_is_never_limited(make_site: MakeSite) -> None:
    site = make_site(OAUTH_RATE_LIMITS={"password": "3/minute"})
    client = register(site)
    for _ in range(10):
        granted(sign_in(site, client))


@sqlite_only
def test_without_limits_nothing_is_limited(make_site: MakeSite) -> None:
    site = make_site(OAUTH_RATE_LIMITS=None)
    client = register(site)
    for _ in range(20):
        refusal(sign_in(site, client, password="guess"), 400, "invalid_grant")
    granted(sign_in(site, client))


@sqlite_only
def test_the_default_limit_is_in_force(site: Site) -> None:
    client = register(site)
    statuses = [sign_in(site, client, password="guess").status_code for _ in range(7)]
    assert statuses == [400] * 5 + [429] * 2
