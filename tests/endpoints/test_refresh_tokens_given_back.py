"""`/oauth/revoke` and `/oauth/introspect` of a refresh token (RFC 7009, 7662)."""

import time
from typing import Any

import pytest

from flask_oauth_gateway.errors import TemporarilyUnavailable
from flask_oauth_gateway.signals import token_revoked
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import recorded, refusal, server_of
from tests.support.clock import Clock
from tests.support.databases import every_database
from tests.support.site import BOTH, READ, MakeSite, Site, granted

INACTIVE = {"active": False}


def revoke(site: Site, client: Client, token: str, **more: str) -> None:
    response = site.post(client, "/oauth/revoke", token=token, **more)
    assert (response.status_code, response.get_json()) == (200, {})


def introspect(site: Site, client: Client, token: str, **more: str) -> Any:
    response = site.post(client, "/oauth/introspect", token=token, **more)
    assert response.status_code == 200, response.text
    return response.get_json()


@every_database
def test_who_gives_a_refresh_token_back_gives_back_all_that_the_approval_gave(site: Site) -> None:
    client = site.register()
    other = site.tokens(client)
    first = site.tokens(client)
    second = granted(site.refresh(client, first["refresh_token"]))
    with recorded(token_revoked, site.app) as said:
        revoke(site, client, second["refresh_token"])
        revoke(site, client, second["refresh_token"])
    told = {
        "client_id": client.client_id,
        "subject": "alice",
        "token_id": None,
        "count": 1,
        "by": "client",
        "actor": None,
        "reason": None,
        "found_at": None,
    }
    assert said == [told]
    for token in (first["access_token"], second["access_token"]):
        assert not site.is_live(token)
    refusal(site.refresh(client, second["refresh_token"]), 400, "invalid_grant")
    assert site.is_live(other["access_token"])
    granted(site.refresh(client, other["refresh_token"]))


def test_another_client_s_refresh_token_lives_on(site: Site) -> None:
    client = site.register()
    tokens = site.tokens(client)
    for stranger in (site.register(), site.register_public(), site.register(resource_server=True)):
        with recorded(token_revoked, site.app) as said:
            revoke(site, stranger, tokens["refresh_token"])
        assert not said
    assert site.is_live(tokens["access_token"])
    granted(site.refresh(client, tokens["refresh_token"]))


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "id_token", "é"])
def test_a_hint_changes_nothing(site: Site, hint: str) -> None:
    client = site.register()
    tokens = site.tokens(client)
    assert introspect(site, client, tokens["refresh_token"], token_type_hint=hint)["active"] is True
    revoke(site, client, tokens["refresh_token"], token_type_hint=hint)
    assert not site.is_live(tokens["access_token"])


def test_a_public_client_gives_its_own_back(site: Site) -> None:
    client = site.register_public()
    tokens = site.tokens(client)
    revoke(site, site.register_public(), tokens["refresh_token"])
    assert site.is_live(tokens["access_token"])
    revoke(site, client, tokens["refresh_token"])
    assert not site.is_live(tokens["access_token"])


def test_one_that_was_spent_takes_its_family_along_too(site: Site) -> None:
    client = site.register()
    first = site.tokens(client)
    second = granted(site.refresh(client, first["refresh_token"]))
    revoke(site, client, first["refresh_token"])
    assert not site.is_live(second["access_token"])


def test_an_access_token_that_is_given_back_takes_nothing_else_along(site: Site) -> None:
    client = site.register()
    tokens = site.tokens(client)
    revoke(site, client, tokens["access_token"])
    assert not site.is_live(tokens["access_token"])
    granted(site.refresh(client, tokens["refresh_token"]))


def test_a_disabled_client_gives_nothing_back(site: Site) -> None:
    client = site.register()
    tokens = site.tokens(client)
    site.gateway.clients.update(client.client_id, enabled=False)
    refusal(site.post(client, "/oauth/revoke", token=tokens["refresh_token"]), 401, "invalid_client")
    site.gateway.clients.update(client.client_id, enabled=True)
    granted(site.refresh(client, tokens["refresh_token"]))


def test_a_database_that_fails_is_never_a_success(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    client = site.register()
    tokens = site.tokens(client)

    def fail(*_: Any) -> None:
        raise TemporarilyUnavailable

    monkeypatch.setattr(server_of(site.app).approvals, "revoke", fail)
    response = site.post(client, "/oauth/revoke", token=tokens["refresh_token"])
    assert response.status_code == 503
    assert response.headers["Retry-After"]


def test_its_own_client_sees_a_refresh_token_that_is_good(site: Site) -> None:
    client = site.register(refresh_token_lifetime=1000)
    before = int(time.time())
    tokens = site.tokens(client, READ)
    answer = introspect(site, client, tokens["refresh_token"])
    issued = answer.pop("iat")
    assert before <= issued <= time.time()
    assert issued + 999 <= answer.pop("exp") <= issued + 1001
    assert answer == {
        "active": True,
        "client_id": client.client_id,
        "scope": READ,
        "sub": "alice",
        "token_use": "refresh_token",
    }


def test_nobody_else_sees_it_lest_it_pass_for_an_access_token(site: Site) -> None:
    tokens = site.tokens(site.register())
    for asker in (site.register(), site.register(resource_server=True)):
        assert introspect(site, asker, tokens["refresh_token"]) == INACTIVE


def test_one_that_is_spent_expired_idle_or_revoked_is_only_inactive(make_site: MakeSite, clock: Clock) -> None:
    site = make_site(OAUTH_REFRESH_TOKEN_IDLE=600, OAUTH_REFRESH_TOKEN_LIFETIME=1000)
    client = site.register()
    first = site.tokens(client)
    second = granted(site.refresh(client, first["refresh_token"]))
    assert introspect(site, client, first["refresh_token"]) == INACTIVE
    answer = introspect(site, client, second["refresh_token"])
    assert answer["exp"] - answer["iat"] == 600
    assert answer["scope"] == BOTH
    clock.advance(590)
    third = granted(site.refresh(client, second["refresh_token"]))
    answer = introspect(site, client, third["refresh_token"])
    assert answer["exp"] - answer["iat"] <= 411  # the approval ends before
    clock.advance(420)
    assert introspect(site, client, third["refresh_token"]) == INACTIVE
    idle = site.tokens(client)
    clock.advance(601)
    assert introspect(site, client, idle["refresh_token"]) == INACTIVE
    revoked = site.tokens(client)
    revoke(site, client, revoked["refresh_token"])
    assert introspect(site, client, revoked["refresh_token"]) == INACTIVE
