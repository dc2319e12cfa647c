"""`OAUTH_REFRESH_TOKEN_GRACE`: an answer that got lost is given again, the same one; a thief gets nothing by it."""

from typing import Any

import pytest
from sqlalchemy import select

from flask_oauth_gateway.database.tables import refresh_token
from flask_oauth_gateway.signals import refresh_token_reused
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import recorded, refusal
from tests.support.clock import Clock
from tests.support.databases import sqlite_only
from tests.support.site import READ, WRITE, MakeSite, Site, granted

RESOURCES = {"/one": "https://one.example", "/two": "https://two.example"}


@pytest.fixture
def site(make_site: MakeSite) -> Any:
    return make_site(OAUTH_REFRESH_TOKEN_GRACE=30)


def approval_ended(site: Site, client: Client, refresh_token: str, *access_tokens: str) -> None:
    with recorded(refresh_token_reused, site.app) as said:
        refusal(site.refresh(client, refresh_token), 400, "invalid_grant")
    assert len(said) == 1
    for token in access_tokens:
        assert not site.is_live(token)


def same(one: dict[str, Any], two: dict[str, Any]) -> bool:
    return one | {"expires_in": 0} == two | {"expires_in": 0}


def test_a_lost_answer_is_given_again_word_by_word(site: Site, clock: Clock) -> None:
    client = site.register()
    first = site.tokens(client)
    second = granted(site.refresh(client, first["refresh_token"]))
    with recorded(refresh_token_reused, site.app) as said:
        clock.advance(20)
        again = granted(site.refresh(client, first["refresh_token"]))
        assert same(second, again)
        assert 3575 <= again["expires_in"] <= 3581
        assert same(second, granted(site.refresh(client, first["refresh_token"])))
    assert not said
    assert site.is_live(second["access_token"])
    third = granted(site.refresh(client, second["refresh_token"]))
    assert site.is_live(third["access_token"])


def test_not_after_the_grace(site: Site, clock: Clock) -> None:
    client = site.register()
    first = site.tokens(client)
    second = granted(site.refresh(client, first["refresh_token"]))
    clock.advance(32)
    approval_ended(site, client, first["refresh_token"], first["access_token"], second["access_token"])
    refusal(site.refresh(client, second["refresh_token"]), 400, "invalid_grant")


def test_not_once_the_successor_was_used(site: Site) -> None:
    client = site.register()
    first = site.tokens(client)
    second = granted(site.refresh(client, first["refresh_token"]))
    third = granted(site.refresh(client, second["refresh_token"]))
    approval_ended(site, client, first["refresh_token"], first["access_token"], third["access_token"])


@sqlite_only
@pytest.mark.parametrize("form", ["opaque", "jwt"])
@pytest.mark.parametrize("asked", [{"scope": "weather:rain"}, {"resource": "https://evil.example"}, {"scope": " "}])
def test_a_theft_is_a_theft_whatever_the_thief_asks_for(make_site: MakeSite, form: str, asked: dict[str, str]) -> None:
    site = make_site(OAUTH_REFRESH_TOKEN_GRACE=30, OAUTH_ACCESS_TOKEN_FORMAT=form, OAUTH_RESOURCES=RESOURCES)
    client = site.register()
    first = site.tokens(client)
    second = granted(site.refresh(client, first["refresh_token"]))
    third = granted(site.refresh(client, second["refresh_token"]))
    with recorded(refresh_token_reused, site.app) as said:
        refusal(site.refresh(client, first["refresh_token"], **asked), 400, "invalid_grant")
    assert len(said) == 1
    assert not site.is_live(third["access_token"])


@sqlite_only
def test_two_generations_back_is_a_theft(site: Site) -> None:
    client = site.register()
    tokens = [site.tokens(client)]
    for _ in range(3):
        tokens.append(granted(site.refresh(client, tokens[-1]["refresh_token"])))
    approval_ended(site, client, tokens[1]["refresh_token"], *(one["access_token"] for one in tokens))


@sqlite_only
def test_never_for_what_was_revoked(site: Site) -> None:
    client = site.register()
    for how in ("family", "access token", "client", "user"):
        first = site.tokens(client)
        second = granted(site.refresh(client, first["refresh_token"]))
        if how == "family":
            site.post(client, "/oauth/revoke", token=second["refresh_token"])
        elif how == "access token":
            site.post(client, "/oauth/revoke", token=second["access_token"])
        elif how == "client":
            site.gateway.tokens.revoke(client_id=client.client_id)
        else:
            site.gateway.tokens.revoke(subject="alice")
        refusal(site.refresh(client, first["refresh_token"]), 400, "invalid_grant")
        refusal(site.refresh(client, second["refresh_token"]), 400, "invalid_grant")
        assert not site.is_live(second["access_token"])


