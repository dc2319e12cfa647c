"""`authorization_code` at the token endpoint: who gets a token for a code, and what becomes of one that is misused."""

import time
from typing import Any

import pytest

from flask_oauth_gateway.signals import token_issued, token_revoked
from tests.support.app import recorded, refusal, register, token_for
from tests.support.clock import Clock
from tests.support.databases import sqlite_only
from tests.support.site import BOTH, READ, REDIRECT_URI, VERIFIER, MakeSite, Person, Site, answer, granted

OTHER = "another-verifier-of-more-than-43-characters-012345"


def test_a_code_gives_one_token_and_when_it_comes_again_takes_it_back(site: Site) -> None:
    client = site.register()
    code = site.code(client)
    with recorded(token_issued, site.app) as issued:
        tokens = granted(site.redeem(client, code))
    refreshed = granted(site.refresh(client, tokens["refresh_token"]))
    other = site.tokens(client)
    assert issued[0]["subject"] == "alice"
    assert issued[0]["grant_type"] == "authorization_code"
    with recorded(token_revoked, site.app) as revoked:
        refusal(site.redeem(client, code), 400, "invalid_grant")
    assert [(said["client_id"], said["subject"], said["by"]) for said in revoked] == [
        (client.client_id, "alice", "authorization code used again")
    ]
    for token in (tokens["access_token"], refreshed["access_token"]):
        assert not site.is_live(token)
    refusal(site.refresh(client, refreshed["refresh_token"]), 400, "invalid_grant")
    assert site.is_live(other["access_token"])  # what another code gave
    with recorded(token_revoked, site.app) as revoked:
        refusal(site.redeem(client, code), 400, "invalid_grant")
    assert not revoked


MISUSES = {
    "by another client": {"by": "other"},
    "for another redirect URI": {"redirect_uri": "https://app.example/cb2"},
    "for a redirect URI that is nearly it": {"redirect_uri": REDIRECT_URI + "/"},
    "without the redirect URI": {"redirect_uri": None},
    "without a verifier": {"code_verifier": None},
    "with another verifier": {"code_verifier": OTHER},
    "with a short verifier": {"code_verifier": VERIFIER[:42]},
    "with a long verifier": {"code_verifier": "a" * 129},
    "with a newline after the verifier": {"code_verifier": VERIFIER + "\n"},
    "with the challenge for a verifier": {"code_verifier": "challenge"},
    "with a verifier beyond ASCII": {"code_verifier": "é" * 50},
    "by a public client": {"by": "public"},
    "too late": {"after": 61},
}


@sqlite_only
@pytest.mark.parametrize("misuse", MISUSES.values(), ids=MISUSES)
def test_a_code_that_is_misused_once_is_good_for_nothing_any_more(site: Site, clock: Clock, misuse: Any) -> None:
    from tests.support.site import challenge_of

    client = site.register(redirect_uris=[REDIRECT_URI, "https://app.example/cb2"])
    code = site.code(client)
    wrong = dict(misuse)
    by = {None: client, "other": site.register(), "public": site.register_public()}[wrong.pop("by", None)]
    clock.advance(wrong.pop("after", 0))
    if wrong.get("code_verifier") == "challenge":
        wrong["code_verifier"] = challenge_of(VERIFIER)
    with recorded(token_issued, site.app) as issued:
        refusal(site.redeem(by, code, **wrong), 400, "invalid_grant")
        refusal(site.redeem(client, code), 400, "invalid_grant")  # the rightful client comes too late
    assert not issued


def test_a_misused_code_is_spent_on_every_database(site: Site) -> None:
    client = site.register()
    code = site.code(client)
    refusal(site.redeem(client, code, code_verifier=OTHER), 400, "invalid_grant")
    refusal(site.redeem(client, code), 400, "invalid_grant")


