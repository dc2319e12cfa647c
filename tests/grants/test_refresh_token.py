"""`refresh_token`: rotation, theft, lifetimes, scopes and the three ways of `OAUTH_REFRESH_TOKENS`."""

import json

import pytest

from flask_oauth_gateway.signals import refresh_token_reused, token_issued, token_refreshed, token_revoked
from tests.support.app import recorded, refusal
from tests.support.clock import Clock
from tests.support.databases import sqlite_only
from tests.support.site import BOTH, READ, WRITE, MakeSite, Person, Site, granted

DAY = 86400


def test_each_use_gives_a_new_one_and_the_old_one_is_spent(site: Site) -> None:
    client = site.register()
    first = site.tokens(client)
    with recorded(token_refreshed, site.app) as said, recorded(token_issued, site.app) as issued:
        second = granted(site.refresh(client, first["refresh_token"]))
    assert [(one["client_id"], one["subject"], one["grant_type"]) for one in said] == [
        (client.client_id, "alice", "refresh_token")
    ]
    assert not issued
    assert set(second) == {"access_token", "token_type", "expires_in", "scope", "refresh_token"}
    assert len({first["access_token"], second["access_token"], first["refresh_token"], second["refresh_token"]}) == 4
    told = site.me(second["access_token"])
    assert (told["subject"], told["scope"], told["grant_type"]) == ("alice", BOTH, "refresh_token")
    assert site.is_live(first["access_token"])  # it lives out its time
    granted(site.refresh(client, second["refresh_token"]))


def test_one_that_was_spent_and_comes_again_ends_the_approval(site: Site) -> None:
    client = site.register()
    other = site.tokens(client)
    first = site.tokens(client)
    second = granted(site.refresh(client, first["refresh_token"]))
    third = granted(site.refresh(client, second["refresh_token"]))
    with recorded(refresh_token_reused, site.app) as said:
        refusal(site.refresh(client, first["refresh_token"]), 400, "invalid_grant")
        refusal(site.refresh(client, first["refresh_token"]), 400, "invalid_grant")
    assert said == [{"client_id": client.client_id, "subject": "alice", "count": 1}]
    for tokens in (first, second, third):
        assert not site.is_live(tokens["access_token"])
        refusal(site.refresh(client, tokens["refresh_token"]), 400, "invalid_grant")
    assert site.is_live(other["access_token"])
    granted(site.refresh(client, other["refresh_token"]))


@sqlite_only
def test_a_theft_is_a_theft_whatever_else_is_asked_for(make_site: MakeSite, clock: Clock) -> None:
    site = make_site(OAUTH_REFRESH_TOKEN_IDLE=100)
    client = site.register()
    for wrong in ({"scope": "nope"}, {}):
        first = site.tokens(client)
        second = granted(site.refresh(client, first["refresh_token"]))
        clock.advance(60)
        third = granted(site.refresh(client, second["refresh_token"]))
        clock.advance(60)  # the first one would be idle by now
        refusal(site.refresh(client, first["refresh_token"], **wrong), 400, "invalid_grant")
        assert not site.is_live(third["access_token"])


@sqlite_only
def test_another_client_s_is_refused_and_nothing_happens_to_it(site: Site) -> None:
    client = site.register()
    tokens = site.tokens(client)
    for other in (site.register(), site.register_public()):
        refusal(site.refresh(other, tokens["refresh_token"]), 400, "invalid_grant")
    spent = tokens["refresh_token"]
    tokens = granted(site.refresh(client, spent))
    refusal(site.refresh(site.register(), spent), 400, "invalid_grant")  # nobody's business
    granted(site.refresh(client, tokens["refresh_token"]))


@sqlite_only
@pytest.mark.parametrize("token", ["x", "é", "x" * 100_000, "'--"])
def test_an_unknown_one_is_refused(site: Site, token: str) -> None:
    client = site.register()
    refusal(site.refresh(client, token), 400, "invalid_grant")
    access = site.tokens(client)["access_token"]
    refusal(site.refresh(client, access), 400, "invalid_grant")  # an access token is none


@sqlite_only
def test_a_refresh_token_is_no_access_token(site: Site) -> None:
    tokens = site.tokens(site.register())
    assert not site.is_live(tokens["refresh_token"])
    asked = site.browser.post("/oauth/tokeninfo", data={"access_token": tokens["refresh_token"]})
    refusal(asked, 400, "invalid_token")


