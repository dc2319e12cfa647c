"""A scope that a client, its plan or the server has no longer lives on in nothing that was approved before.

On every database: PostgreSQL refreshes in one statement, save where something has to be left out.
"""

from types import SimpleNamespace

import pytest

from tests.support.app import MakeApp, register, token_for
from tests.support.databases import sqlite_only
from tests.support.device import decide, poll, start
from tests.support.device import register as register_device
from tests.support.site import BOTH, READ, WRITE, MakeSite, Site, granted


def test_a_refresh_gives_what_the_plan_has_by_then(make_app: MakeApp) -> None:
    app = make_app(
        OAUTH_PLANS={"free": {"scopes": ["weather:read"]}, "all": {}}, OAUTH_GRANT_TYPES=["password", "refresh_token"]
    )
    gateway, client = app.extensions["oauth_gateway"], app.test_client()
    gateway.check_password(lambda username, _: SimpleNamespace(id=username))
    registered = register(app, grant_types=["password", "refresh_token"], plan="all")
    answer = token_for(client, registered, grant_type="password", username="alice", password="secret")
    assert answer["scope"] == "weather:read weather:write"
    for plan, scope in (("free", "weather:read"), ("all", "weather:read weather:write")):
        gateway.clients.update(registered.client_id, plan=plan)
        answer = token_for(client, registered, grant_type="refresh_token", refresh_token=answer["refresh_token"])
        assert answer["scope"] == scope


@pytest.mark.parametrize("form", ["opaque", "jwt"])
@pytest.mark.parametrize("way", ["rotate", "preserve"])
def test_a_refresh_gives_no_scope_that_the_client_has_no_longer(make_site: MakeSite, form: str, way: str) -> None:
    site = make_site(OAUTH_ACCESS_TOKEN_FORMAT=form, OAUTH_REFRESH_TOKENS=way)
    client = site.register()
    answer = site.tokens(client)
    assert answer["scope"] == BOTH
    for scope in (READ, "", BOTH):  # an administrator who changes their mind gives back what the user had approved
        site.gateway.clients.update(client.client_id, scope=scope)
        answer = granted(site.refresh(client, answer["refresh_token"]))
        assert answer["scope"] == scope
    site.gateway.clients.update(client.client_id, scope=READ)
    assert site.refresh(client, answer["refresh_token"], scope=WRITE).get_json()["error"] == "invalid_scope"


def test_a_refresh_gives_no_scope_that_the_server_has_no_longer(make_site: MakeSite) -> None:
    before = make_site()
    client = before.register()
    answer = before.tokens(client)
    after = make_site(OAUTH_SCOPES={READ: "Read"})
    assert granted(after.refresh(client, answer["refresh_token"]))["scope"] == READ


@sqlite_only
def test_a_code_gives_no_scope_that_was_taken_away_since_its_page(site: Site) -> None:
    client = site.register()
    code = site.code(client)
    site.gateway.clients.update(client.client_id, scope=READ)
    assert granted(site.redeem(client, code))["scope"] == READ


@sqlite_only
def test_a_device_code_gives_no_scope_that_was_taken_away_since_its_page(site: Site) -> None:
    client = register_device(site)
    codes = start(site, client)
    decide(site, codes["user_code"], BOTH)
    site.gateway.clients.update(client.client_id, scope=READ)
    assert granted(poll(site, client, codes["device_code"]))["scope"] == READ


@pytest.mark.parametrize("form", ["opaque", "jwt"])
def test_offline_access_stays_though_no_client_is_registered_for_it(make_site: MakeSite, form: str) -> None:
    site = make_site(OAUTH_ACCESS_TOKEN_FORMAT=form)
    client = site.register()
    asked = f"{READ} offline_access"
    answer = granted(site.redeem(client, site.code(client, scope=asked)))
    for more in ({}, {"scope": asked}, {}):
        assert answer["scope"] == asked
        answer = granted(site.refresh(client, answer["refresh_token"], **more))
    assert answer["scope"] == asked
