"""What `scope` may hold wherever it is asked for: spaces too many are forgiven, and `offline_access` never is in the way."""

from typing import Any

import pytest

from tests.support.app import refusal
from tests.support.device import decide, poll, start
from tests.support.device import register as register_device
from tests.support.site import BOTH, READ, WRITE, MakeSite, Site, answer, granted, refused
from tests.support.trading import MakeTrading, Trading

OFFLINE = "offline_access"
WITH_REFRESH = {"grant_types": ["password", "refresh_token", "client_credentials"], "redirect_uris": []}


def by_password(site: Site, client: Any, scope: str) -> Any:
    return site.token(client, "password", username="alice", password="right", scope=scope)


@pytest.fixture
def site(site: Site) -> Site:
    site.gateway.check_password(lambda username, _password: site.people.get(username))
    return site


@pytest.mark.parametrize("scope", [f"{READ} ", f" {READ}", f"  {READ}  {READ} "])
def test_a_space_too_many_is_forgiven_wherever_scopes_are_asked_for(site: Site, scope: str) -> None:
    client = site.register(grant_types=["authorization_code", "refresh_token", "client_credentials", "password"])
    assert granted(site.token(client, "client_credentials", scope=scope))["scope"] == READ
    assert granted(by_password(site, client, scope))["scope"] == READ
    tokens = site.tokens(client, scope=scope)
    assert tokens["scope"] == READ
    assert granted(site.refresh(client, tokens["refresh_token"], scope=scope))["scope"] == READ
    device = register_device(site)
    codes = start(site, device, scope=scope)
    decide(site, codes["user_code"])
    assert granted(poll(site, device, codes["device_code"]))["scope"] == READ


def test_spaces_alone_ask_for_nothing(site: Site) -> None:
    client = site.register(**WITH_REFRESH, default_scope=WRITE)
    assert granted(site.token(client, "client_credentials", scope="  "))["scope"] == WRITE
    tokens = granted(by_password(site, client, BOTH))
    assert granted(site.refresh(client, tokens["refresh_token"], scope=" "))["scope"] == BOTH


@pytest.mark.parametrize("odd", [f"{READ}\t{WRITE}", f"{READ}\n", f"{READ}\xa0{WRITE}"])
def test_what_is_no_space_divides_no_scopes(site: Site, odd: str) -> None:
    client = site.register(grant_types=["client_credentials"], redirect_uris=[])
    assert READ in refusal(site.token(client, "client_credentials", scope=odd), 400, "invalid_scope")


def test_offline_access_is_granted_where_a_refresh_token_comes_of_it(site: Site) -> None:
    client = site.register(**WITH_REFRESH)
    tokens = granted(by_password(site, client, f"{OFFLINE} {READ}"))
    assert tokens["scope"] == f"{READ} {OFFLINE}"
    again = granted(site.refresh(client, tokens["refresh_token"], scope=f"{READ} {OFFLINE}"))
    assert again["scope"] == f"{READ} {OFFLINE}"
    assert granted(site.refresh(client, again["refresh_token"]))["scope"] == f"{READ} {OFFLINE}"


def test_offline_access_is_passed_over_where_no_refresh_token_can_come_of_it(site: Site) -> None:
    client = site.register(**WITH_REFRESH)
    assert granted(site.token(client, "client_credentials", scope=f"{READ} {OFFLINE}"))["scope"] == READ
    lesser = site.register(grant_types=["password"], redirect_uris=[])
    tokens = granted(by_password(site, lesser, f"{READ} {OFFLINE}"))
    assert tokens["scope"] == READ
    assert "refresh_token" not in tokens
    tokens = granted(by_password(site, client, READ))
    assert granted(site.refresh(client, tokens["refresh_token"], scope=f"{READ} {OFFLINE}"))["scope"] == READ
    minted = site.gateway.tokens.issue(client.client_id, scope=f"{READ} {OFFLINE}")
    assert site.me(minted["access_token"])["scope"] == READ  # type: ignore[index]