@sqlite_only
def test_a_request_without_one_or_by_a_client_that_may_not_is_refused(site: Site) -> None:
    client = site.register()
    for token in (None, ""):
        data = {} if token is None else {"refresh_token": token}
        refusal(site.token(client, "refresh_token", **data), 400, "invalid_request")
    tokens = site.tokens(client)
    site.gateway.clients.update(client.client_id, grant_types=["authorization_code"])
    refusal(site.refresh(client, tokens["refresh_token"]), 400, "unauthorized_client")
    site.gateway.clients.update(client.client_id, grant_types=["authorization_code", "refresh_token"])
    granted(site.refresh(client, tokens["refresh_token"]))


def test_scopes_may_be_fewer_and_never_more(site: Site) -> None:
    client = site.register()
    tokens = site.tokens(client)
    narrow = granted(site.refresh(client, tokens["refresh_token"], scope=READ))
    assert narrow["scope"] == READ
    assert site.me(narrow["access_token"])["scope"] == READ
    whole = granted(site.refresh(client, narrow["refresh_token"]))  # RFC 6749 section 6: the approval is unchanged
    assert whole["scope"] == BOTH
    one = site.tokens(client, READ, prompt="consent")
    for scope in (BOTH, WRITE, f"{READ} nope"):
        refusal(site.refresh(client, one["refresh_token"], scope=scope), 400, "invalid_scope")
    assert granted(site.refresh(client, one["refresh_token"], scope=f"{READ} {READ}"))["scope"] == READ  # not spent


@sqlite_only
def test_a_public_client_rotates_too(site: Site) -> None:
    client = site.register_public()
    first = site.tokens(client)
    second = granted(site.refresh(client, first["refresh_token"]))
    refusal(site.refresh(client, first["refresh_token"]), 400, "invalid_grant")
    assert not site.is_live(second["access_token"])


def test_preserve_lets_the_same_one_go_on(make_site: MakeSite) -> None:
    site = make_site(OAUTH_REFRESH_TOKENS="preserve")
    client = site.register()
    tokens = site.tokens(client)
    with recorded(refresh_token_reused, site.app) as said:
        answers = [granted(site.refresh(client, tokens["refresh_token"])) for _ in range(3)]
    assert {one["refresh_token"] for one in answers} == {tokens["refresh_token"]}
    assert len({one["access_token"] for one in answers}) == 3
    assert not said
    site.gateway.tokens.revoke(subject="alice")
    refusal(site.refresh(client, tokens["refresh_token"]), 400, "invalid_grant")


def test_once_gives_no_further_one(make_site: MakeSite) -> None:
    site = make_site(OAUTH_REFRESH_TOKENS="once")
    client = site.register()
    tokens = site.tokens(client)
    refreshed = granted(site.refresh(client, tokens["refresh_token"]))
    assert "refresh_token" not in refreshed
    assert site.is_live(refreshed["access_token"])
    with recorded(refresh_token_reused, site.app) as said:
        refusal(site.refresh(client, tokens["refresh_token"]), 400, "invalid_grant")
    assert len(said) == 1
    assert not site.is_live(refreshed["access_token"])


@sqlite_only
@pytest.mark.parametrize("way", ["rotate", "preserve"])
def test_the_approval_ends_when_it_ends_however_often_it_was_refreshed(
    make_site: MakeSite, clock: Clock, way: str
) -> None:
    site = make_site(OAUTH_REFRESH_TOKEN_LIFETIME=10 * DAY, OAUTH_REFRESH_TOKENS=way)
    client = site.register()
    tokens = site.tokens(client)
    for _ in range(9):
        clock.advance(DAY)
        tokens = granted(site.refresh(client, tokens["refresh_token"]))
    clock.advance(DAY - 100)
    last = granted(site.refresh(client, tokens["refresh_token"]))
    assert last["expires_in"] <= 100
    clock.advance(101)
    refusal(site.refresh(client, last["refresh_token"]), 400, "invalid_grant")
    assert not site.is_live(last["access_token"])
    own = site.register(refresh_token_lifetime=DAY)
    tokens = site.tokens(own)
    clock.advance(DAY + 1)
    refusal(site.refresh(own, tokens["refresh_token"]), 400, "invalid_grant")


