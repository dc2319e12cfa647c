"""OAUTH_SCOPE_IMPLIES: a scope that includes others meets what asks for those."""

from collections.abc import Callable

import pytest
from flask import Flask

from flask_oauth_gateway import ConfigurationError, require_token
from tests.support.app import ask, bearer, build_app, gateway_of, register, token_for
from tests.support.site import MakeSite, Page

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
    "implies", [{"files": ["nowhere"]}, {"nowhere": ["files"]}, {"all": ["files"], "files": ["all"]}]
)
def test_unknown_names_and_circles_are_mistakes(implies: dict[str, list[str]]) -> None:
    with pytest.raises(ConfigurationError, match="OAUTH_SCOPE_IMPLIES"):
        build_app(OAUTH_DATABASE_URI="sqlite://", OAUTH_SCOPES=SCOPES, OAUTH_SCOPE_IMPLIES=implies)


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