@sqlite_only
def test_never_for_another_client(site: Site) -> None:
    client = site.register()
    first = site.tokens(client)
    second = granted(site.refresh(client, first["refresh_token"]))
    refusal(site.refresh(site.register(), first["refresh_token"]), 400, "invalid_grant")
    assert same(second, granted(site.refresh(client, first["refresh_token"])))


@sqlite_only
def test_what_is_given_again_is_what_was_asked_for_the_first_time(site: Site) -> None:
    client = site.register()
    first = site.tokens(client)
    narrow = granted(site.refresh(client, first["refresh_token"], scope=READ))
    assert same(narrow, granted(site.refresh(client, first["refresh_token"], scope=READ)))
    assert granted(site.refresh(client, first["refresh_token"]))["scope"] == READ


@sqlite_only
@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_it_says_the_same_in_both_formats(make_site: MakeSite, form: str) -> None:
    site = make_site(OAUTH_REFRESH_TOKEN_GRACE=30, OAUTH_ACCESS_TOKEN_FORMAT=form, OAUTH_RESOURCES=RESOURCES)
    client, resource = site.register(), "https://one.example"
    for asked in ({}, {"scope": READ}, {"resource": resource}, {"scope": READ, "resource": resource}):
        first = site.tokens(client)
        answers = [granted(site.refresh(client, first["refresh_token"], **asked)) for _ in range(3)]
        told = [site.post(client, "/oauth/introspect", token=one["access_token"]).get_json() for one in answers]
        assert len({answer["refresh_token"] for answer in answers}) == 1
        assert {answer["scope"] for answer in answers} == {asked.get("scope", f"{READ} {WRITE}")}
        said = [{name: value for name, value in one.items() if name not in ("jti", "iat", "exp")} for one in told]
        assert said[0]["active"]
        assert said[0] == said[1] == said[2]
        assert "resource" not in asked or said[0]["aud"] == resource


@sqlite_only
def test_another_request_with_a_spent_token_is_no_repeat_where_nothing_is_stored(make_site: MakeSite) -> None:
    site = make_site(OAUTH_REFRESH_TOKEN_GRACE=30, OAUTH_ACCESS_TOKEN_FORMAT="jwt")
    client = site.register()
    first = site.tokens(client)
    narrow = granted(site.refresh(client, first["refresh_token"], scope=READ))
    approval_ended(site, client, first["refresh_token"], narrow["access_token"])


@sqlite_only
@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_a_user_who_is_gone_gets_nothing_again(make_site: MakeSite, form: str) -> None:
    site = make_site(OAUTH_REFRESH_TOKEN_GRACE=30, OAUTH_ACCESS_TOKEN_FORMAT=form)
    client = site.register()
    first = site.tokens(client)
    granted(site.refresh(client, first["refresh_token"]))
    del site.people["alice"]
    refusal(site.refresh(client, first["refresh_token"]), 400, "invalid_grant")


def salts(site: Site) -> list[bytes]:
    rows = site.gateway.database.all(select(refresh_token.c.salt).where(refresh_token.c.salt.isnot(None)))
    return [bytes(row.salt) for row in rows]


@sqlite_only
def test_who_holds_a_token_can_t_make_its_successor_without_what_only_the_server_has(make_site: MakeSite) -> None:
    site = make_site(OAUTH_REFRESH_TOKEN_GRACE=30)
    client = site.register()
    answers = [granted(site.refresh(client, site.tokens(client)["refresh_token"])) for _ in range(2)]
    assert len(set(salts(site))) == 2
    assert {len(salt) for salt in salts(site)} == {32}
    assert len({value for one in answers for value in (one["access_token"], one["refresh_token"])}) == 4


@sqlite_only
def test_without_a_grace_nothing_is_kept_that_makes_a_token_again(make_site: MakeSite) -> None:
    site = make_site()
    client = site.register()
    granted(site.refresh(client, site.tokens(client)["refresh_token"]))
    assert not salts(site)


@sqlite_only
@pytest.mark.parametrize("way", ["preserve", "once"])
def test_the_other_ways_are_as_they_are_without_it(make_site: MakeSite, way: str) -> None:
    site = make_site(OAUTH_REFRESH_TOKEN_GRACE=30, OAUTH_REFRESH_TOKENS=way)
    client = site.register()
    tokens = site.tokens(client)
    granted(site.refresh(client, tokens["refresh_token"]))
    again = site.refresh(client, tokens["refresh_token"])
    assert again.status_code == (200 if way == "preserve" else 400)
