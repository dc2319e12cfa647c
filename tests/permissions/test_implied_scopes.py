"""OAUTH_SCOPE_IMPLIES: a scope that includes others meets what asks for those."""

from collections.abc import Callable

import pytest
from flask import Flask

from flask_oauth_gateway import ConfigurationError, require_token
from tests.support.app import ask, basic, bearer, build_app, gateway_of, register, token_for
from tests.support.site import MakeSite, Page, granted, refused

SCOPES = {name: name for name in ("all", "files", "files:read", "files:write", "mail")}
IMPLIES = {"all": ["files"], "files": ("files:read", "files:write")}


def test_a_scope_counts_for_those_that_it_includes_wherever_they_are_asked_for(make_app: Callable[..., Flask]) -> None:
    app = make_app(
        OAUTH_SCOPES=SCOPES,
        OAUTH_SCOPE_IMPLIES=IMPLIES,
        OAUTH_FORWARD_AUTH=True,
        OAUTH_PROTECT=[{"path": "/path", "scopes": ["files:read"]}, {"path": "/*", "scopes": None}],
        OAUTH_RESOURCES={
            "/r": {"identifier": "urn:r", "scopes": ["files:read"]},
            "/s": {"identifier": "urn:s", "scopes": ["files"]},
        },
    )
    app.add_url_rule("/view", "view", require_token("files:read", any_of=("files:write", "mail"))(lambda: "seen"))
    app.add_url_rule("/path", "path", lambda: "seen")
    http, client = app.test_client(), register(app, scope=" ".join(SCOPES))
    for scope, view, path in (("all", 200, 200), ("files", 200, 200), ("files:read", 403, 200), ("mail", 403, 403)):
        token = bearer(token_for(http, client, scope=scope)["access_token"])
        assert (http.get("/view", headers=token).status_code, http.get("/path", headers=token).status_code) == (
            view,
            path,
        )
        assert http.get("/oauth/verify?scope=files:read", headers=token).status_code == (204 if path == 200 else path)
    assert ask(http, client, scope="all mail", resource="urn:r").get_json()["scope"] == "files:read"
    assert ask(http, client, scope="files:read mail", resource="urn:s").get_json()["scope"] == "files:read"


def test_a_plan_with_a_scope_has_those_that_it_includes(make_app: Callable[..., Flask]) -> None:
    app = make_app(OAUTH_SCOPES=SCOPES, OAUTH_SCOPE_IMPLIES=IMPLIES, OAUTH_PLANS={"free": {"scopes": ["files"]}})
    client = gateway_of(app).clients.create(grant_types=["client_credentials"], scope=list(SCOPES), plan="free")
    assert token_for(app.test_client(), client, scope="files:read")["scope"] == "files:read"
    assert ask(app.test_client(), client, scope="mail").status_code == 400


@pytest.mark.parametrize(
    "implies",
    [
        {"files": ["nowhere"]},
        {"nowhere": ["files"]},
        {"all": ["files"], "files": ["all"]},
        {"files": ["oauth:admin"]},  # which no client that registers itself may have
        {"files": ["email"]},
    ],
)
def test_unknown_names_and_circles_are_mistakes(implies: dict[str, list[str]]) -> None:
    with pytest.raises(ConfigurationError, match="OAUTH_SCOPE_IMPLIES"):
        build_app(
            OAUTH_DATABASE_URI="sqlite://",
            OAUTH_SCOPES=SCOPES,
            OAUTH_SCOPE_IMPLIES=implies,
            OAUTH_ADMIN=True,
            OAUTH_OIDC=True,
        )


def test_the_user_sees_each_once_and_the_client_gets_all_that_it_asked_for(make_site: MakeSite) -> None:
    site = make_site(OAUTH_SCOPES=SCOPES, OAUTH_SCOPE_IMPLIES=IMPLIES)
    client, asked = site.register(scope=" ".join(SCOPES)), "mail files files:read all"
    assert list(Page(site.ask(client, scope=asked)).boxes) == ["mail", "all"]
    assert set(site.tokens(client, scope="files:write mail")["scope"].split()) == {"files:write", "mail"}
    assert set(site.tokens(client, "mail", scope=asked)["scope"].split()) == {"mail"}, (
        "unticked with what includes them"
    )
    assert set(site.tokens(client, scope=asked)["scope"].split()) == set(asked.split())
    assert site.ask(client, scope=asked).status_code in (302, 303), "all of them are remembered"


def test_a_client_may_ask_for_less_than_it_is_registered_for(make_site: MakeSite) -> None:
    site = make_site(
        OAUTH_SCOPES=SCOPES,
        OAUTH_SCOPE_IMPLIES=IMPLIES,
        OAUTH_RESOURCES={"/r": {"identifier": "urn:r", "scopes": ["files:read"]}},
    )
    client = site.register(scope="files mail")
    first = site.tokens(client, scope="files", resource="urn:r")
    assert first["scope"] == "files:read", "the part of it that the resource gives"
    assert granted(site.refresh(client, first["refresh_token"]))["scope"] == "files:read"
    assert site.tokens(client, scope="files:read mail")["scope"] == "files:read mail"
    refused(site.approve(client, scope="all"), "invalid_scope")
    first = site.tokens(client, scope="files")
    narrower = granted(site.refresh(client, first["refresh_token"], scope="files:read"))
    assert narrower["scope"] == "files:read"
    assert granted(site.refresh(client, narrower["refresh_token"]))["scope"] == "files"
    for scope in ("files:write", "files files:write"):
        assert site.ask(client, scope=scope).status_code in (302, 303), "the user allowed what includes it"


def test_a_plan_or_a_registration_that_shrinks_leaves_the_part_that_is_still_allowed(make_site: MakeSite) -> None:
    site = make_site(OAUTH_SCOPES=SCOPES, OAUTH_SCOPE_IMPLIES=IMPLIES, OAUTH_PLANS={"free": {"scopes": ["files:read"]}})
    site.app.add_url_rule("/read", "read", require_token("files:read")(lambda: "seen"))
    site.app.add_url_rule("/write", "write", require_token("files:write")(lambda: "seen"))
    clients = gateway_of(site.app).clients
    for further in ({"plan": "free"}, {"scope": ["files:read"]}):
        client = site.register(scope="files")
        first = site.tokens(client, scope="files")
        clients.update(client.client_id, **further)
        if "plan" in further:
            token = bearer(first["access_token"])
            assert [site.browser.get(path, headers=token).status_code for path in ("/read", "/write")] == [200, 403]
        assert granted(site.refresh(client, first["refresh_token"]))["scope"] == "files:read"


def test_a_resource_server_that_asks_is_told_of_the_included_scopes(make_app: Callable[..., Flask]) -> None:
    app = make_app(OAUTH_SCOPES=SCOPES, OAUTH_SCOPE_IMPLIES=IMPLIES)
    http, client = app.test_client(), register(app, scope=" ".join(SCOPES))
    token = token_for(http, client, scope="mail files")["access_token"]
    asked = http.post("/oauth/introspect", data={"token": token}, headers=basic(client.client_id, client.client_secret))
    assert asked.get_json()["scope"] == "mail files files:read files:write"
    assert http.get("/oauth/tokeninfo", headers=bearer(token)).get_json()["scope"] == "mail files", "as it was given"