@sqlite_only
@pytest.mark.parametrize("way", ["rotate", "preserve"])
def test_one_that_goes_unused_for_too_long_ends(make_site: MakeSite, clock: Clock, way: str) -> None:
    site = make_site(OAUTH_REFRESH_TOKEN_IDLE=DAY, OAUTH_REFRESH_TOKENS=way)
    client = site.register()
    tokens = site.tokens(client)
    for _ in range(5):
        clock.advance(DAY - 10)
        tokens = granted(site.refresh(client, tokens["refresh_token"]))
    clock.advance(DAY + 1)
    refusal(site.refresh(client, tokens["refresh_token"]), 400, "invalid_grant")


def test_a_user_directory_that_is_away_for_a_moment_costs_no_refresh_token(site: Site) -> None:
    client = site.register()
    tokens = site.tokens(client)

    def away(_: str) -> Person:
        raise ConnectionError("the directory is away")

    site.gateway.load_user(away)
    site.app.config["PROPAGATE_EXCEPTIONS"] = False
    with recorded(refresh_token_reused, site.app) as said:
        assert site.refresh(client, tokens["refresh_token"]).status_code == 500
        site.gateway.load_user(site.people.get)
        granted(site.refresh(client, tokens["refresh_token"]))
    assert said == []


def test_a_user_who_is_gone_gets_no_more_and_one_who_comes_back_goes_on(site: Site) -> None:
    client = site.register()
    tokens = site.tokens(client)
    del site.people["alice"]
    refusal(site.refresh(client, tokens["refresh_token"]), 400, "invalid_grant")
    site.people["alice"] = Person("alice")
    granted(site.refresh(client, tokens["refresh_token"]))


def test_a_client_that_was_disabled_meanwhile_gets_nothing_and_loses_nothing(make_site: MakeSite, clock: Clock) -> None:
    here, there = make_site(), make_site()
    client = here.register()
    tokens = here.tokens(client)
    there.gateway.clients.update(client.client_id, enabled=False)
    refusal(here.refresh(client, tokens["refresh_token"]), 401, "invalid_client")
    there.gateway.clients.update(client.client_id, enabled=True)
    clock.advance(6)  # what one process does, the others see in 5 s
    granted(here.refresh(client, tokens["refresh_token"]))


@sqlite_only
def test_attributes_that_were_set_for_the_approval_go_on_in_every_token_of_it(site: Site) -> None:
    site.gateway.token_attributes(lambda _, user, __, grant_type: {"via": grant_type, "who": user.name})
    client = site.register()
    tokens = site.tokens(client)
    assert (tokens["via"], tokens["who"]) == ("authorization_code", "Alice")
    refreshed = granted(site.refresh(client, tokens["refresh_token"]))
    assert (refreshed["via"], refreshed["who"]) == ("refresh_token", "Alice")


def test_revoking_in_code_takes_an_approval_s_tokens_together(site: Site) -> None:
    client = site.register()
    tokens = site.tokens(client)
    refreshed = granted(site.refresh(client, tokens["refresh_token"]))
    revoke = site.gateway.tokens.revoke
    assert revoke(token=refreshed["refresh_token"], subject="bob") == 0
    assert revoke(token=refreshed["refresh_token"], client_id=site.register().client_id) == 0
    assert revoke(token=refreshed["refresh_token"], issued_before=1) == 0
    assert site.is_live(tokens["access_token"])
    with recorded(token_revoked, site.app) as said:
        assert revoke(token=refreshed["refresh_token"], subject="alice", client_id=client.client_id) == 1
    assert said[0]["by"] == "code"
    assert not site.is_live(tokens["access_token"])
    assert not site.is_live(refreshed["access_token"])
    refusal(site.refresh(client, refreshed["refresh_token"]), 400, "invalid_grant")
    assert revoke(token=refreshed["refresh_token"]) == 0


def test_a_user_directory_that_answers_nonsense_for_a_while_ends_no_approval(site: Site) -> None:
    client = site.register()
    first = site.tokens(client)
    site.gateway.load_user(lambda _: json.loads("<h1>Bad gateway</h1>"))
    site.refresh(client, first["refresh_token"])
    site.gateway.load_user(site.people.get)
    assert site.is_live(first["access_token"])