def test_offline_access_alone_gives_access_to_nothing(site: Site) -> None:
    client = site.register(**WITH_REFRESH)
    for response in (site.token(client, "client_credentials", scope=OFFLINE), by_password(site, client, OFFLINE)):
        assert OFFLINE in refusal(response, 400, "invalid_scope")
    tokens = granted(by_password(site, client, READ))
    refusal(site.refresh(client, tokens["refresh_token"], scope=OFFLINE), 400, "invalid_scope")


def test_a_device_asks_its_user_whether_it_may_keep_its_access(site: Site) -> None:
    client = register_device(site)
    for ticked, scope in ((f"{READ} {OFFLINE}", f"{READ} {OFFLINE}"), (READ, READ)):
        codes = start(site, client, scope=f"{OFFLINE} {READ}")
        page = site.browser.get(codes["verification_uri_complete"].removeprefix("http://localhost"))
        assert page.status_code == 200
        decide(site, codes["user_code"], ticked)
        tokens = granted(poll(site, client, codes["device_code"]))
        assert tokens["scope"] == scope
        assert ("refresh_token" in tokens) == (OFFLINE in ticked)
    other = register_device(site, grant_types=["device_code"])
    codes = start(site, other, scope=f"{OFFLINE} {READ}")
    decide(site, codes["user_code"])
    assert granted(poll(site, other, codes["device_code"]))["scope"] == READ


def test_what_the_user_holds_is_shown_in_words(site: Site) -> None:
    client = site.register()
    site.tokens(client, scope=f"{READ} {OFFLINE}")
    assert "Keep its access while you are away" in site.browser.get("/oauth/applications").text


def test_implicit_never_gives_it(site: Site) -> None:
    client = site.register_public(grant_types=["implicit", "refresh_token"])
    where = site.approve(
        client, response_type="token", scope=f"{READ} {OFFLINE}", code_challenge=None, code_challenge_method=None
    )
    assert answer(where, part="fragment")["scope"] == READ
    alone = site.approve(client, response_type="token", scope=OFFLINE, code_challenge=None, code_challenge_method=None)
    refused(alone, "invalid_scope", part="fragment")


def test_a_registration_may_name_it_and_no_client_has_it(site: Site) -> None:
    client = site.register(scope=f"{READ} {OFFLINE}", default_scope=[READ, OFFLINE])
    assert (client.scope, client.default_scope) == (READ, READ)
    assert site.gateway.clients.update(client.client_id, scope=f"{OFFLINE} {BOTH}").scope == BOTH


def test_an_app_that_has_a_scope_of_this_name_decides_itself_who_may_have_it(make_site: MakeSite) -> None:
    site = make_site(OAUTH_SCOPES={READ: "Read", OFFLINE: "Stay"})
    client = site.register(grant_types=["client_credentials"], redirect_uris=[], scope=READ)
    refusal(site.token(client, "client_credentials", scope=f"{READ} {OFFLINE}"), 400, "invalid_scope")
    client = site.gateway.clients.update(client.client_id, scope=f"{READ} {OFFLINE}")
    assert client.scope == f"{READ} {OFFLINE}"


REFRESHING = ["jwt_bearer", "refresh_token"]


def test_an_assertion_that_asks_for_it_is_traded_all_the_same(trading: Trading) -> None:
    assert trading.trade(trading.assertion(scope=f"{READ} {OFFLINE}"))["scope"] == READ
    trading.gateway.clients.update("partner", grant_types=REFRESHING)
    tokens = trading.trade(trading.assertion(), scope=f"{READ} {OFFLINE}")
    assert tokens["scope"] == f"{READ} {OFFLINE}"
    assert "refresh_token" in tokens
    assert trading.trade(trading.assertion(scope=f"{READ}  {OFFLINE} "))["scope"] == f"{READ} {OFFLINE}"
    assert trading.trade(trading.assertion(scope=READ), scope=f"{READ} {OFFLINE}")["scope"] == f"{READ} {OFFLINE}"


def test_what_an_issuer_may_give_at_most_has_no_say_in_it(make_trading: MakeTrading) -> None:
    trading = make_trading(entry={"scopes": [READ]})
    trading.gateway.clients.update("partner", grant_types=REFRESHING)
    assert trading.trade(trading.assertion(), scope=f"{READ} {OFFLINE}")["scope"] == f"{READ} {OFFLINE}"