@sqlite_only
def test_a_code_lives_as_long_as_the_owner_says(make_site: MakeSite, clock: Clock) -> None:
    for lifetime in (60, 10):
        site = make_site(OAUTH_AUTHORIZATION_CODE_LIFETIME=lifetime)
        client = site.register()
        code, late = site.code(client), site.code(client)
        clock.advance(lifetime - 2)
        granted(site.redeem(client, code))
        clock.advance(3)
        refusal(site.redeem(client, late), 400, "invalid_grant")


@sqlite_only
@pytest.mark.parametrize("code", ["x", "é", "x" * 100_000, "'; drop table oauth_code;--"])
def test_an_unknown_code_is_refused_like_any_other(site: Site, code: str) -> None:
    client = site.register()
    spent = site.code(client)
    granted(site.redeem(client, spent))
    sentences = {refusal(site.redeem(client, value), 400, "invalid_grant") for value in (code, spent)}
    assert len(sentences) == 1


@sqlite_only
def test_a_request_without_a_code_or_with_two_is_no_request(site: Site) -> None:
    client = site.register()
    for code in (None, ""):
        assert "'code' is missing" in refusal(site.redeem(client, code), 400, "invalid_request")
    code = site.code(client)
    refusal(site.redeem(client, [code, code]), 400, "invalid_request")
    refusal(site.post(client, f"/oauth/token?code={code}", grant_type="authorization_code"), 400, "invalid_request")
    granted(site.redeem(client, code))


@sqlite_only
def test_a_verifier_for_a_request_without_a_challenge_is_a_downgrade(make_site: MakeSite) -> None:
    site = make_site(OAUTH_REQUIRE_PKCE=False)
    client = site.register()
    without: dict[str, Any] = {"code_challenge": None, "code_challenge_method": None}
    code = site.code(client, **without)
    refusal(site.redeem(client, code), 400, "invalid_grant")
    refusal(site.redeem(client, code, code_verifier=None), 400, "invalid_grant")
    granted(site.redeem(client, site.code(client, **without), code_verifier=None))


@sqlite_only
def test_the_wrong_secret_does_not_spend_the_code(site: Site) -> None:
    from tests.support.app import basic

    client = site.register()
    code = site.code(client)
    data = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    for headers in (basic(client.client_id, "wrong"), {}):
        refusal(site.browser.post("/oauth/token", data=data, headers=headers), 401, "invalid_client")
    granted(site.redeem(client, code))


@sqlite_only
def test_a_client_that_lost_the_grant_gets_nothing_for_its_code(site: Site) -> None:
    client = site.register()
    code = site.code(client)
    site.gateway.clients.update(client.client_id, grant_types=["client_credentials"])
    refusal(site.redeem(client, code), 400, "unauthorized_client")


def test_a_client_that_was_disabled_meanwhile_gets_nothing(make_site: MakeSite, clock: Clock) -> None:
    here, there = make_site(), make_site()
    client = here.register()
    code, other = here.code(client), here.code(client)
    granted(here.redeem(client, other))  # the client is remembered here now
    there.gateway.clients.update(client.client_id, enabled=False)
    refusal(here.redeem(client, code), 401, "invalid_client")
    there.gateway.clients.update(client.client_id, enabled=True)
    clock.advance(6)  # what one process does, the others see in 5 s
    granted(here.redeem(client, code))  # nothing was spent


@sqlite_only
def test_a_user_who_is_gone_gets_no_token(site: Site) -> None:
    client = site.register()
    code = site.code(client)
    del site.people["alice"]
    refusal(site.redeem(client, code), 400, "invalid_grant")
    site.people["alice"] = Person("alice")
    refusal(site.redeem(client, code), 400, "invalid_grant")  # it was spent
    # an app that can't tell is not asked
    site.gateway.hooks.load_user = None
    granted(site.redeem(client, site.code(client)))


