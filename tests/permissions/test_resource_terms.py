"""What an entry of OAUTH_RESOURCES says of tokens for it: their scopes, their format, how long they live."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway import ConfigurationError
from flask_oauth_gateway.tokens.reading import is_jwt
from tests.support.app import ask, basic, bearer, build_app, gateway_of, refusal, register, server_of, token_for
from tests.support.site import BOTH, DEVICE_CODE, ISSUER, READ, WRITE, MakeSite, Page, answer, granted, refused

A, B, C = "https://a.example", "https://b.example", "https://c.example"
FILES = {
    "/a": {"identifier": A, "scopes": [READ], "access_token_format": "jwt", "access_token_lifetime": 600},
    "/b": {"identifier": B, "scopes": (WRITE,), "access_token_lifetime": 300},
    "/c": C,
}


def test_a_token_gets_the_scopes_that_are_given_for_its_resources(make_app: Callable[..., Flask]) -> None:
    app = make_app(OAUTH_RESOURCES=FILES)
    http, client, reader = app.test_client(), register(app), register(app, scope=READ)
    for resource, scope, given in (
        ([A], BOTH, READ),
        ([B], BOTH, WRITE),
        ([A, B], BOTH, BOTH),
        ([A, C], BOTH, BOTH),
        ([C], BOTH, BOTH),
        ([], BOTH, BOTH),
        ([A], None, READ),
    ):
        asked = {"resource": resource} | ({} if scope is None else {"scope": scope})
        assert ask(http, client, **asked).get_json()["scope"] == given
    assert READ in refusal(ask(http, client, resource=A, scope=WRITE), 400, "invalid_scope")
    refusal(ask(http, reader, resource=B), 400, "invalid_scope")
    assert gateway_of(app).tokens.issue(client.client_id, audience=A)["scope"] == READ, "in code too"


def test_the_user_is_asked_for_no_scope_that_the_resource_has_not(make_site: MakeSite) -> None:
    site = make_site(OAUTH_RESOURCES=FILES)
    client = site.register()
    both: Any = [A, B]
    assert Page(site.ask(client, resource=A)).boxes == {READ: True}
    refused(site.approve(client, resource=A, scope=WRITE), "invalid_scope")
    code = site.code(client, resource=both)
    refusal(site.redeem(client, code, resource=C), 400, "invalid_target")
    first = granted(site.redeem(client, code, resource=A))
    assert first["scope"] == READ
    for resource, scope in ((B, WRITE), (None, BOTH), (A, READ)):
        first = granted(site.refresh(client, first["refresh_token"], **({"resource": resource} if resource else {})))
        assert first["scope"] == scope, "always a part of the approval, not of the token before"
    refusal(site.refresh(client, first["refresh_token"], resource=A, scope=WRITE), 400, "invalid_scope")
    assert granted(site.refresh(client, first["refresh_token"], resource=B))["scope"] == WRITE, "which spent nothing"


def test_the_pages_name_the_resources_that_were_asked_for(make_site: MakeSite) -> None:
    named = {"/n": {"identifier": "urn:notes", "name": "Your notes"}}
    site = make_site(OAUTH_RESOURCES={**FILES, **named})
    client, both = site.register(), ["urn:notes", B]
    text = Page(site.ask(client, resource=both)).text  # type: ignore[arg-type]
    assert "For use with: Your notes urn:notes https://b.example" in text
    assert "For use with" not in Page(site.ask(client)).text
    tv = site.register(grant_types=["device_code"])
    started = site.post(tv, "/oauth/device_authorization", resource="urn:notes").get_json()
    form = {
        "user_code": started["user_code"],
        "form_token": Page(site.browser.get("/oauth/device")).hidden("form_token"),
    }
    assert "Your notes urn:notes" in Page(site.browser.post("/oauth/device", data=form)).text


def test_a_code_is_not_spent_where_nothing_is_left_for_the_resource(make_site: MakeSite) -> None:
    site = make_site(OAUTH_RESOURCES=FILES)
    client = site.register(scope=WRITE)
    both: Any = [A, B]
    code = site.code(client, resource=both)
    refusal(site.redeem(client, code, resource=A), 400, "invalid_scope")
    assert granted(site.redeem(client, code, resource=B))["scope"] == WRITE


def test_a_device_and_a_browser_get_what_the_resource_gives(make_site: MakeSite) -> None:
    site = make_site(OAUTH_RESOURCES=FILES)
    tv = site.register(grant_types=["device_code"])
    started = site.post(tv, "/oauth/device_authorization", resource=A).get_json()
    form = {
        "user_code": started["user_code"],
        "form_token": Page(site.browser.get("/oauth/device")).hidden("form_token"),
    }
    page = Page(site.browser.post("/oauth/device", data=form))
    assert page.boxes == {READ: True}
    site.send(page)
    assert granted(site.token(tv, DEVICE_CODE, device_code=started["device_code"]))["scope"] == READ
    refusal(site.post(tv, "/oauth/device_authorization", resource=A, scope=WRITE), 400, "invalid_scope")
    browser = site.register_public(grant_types=["implicit"])
    where = site.approve(browser, response_type="token", resource=B, code_challenge=None, code_challenge_method=None)
    assert answer(where, part="fragment")["scope"] == WRITE


def test_signing_in_needs_no_scope_of_the_resource(make_site: MakeSite) -> None:
    site = make_site(OAUTH_RESOURCES=FILES, OAUTH_OIDC=True)
    client = site.register(scope=f"openid email {BOTH}")
    tokens = site.tokens(client, scope=f"openid email offline_access {BOTH}", resource=A)
    assert set(tokens["scope"].split()) == {"openid", "email", "offline_access", READ}
    assert "id_token" in tokens


def test_the_format_is_the_resource_s_and_a_jwt_where_one_of_several_needs_that(make_app: Callable[..., Flask]) -> None:
    opaque = {"identifier": C, "access_token_format": "opaque"}
    app = make_app(OAUTH_RESOURCES={**FILES, "/c": opaque})
    http, client = app.test_client(), register(app)
    own = register(app, access_token_format="jwt")
    for who, resource, expected in (
        (client, [A], True),
        (client, [B], False),
        (client, [A, C], True),
        (client, [], True),
        (own, [B], True),
        (own, [C], False),
    ):
        token = ask(http, who, resource=resource).get_json()["access_token"]
        assert is_jwt(token) == expected
        for_introspection = {"data": {"token": token}, "headers": basic(who.client_id, who.client_secret)}
        assert http.post("/oauth/introspect", **for_introspection).get_json()["active"]


def test_the_shortest_lifetime_counts(make_app: Callable[..., Flask]) -> None:
    app = make_app(OAUTH_RESOURCES={**FILES, "/d": {"identifier": "urn:d", "access_token_lifetime": 9000}})
    http = app.test_client()
    client, hasty, slow = (register(app, access_token_lifetime=own) for own in (None, 60, 7200))
    for who, resource, seconds in (
        (client, [A], 600),
        (client, [A, B], 300),
        (client, [C], 3600),
        (client, ["urn:d"], 9000),
        (client, ["urn:d", C], 3600),
        (client, [], 300),
        (hasty, [A], 60),
        (slow, [A], 600),
        (slow, [C], 7200),
        (slow, ["urn:d"], 7200),
    ):
        assert ask(http, who, resource=resource).get_json()["expires_in"] == seconds, (resource, seconds)


def test_a_lost_answer_is_repeated_for_each_format(make_site: MakeSite) -> None:
    site = make_site(OAUTH_RESOURCES=FILES, OAUTH_REFRESH_TOKEN_GRACE=30)
    client = site.register()
    both: Any = [A, B]
    first = site.tokens(client, resource=both)
    for resource in (A, B):
        one = granted(site.refresh(client, first["refresh_token"], resource=resource))
        again = granted(site.refresh(client, first["refresh_token"], resource=resource))
        assert one["refresh_token"] == again["refresh_token"]
        assert is_jwt(one["access_token"]) == is_jwt(again["access_token"]) == (resource == A)
        first = one
    assert (
        site.is_live(granted(site.refresh(client, first["refresh_token"], resource=[A, B]))["access_token"]) is False
    ), "/me is the issuer's own"


@pytest.mark.parametrize(
    ("resources", "words"),
    [
        ({"/a": {"identifier": A, "scope": [READ]}}, "Did you mean 'scopes'?"),
        ({"/a": {"scopes": ["weather:rain"]}}, "'weather:rain' is not one"),
        ({"/a": {"scopes": 5}}, "a list of names"),
        ({"/a": {"access_token_format": "paper"}}, "'opaque' or 'jwt'"),
        ({"/a": {"access_token_lifetime": 0}}, "a number of 1 or more"),
        ({"/a": {"identifier": "a.example"}}, "an absolute URI without fragment"),
        ({"/a": {"documentation": "javascript:x"}}, "the URL of a page"),
        ({"/a": {"name": ""}}, "a text, or None"),
        ({"/a": A, "/b": {"identifier": A, "scopes": [READ]}}, "described in one way"),
    ],
)
def test_a_mistake_in_an_entry_is_named_at_the_start(resources: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match="OAUTH_RESOURCES") as error:
        build_app(OAUTH_DATABASE_URI="sqlite://", OAUTH_RESOURCES=resources)
    assert words in str(error.value)


def test_one_resource_may_stand_at_several_paths(make_app: Callable[..., Flask]) -> None:
    entry = {"identifier": A, "scopes": [READ]}
    app = make_app(OAUTH_RESOURCES={"/a": entry, "/b": dict(entry)})
    assert token_for(app.test_client(), register(app), resource=A)["scope"] == READ
    assert server_of(app).resources.default_audience() == f"{ISSUER} {A}"


def test_without_an_identifier_it_is_called_by_the_url_of_its_path(make_app: Callable[..., Flask]) -> None:
    app = make_app(OAUTH_ISSUER="https://auth.example/tenant", OAUTH_RESOURCES={"/mcp": {"scopes": [READ]}})
    app.config["APPLICATION_ROOT"] = "/"
    http, client = app.test_client(), register(app)
    token = token_for(http, client, resource="https://auth.example/mcp")["access_token"]
    assert http.get("/oauth/tokeninfo", headers=bearer(token)).get_json()["audience"] == "https://auth.example/mcp"
    assert gateway_of(app).tokens.issue(client.client_id)["scope"] == BOTH, "also outside of a request"
