"""`OAUTH_PROFILE = "mcp"`: what a client of the Model Context Protocol meets, and what no client gets past."""

from typing import Any

import pytest

from tests.support.app import refusal
from tests.support.clock import Clock
from tests.support.site import (
    BOTH,
    GRANT_TYPES,
    ISSUER,
    READ,
    MakeSite,
    Page,
    Site,
    answer,
    granted,
    location,
    refused,
)

GRANTS = [name for name in GRANT_TYPES if name not in ("password", "implicit")]
METADATA = "/.well-known/oauth-authorization-server"
#: As the TypeScript SDK 2 asks where the metadata name `offline_access`.
SDK_2 = {"scope": f"{READ} offline_access", "prompt": "consent"}


def mcp(make_site: MakeSite, **config: Any) -> Site:
    return make_site(**{"OAUTH_PROFILE": "mcp", "OAUTH_GRANT_TYPES": GRANTS} | config)


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return mcp(make_site)


@pytest.mark.parametrize("profile", ["mcp", "oauth2.1"])
def test_no_client_is_excused_from_pkce(make_site: MakeSite, profile: str) -> None:
    site = mcp(make_site, OAUTH_PROFILE=profile, OAUTH_OIDC=True)
    excused = site.register(require_pkce=False, scope=f"{READ} openid")
    for client in (excused, site.register(), site.register_public()):
        for less in ({"code_challenge": None, "code_challenge_method": None}, {"code_challenge_method": None}):
            refused(location(site.ask(client, nonce="n", **less)), "invalid_request")
    assert site.tokens(excused, scope=READ)


def test_the_metadata_offer_offline_access_and_those_of_the_resource_do_not(make_site: MakeSite, site: Site) -> None:
    def scopes(site: Site, path: str = METADATA) -> list[str]:
        found: list[str] = site.browser.get(path).get_json()["scopes_supported"]
        return found

    assert scopes(site) == [*BOTH.split(), "offline_access"]
    assert "offline_access" not in scopes(site, "/.well-known/oauth-protected-resource")
    challenge = site.browser.get("/me").headers["WWW-Authenticate"]
    assert "offline_access" not in challenge
    assert "error" not in challenge
    assert "offline_access" not in scopes(mcp(make_site, OAUTH_GRANT_TYPES=["authorization_code"]))
    assert "offline_access" not in scopes(mcp(make_site, OAUTH_PROFILE="oauth2.1"))
    assert "offline_access" not in scopes(mcp(make_site, OAUTH_SCOPES={}))


def test_both_metadata_documents_name_s256_and_the_issuer_in_answers(make_site: MakeSite) -> None:
    site = mcp(make_site, OAUTH_OIDC=True)
    for path in (METADATA, "/.well-known/openid-configuration"):
        document = site.browser.get(path).get_json()
        assert document["code_challenge_methods_supported"] == ["S256"]
        assert document["authorization_response_iss_parameter_supported"] is True
        assert document["issuer"] == ISSUER


def test_a_client_that_asks_for_offline_access_is_asked_each_time_and_gets_a_refresh_token(site: Site) -> None:
    client = site.register_public(scope=READ)
    for _ in range(2):
        page = site.ask(client, **SDK_2)
        assert page.status_code == 200
        found = answer(location(site.send(Page(page), f"{READ} offline_access")))
        assert found["iss"] == ISSUER
        tokens = granted(site.redeem(client, found["code"]))
        assert tokens["scope"] == f"{READ} offline_access"
        assert granted(site.refresh(client, tokens["refresh_token"], scope=f"{READ} offline_access"))["refresh_token"]


def test_offline_access_is_passed_over_where_the_client_can_not_refresh(site: Site) -> None:
    client = site.register_public(scope=READ, grant_types=["authorization_code"])
    tokens = site.tokens(client, **SDK_2)
    assert tokens["scope"] == READ
    assert "refresh_token" not in tokens
    machine = site.register(grant_types=["client_credentials"])
    assert granted(site.token(machine, "client_credentials", scope=f"{READ} offline_access"))["scope"] == READ


def test_a_scope_that_nobody_knows_is_told_to_the_client_and_not_to_the_user(site: Site) -> None:
    where = location(site.ask(site.register_public(), scope="claudeai"))
    assert answer(where)["state"] == "xyz"
    assert refused(where, "invalid_scope") == "The scope 'claudeai' is not known here."


def test_every_token_has_an_audience_and_a_view_takes_no_other(make_site: MakeSite) -> None:
    before, after = make_site(), mcp(make_site)
    client = before.register(grant_types=["client_credentials", "authorization_code", "refresh_token"])
    old, old_user = granted(before.token(client, "client_credentials")), before.tokens(client)
    assert before.is_live(old["access_token"])
    assert not after.is_live(old["access_token"])
    assert before.me(old_user["access_token"])
    anew = granted(after.refresh(client, old_user["refresh_token"]))
    for new in (anew, granted(after.token(client, "client_credentials")), after.tokens(client)):
        assert after.is_live(new["access_token"])
        told = after.post(client, "/oauth/introspect", token=new["access_token"]).get_json()
        assert told["aud"] == ISSUER


def test_a_token_that_is_refreshed_again_after_half_a_minute_is_a_stolen_one(site: Site, clock: Clock) -> None:
    client = site.register_public()
    first = site.tokens(client)["refresh_token"]
    second = granted(site.refresh(client, first))
    clock.advance(29)
    assert granted(site.refresh(client, first))["refresh_token"] == second["refresh_token"]
    clock.advance(3)
    refusal(site.refresh(client, first), 400, "invalid_grant")
    refusal(site.refresh(client, second["refresh_token"]), 400, "invalid_grant")
    assert not site.is_live(second["access_token"])


def test_a_token_never_comes_in_the_body_or_the_query(site: Site) -> None:
    token = site.tokens(site.register())["access_token"]
    for response in (
        site.browser.get("/me", query_string={"access_token": token}),
        site.browser.get("/me", data={"access_token": token}),
    ):
        assert response.status_code == 401


def test_a_client_that_is_gone_gets_401_so_that_it_registers_anew(site: Site) -> None:
    client = site.register_public()
    tokens = site.tokens(client)
    site.gateway.clients.delete(client.client_id)
    refusal(site.refresh(client, tokens["refresh_token"]), 401, "invalid_client")