@sqlite_only
def test_refresh_tokens_are_for_clients_that_are_registered_for_them(make_site: MakeSite) -> None:
    site = make_site()
    assert "refresh_token" in site.tokens(site.register())
    assert "refresh_token" not in site.tokens(site.register(grant_types=["authorization_code"]))
    off = make_site(OAUTH_GRANT_TYPES=["authorization_code"])
    assert "refresh_token" not in off.tokens(off.register())


@sqlite_only
def test_a_token_is_never_wider_than_the_code_whatever_is_asked_at_the_token_endpoint(site: Site) -> None:
    client = site.register()
    code = site.code(client, scope=READ)
    assert granted(site.redeem(client, code, scope=BOTH))["scope"] == READ


@sqlite_only
def test_lifetimes_and_attributes_are_the_client_s_the_owner_s_and_the_app_s(make_site: MakeSite) -> None:
    site = make_site(OAUTH_ACCESS_TOKEN_LIFETIME={"authorization_code": 100}, OAUTH_TOKEN_PREFIX="acme_")
    heard = []

    @site.gateway.token_attributes
    def attributes(*said: Any) -> dict[str, Any]:
        heard.append(said)
        return {"plan": "gold", "_inner": 1}

    client = site.register()
    tokens = site.tokens(client)
    assert (tokens["expires_in"], tokens["plan"]) == (100, "gold")
    assert "_inner" not in tokens
    assert tokens["access_token"].startswith("acme_")
    assert tokens["refresh_token"].startswith("acme_")
    ((_, user, scopes, grant_type),) = heard
    assert (user.name, scopes, grant_type) == ("Alice", frozenset(BOTH.split()), "authorization_code")
    assert site.tokens(site.register(access_token_lifetime=7))["expires_in"] == 7


@sqlite_only
def test_a_public_client_needs_no_more_than_its_name_and_the_verifier(site: Site) -> None:
    client = site.register_public()
    code = site.code(client)
    refusal(site.redeem(site.register_public(), code), 400, "invalid_grant")
    tokens = granted(site.redeem(client, site.code(client)))
    assert site.me(tokens["access_token"])["client"] == client.client_id


def test_a_client_s_own_token_is_never_a_user_even_where_the_names_are_the_same(site: Site) -> None:
    client = register(site.app, client_id="alice", grant_types=["client_credentials"])
    token = token_for(site.browser, client)["access_token"]
    assert site.me(token) == {
        "client": "alice", "subject": None, "scope": BOTH, "grant_type": "client_credentials", "user": None
    }  # fmt: skip
    claims = site.post(client, "/oauth/introspect", token=token).get_json()
    assert "sub" not in claims
    assert "alice" not in site.browser.get("/oauth/applications").text.replace("Alice", "")


@sqlite_only
def test_a_used_code_is_known_as_used_for_a_day_and_unknown_after(site: Site, clock: Clock) -> None:
    client = site.register(access_token_lifetime=3 * 86400)
    early, late = site.code(client), site.code(client)
    lived = {code: granted(site.redeem(client, code))["access_token"] for code in (early, late)}
    clock.advance(3600)
    site.gateway.tokens.purge()
    refusal(site.redeem(client, early), 400, "invalid_grant")
    assert not site.is_live(lived[early])
    clock.advance(86400)
    site.gateway.tokens.purge()
    refusal(site.redeem(client, late), 400, "invalid_grant")
    assert site.is_live(lived[late])


@sqlite_only
def test_what_was_approved_and_then_taken_back_gives_nothing(site: Site, clock: Clock) -> None:
    client = site.register()
    for take_back in ({"subject": "alice"}, {"client_id": client.client_id}, {"issued_before": int(time.time()) + 30}):
        code = site.code(client)
        clock.advance(10)
        site.gateway.tokens.revoke(**take_back)
        refusal(site.redeem(client, code), 400, "invalid_grant")
    code = site.code(client)
    site.gateway.tokens.revoke(subject="bob")
    granted(site.redeem(client, code))
    assert "code" in answer(site.approve(client))
