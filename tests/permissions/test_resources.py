"""OAUTH_RESOURCES: what a token is for, how a client asks for less (RFC 8707), and which paths then take it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from flask_oauth_gateway import current_token, require_token
from flask_oauth_gateway.permissions.resources import MAX_PLACES
from tests.support.app import MakeApp, ask, basic, bearer, refusal, register, server_of, token_for
from tests.support.site import BOTH, DEVICE_CODE, ISSUER, READ, Page, Site, answer, granted, refused

A, B = "https://a.example", "urn:example:b"
RESOURCES = {"/a": A, "/a/b": B}
EVERY = [ISSUER, A, B]
PATHS = ["/x", "/apart", "/a", "/a/x", "/a/b", "/a/b/x", "/a/bx"]
OF_PATH = {"/x": ISSUER, "/apart": ISSUER, "/a": A, "/a/x": A, "/a/b": B, "/a/b/x": B, "/a/bx": A}
FORMATS = pytest.mark.parametrize("token_format", ["opaque", "jwt"])


def with_views(app: Flask) -> Flask:
    for path in PATHS:
        app.add_url_rule(path, path, require_token(lambda: {"aud": current_token.audience}))
    return app


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    found = make_site(OAUTH_RESOURCES=RESOURCES)
    with_views(found.app)
    return found


def opens(app: Flask, token: str) -> list[str]:
    """The resources whose paths take a token, each of them on every path or on none."""
    http = app.test_client()
    statuses = {path: http.get(path, headers=bearer(token)).status_code for path in PATHS}
    taken = [name for name in EVERY if statuses[next(path for path in PATHS if OF_PATH[path] == name)] == 200]
    assert statuses == {path: 200 if OF_PATH[path] in taken else 401 for path in PATHS}
    return taken


@FORMATS
def test_a_token_is_for_what_was_asked_for_and_is_taken_nowhere_else(
    make_app: Callable[..., Flask], token_format: str
) -> None:
    app = with_views(make_app(OAUTH_RESOURCES=RESOURCES, OAUTH_ACCESS_TOKEN_FORMAT=token_format))
    http, client = app.test_client(), register(app)
    server = register(app, resource_server=True)
    for asked, audience in (
        ([], EVERY),
        ([A], [A]),
        ([f"{A}/"], [A]),
        ([B, A, B], [B, A]),
        ([ISSUER], [ISSUER]),
        ([""], EVERY),
    ):
        token = ask(http, client, resource=asked).get_json()["access_token"]
        assert opens(app, token) == [name for name in EVERY if name in audience]
        told = audience[0] if len(audience) == 1 else audience
        for who in (client, server):
            headers = basic(who.client_id, who.client_secret)
            found = http.post("/oauth/introspect", data={"token": token}, headers=headers).get_json()
            assert (found["active"], found["aud"]) == (True, told)
        assert http.get("/oauth/tokeninfo", headers=bearer(token)).get_json()["audience"] == " ".join(audience)
        http.post("/oauth/revoke", data={"token": token}, headers=basic(client.client_id, client.client_secret))
        assert http.get("/oauth/tokeninfo", headers=bearer(token)).status_code == 400


def test_what_is_not_known_is_an_invalid_target(site: Site) -> None:
    client = register(site.app)
    for wrong in ("https://c.example", f"{A}/a", "a.example", "/a", f"{A}#x", 'x"y'):
        response = ask(site.app.test_client(), client, resource=[A, wrong])
        assert f"these are: {ISSUER}, {A}, {B}." in refusal(response, 400, "invalid_target")
    assert "resource" in refused(site.approve(site.register(), resource="https://c.example"), "invalid_target")
    device = site.register(grant_types=["device_code"])
    refusal(site.post(device, "/oauth/device_authorization", resource="https://c.example"), 400, "invalid_target")
    password = site.register(grant_types=["password"])
    refusal(site.token(password, "password", username="a", password="a", resource="x"), 400, "invalid_target")


def test_a_code_and_its_refresh_tokens_may_be_used_for_less_of_what_was_approved(site: Site) -> None:
    client = site.register()
    approved: Any = [A, B]
    code = site.code(client, resource=approved)
    first = granted(site.redeem(client, code, resource=A))
    assert opens(site.app, first["access_token"]) == [A]
    second = granted(site.refresh(client, first["refresh_token"], resource=B))
    assert opens(site.app, second["access_token"]) == [B]
    response = site.refresh(client, second["refresh_token"], resource=ISSUER)
    assert "not one that was approved" in refusal(response, 400, "invalid_target")
    third = granted(site.refresh(client, second["refresh_token"]))
    assert opens(site.app, third["access_token"]) == [A, B], "left out: all that was approved"
    response = site.redeem(client, site.code(client, resource=A), resource=B)
    assert "not one that was approved" in refusal(response, 400, "invalid_target")
    without = granted(site.redeem(client, site.code(client)))
    assert opens(site.app, without["access_token"]) == EVERY
    assert opens(site.app, granted(site.refresh(client, without["refresh_token"], resource=A))["access_token"]) == [A]


def test_every_other_flow_knows_resources_too(site: Site) -> None:
    browser = site.register_public(grant_types=["implicit"])
    where = site.approve(browser, response_type="token", resource=A, code_challenge=None, code_challenge_method=None)
    assert opens(site.app, answer(where, part="fragment")["access_token"]) == [A]

    tv = site.register(grant_types=["device_code", "refresh_token"])
    started = site.post(tv, "/oauth/device_authorization", resource=[A, B]).get_json()
    confirm = Page(site.browser.post("/oauth/device", data={
        "user_code": started["user_code"], "form_token": Page(site.browser.get("/oauth/device")).hidden("form_token"),
    }))  # fmt: skip
    site.send(confirm)
    refusal(site.token(tv, DEVICE_CODE, device_code=started["device_code"], resource=ISSUER), 400, "invalid_target")
    first = granted(site.token(tv, DEVICE_CODE, device_code=started["device_code"], resource=A))
    assert opens(site.app, first["access_token"]) == [A]
    assert opens(site.app, granted(site.refresh(tv, first["refresh_token"]))["access_token"]) == [A, B]

    site.gateway.check_password(lambda username, _: site.people.get(username))
    old = site.register(grant_types=["password", "refresh_token"])
    first = granted(site.token(old, "password", username="alice", password="x", resource=B))
    assert opens(site.app, first["access_token"]) == [B]
    assert opens(site.app, granted(site.refresh(old, first["refresh_token"]))["access_token"]) == [B]


def test_an_assertion_is_traded_for_a_token_for_a_resource(make_trading: Callable[..., Any]) -> None:
    trading = make_trading(OAUTH_RESOURCES=RESOURCES)
    with_views(trading.app)
    assert opens(trading.app, granted(trading.post(trading.assertion(), resource=A))["access_token"]) == [A]
    refusal(trading.post(trading.assertion(), resource="https://c.example"), 400, "invalid_target")


@FORMATS
def test_without_the_setting_everything_is_the_issuers(make_app: Callable[..., Flask], token_format: str) -> None:
    app = with_views(make_app(OAUTH_ACCESS_TOKEN_FORMAT=token_format))
    http, client = app.test_client(), register(app)
    for asked in ([], [ISSUER], [f"{ISSUER}/"]):
        token = ask(http, client, resource=asked).get_json()["access_token"]
        assert all(http.get(path, headers=bearer(token)).status_code == 200 for path in PATHS)
    refusal(ask(http, client, resource=A), 400, "invalid_target")
    foreign = app.extensions["oauth_gateway"].tokens.issue(client.client_id, audience=A)["access_token"]
    assert all(http.get(path, headers=bearer(foreign)).status_code == 401 for path in PATHS)
    assert http.get("/oauth/tokeninfo", headers=bearer(foreign)).get_json()["audience"] == A


@FORMATS
def test_a_view_that_names_its_audience_goes_by_that_alone(make_app: Callable[..., Flask], token_format: str) -> None:
    app = make_app(OAUTH_RESOURCES={"/": A}, OAUTH_ACCESS_TOKEN_FORMAT=token_format)
    app.add_url_rule("/b", "b", require_token(audience=B)(lambda: "b"))
    tokens, client = app.extensions["oauth_gateway"].tokens, register(app)
    for audience, status in ((A, 401), (B, 200), ([A, B], 200)):
        token = tokens.issue(client.client_id, audience=audience)["access_token"]
        assert app.test_client().get("/b", headers=bearer(token)).status_code == status


def test_the_whole_app_may_be_one_resource_of_another_name(make_app: Callable[..., Flask]) -> None:
    app = with_views(make_app(OAUTH_RESOURCES={"/": A}, OAUTH_ACCESS_TOKEN_FORMAT="jwt"))
    http, client = app.test_client(), register(app)
    token = token_for(http, client, scope=READ)["access_token"]
    assert http.get("/x", headers=bearer(token)).get_json() == {"aud": [A]}
    refusal(ask(http, client, resource=ISSUER), 400, "invalid_target")


def test_repeated_it_counts_wherever_parameters_are_read(make_app: Callable[..., Flask]) -> None:
    app = with_views(make_app(OAUTH_RESOURCES=RESOURCES, OAUTH_TOKEN_PARAMETERS_FROM=["body", "query"]))
    assert opens(app, ask(app.test_client(), register(app), resource=[A, B]).get_json()["access_token"]) == [A, B]


def test_opaque_tokens_need_no_issuer_save_where_one_would_have_to_be_named(make_app: Callable[..., Flask]) -> None:
    app = with_views(make_app(OAUTH_RESOURCES=RESOURCES, TESTING=False))
    client, host = register(app, scope=BOTH), {"Host": "weather.example"}
    headers = basic(client.client_id, client.client_secret) | host
    got = app.test_client().post("/oauth/token", data={"grant_type": "client_credentials"}, headers=headers).get_json()
    headers = bearer(got["access_token"]) | host
    assert app.test_client().get("/a/x", headers=headers).get_json() == {"aud": [A, B]}
    assert "OAUTH_ISSUER" in refusal(app.test_client().get("/x", headers=headers), 503, "server_error")


def test_a_mounted_wsgi_application_is_of_the_resource_of_its_path(make_app: Callable[..., Flask]) -> None:
    app = make_app(OAUTH_RESOURCES=RESOURCES)

    def inner(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [environ["SCRIPT_NAME"].encode()]

    http, client = app.test_client(), register(app)
    app.wsgi_app = DispatcherMiddleware(  # type: ignore[method-assign]
        app.wsgi_app, {"/a": app.extensions["oauth_gateway"].wsgi(inner)}
    )
    for resource, status in ((A, 200), (B, 401), (ISSUER, 401)):
        token = ask(http, client, resource=resource).get_json()["access_token"]
        response = http.get("/a/x", headers=bearer(token))
        assert response.status_code == status
        if status == 401:
            assert "/.well-known/oauth-protected-resource/a" in response.headers["WWW-Authenticate"]


def test_forward_auth_takes_tokens_for_the_audience_that_the_rule_or_the_url_names(
    make_app: Callable[..., Flask],
) -> None:
    rules = [{"path": "/b/*", "audience": B, "scopes": [READ]}, {"path": "/*", "scopes": [READ]}]
    app = make_app(OAUTH_RESOURCES=RESOURCES, OAUTH_FORWARD_AUTH=True, OAUTH_PROTECT=rules)
    http, client = app.test_client(), register(app)
    for path, query, taken in (
        ("/b/x", "", [B]),
        ("/x", f"?audience={A}", [A]),
        ("/x", "", [ISSUER]),
        ("/b/x", f"?audience={A}", []),
    ):
        for resource in EVERY:
            token = ask(http, client, resource=resource).get_json()["access_token"]
            asked = {"X-Original-URI": path, "X-Original-Method": "GET", **bearer(token)}
            response = http.get(f"/oauth/verify{query}", headers=asked)
            assert response.status_code == (204 if resource in taken else 401), (path, query, resource)


def test_outside_of_tests_and_loopback_no_host_header_gets_into_a_challenge(make_app: MakeApp) -> None:
    app = make_app(TESTING=False)
    client = app.test_client()

    def challenge(host: str) -> str:
        return str(client.get("/weather", headers={"Host": host}).headers["WWW-Authenticate"])

    for _ in range(2):  # worked out, and remembered
        assert 'resource_metadata="http://127.0.0.1:5000/.well-known/' in challenge("127.0.0.1:5000")
        assert "resource_metadata" not in challenge("evil.example")
    app.testing = True
    assert 'resource_metadata="http://evil.example/' in challenge("evil.example")
    app.testing = False
    assert "resource_metadata" not in challenge("evil.example")
    for number in range(MAX_PLACES + 10):
        challenge(f"host{number}.example")
    assert len(server_of(app).resources._metadata_urls) <= MAX_PLACES
