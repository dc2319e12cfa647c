"""Clients of the Model Context Protocol of 2025-03-26, which ask at the root, and look for metadata where the MCP server is."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, Response
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client as WsgiClient
from werkzeug.test import TestResponse

from flask_oauth_gateway import OAuthGateway
from tests.support.app import MakeApp, refusal
from tests.support.site import (
    GRANT_TYPES,
    REDIRECT_URI,
    VERIFIER,
    MakeSite,
    Page,
    Site,
    answer,
    granted,
    location,
    query,
)

ISSUER = "https://auth.example"
AT_ISSUER = {"base_url": ISSUER}
GRANTS = [name for name in GRANT_TYPES if name not in ("password", "implicit")]
MCP = {"OAUTH_PROFILE": "mcp", "OAUTH_GRANT_TYPES": GRANTS}
AS, OPENID = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(**MCP)


def redeem_at_root(site: Site, client_id: str, code: str) -> TestResponse:
    sent = {"grant_type": "authorization_code", "client_id": client_id, "code": code, "code_verifier": VERIFIER}
    return site.app.test_client().post("/token", data={**sent, "redirect_uri": REDIRECT_URI})


def test_a_whole_flow_at_the_root(site: Site, make_site: MakeSite) -> None:
    site, client = make_site(**MCP, OAUTH_LOGIN_URL="/login"), site.register_public()
    site.person = None
    (back,) = parse_qs(urlsplit(site.browser.get("/authorize", query_string=query(client)).location).query)["next"]
    site.person = "alice"
    page = Page(asked := site.browser.get(back))
    assert page.action is not None
    assert page.action.startswith("/authorize?")
    assert "frame-ancestors 'none'" in asked.headers["Content-Security-Policy"]
    found = answer(location(site.send(page)))
    assert found["iss"] == "http://localhost"
    tokens = granted(redeem_at_root(site, client.client_id, found["code"]))
    assert site.is_live(tokens["access_token"])
    refusal(redeem_at_root(site, "nobody", "x"), 401, "invalid_client")


def test_scripts_of_the_client_s_origin_may_ask_at_the_root_too(site: Site) -> None:
    client = site.register_public()
    origin = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    assert site.browser.options("/token", headers=origin).headers["Access-Control-Allow-Methods"]
    asked = {"grant_type": "authorization_code", "client_id": client.client_id, "code": "x", "code_verifier": VERIFIER}
    response = site.browser.post("/token", data=asked, headers=origin)
    assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"


def test_a_client_that_knows_nothing_but_the_root_registers_and_gets_in(make_site: MakeSite) -> None:
    site = make_site(**MCP, OAUTH_REGISTRATION="open")
    asked = {
        "redirect_uris": [REDIRECT_URI],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "client_name": "Old client",
    }
    assert site.browser.options("/register", headers={"Origin": "https://any.example"}).status_code == 204
    made = site.browser.post("/register", json=asked)
    assert made.status_code == 201
    client_id = made.get_json()["client_id"]
    assert made.get_json()["registration_client_uri"] == f"http://localhost/oauth/register/{client_id}"
    client = site.gateway.clients.get(client_id)
    assert client is not None
    page = Page(site.browser.get("/authorize", query_string=query(client)))
    found = answer(location(site.send(page)))
    tokens = granted(redeem_at_root(site, client_id, found["code"]))
    sent = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": tokens["refresh_token"]}
    assert site.is_live(granted(site.browser.post("/token", data=sent))["access_token"])


def test_there_is_nothing_at_the_root_without_the_profile(make_site: MakeSite) -> None:
    for config in ({}, {"OAUTH_PROFILE": "oauth2.1", "OAUTH_GRANT_TYPES": GRANTS}):
        site = make_site(**config)
        assert site.browser.get("/authorize").status_code == 404
        assert site.browser.post("/token").status_code == 404
    assert make_site(**MCP).browser.post("/register").status_code == 404  # as long as nobody may register


def test_a_route_of_the_app_comes_first_whenever_it_was_made(make_site: MakeSite) -> None:
    app = make_site(**MCP).app
    app.add_url_rule("/authorize", "mine", lambda: "mine")
    app.add_url_rule("/token/", "form", lambda: "a form", methods=["GET"])
    browser = app.test_client()
    assert browser.get("/authorize").text == "mine"
    assert browser.post("/authorize").status_code == 405
    assert browser.get("/token").status_code == 308
    assert browser.post("/token").status_code == 404
    assert browser.post("/oauth/token").status_code == 400
    assert browser.get("/elsewhere").status_code == 404


@pytest.mark.parametrize(
    ("flask", "config", "place"),
    [
        ({"host_matching": True, "static_host": "auth.example"}, {}, {"host": "api.example"}),
        ({"subdomain_matching": True}, {"SERVER_NAME": "auth.example"}, {"subdomain": "api"}),
    ],
)
def test_a_route_of_another_host_is_in_nobody_s_way(
    flask: dict[str, Any], config: dict[str, Any], place: dict[str, str]
) -> None:
    app = Flask("hosts", **flask)
    app.config.update(MCP, OAUTH_ISSUER=ISSUER, TESTING=True, SECRET_KEY="only for tests", **config)
    app.add_url_rule("/token", "theirs", lambda: "theirs", methods=["POST"], **place)
    app.add_url_rule("/authorize", "mine", lambda: "mine", **({"host": "auth.example"} if "host" in place else {}))
    OAuthGateway(app)
    browser, elsewhere = app.test_client(), "https://api.example" if "host" in place else "https://api.auth.example"
    assert browser.post("/token", base_url=elsewhere).text == "theirs"
    refusal(browser.post("/token", **AT_ISSUER), 400, "invalid_request")
    assert browser.get("/authorize", **AT_ISSUER).text == "mine"
    assert browser.post("/authorize", **AT_ISSUER).status_code == 405


@pytest.mark.parametrize("rule", ["/<page>", "/<path:page>", "/<string(length=5):page>"])
def test_a_route_that_fits_by_chance_comes_first_for_the_methods_that_it_takes(make_site: MakeSite, rule: str) -> None:
    app = make_site(**MCP).app
    app.add_url_rule(rule, "page", lambda page: f"page {page}")
    browser = app.test_client()
    fits = "string" not in rule
    assert browser.get("/authorize").text.startswith("page") == fits
    assert browser.get("/token").text.startswith("page")
    refusal(browser.post("/token", data={"grant_type": "refresh_token"}), 401, "invalid_client")


def test_urls_that_the_server_makes_are_those_under_the_prefix(site: Site) -> None:
    with site.app.test_request_context("/authorize"):
        assert site.app.url_for("oauth.authorize", _external=False) == "/oauth/authorize"
    document = site.browser.get(AS).get_json()
    assert document["token_endpoint"] == "http://localhost/oauth/token"
    paths = {rule.rule for rule in site.app.url_map.iter_rules()}
    assert {"/authorize", "/token"} <= paths


def test_an_app_below_a_path_answers_there(make_site: MakeSite) -> None:
    site = make_site(**MCP, OAUTH_ISSUER=f"{ISSUER}/tenant")
    mounted = WsgiClient(DispatcherMiddleware(Response("elsewhere"), {"/tenant": site.app}), Response)
    page = mounted.get("/tenant/authorize", query_string=query(site.register_public()), base_url=ISSUER)
    assert 'action="/tenant/authorize?' in page.text
    assert mounted.get(f"/tenant{OPENID}", base_url=ISSUER).status_code == 404  # OAUTH_OIDC is off
    document = mounted.get(f"/tenant{AS}", base_url=ISSUER).get_json()
    assert document["issuer"] == f"{ISSUER}/tenant"


@pytest.mark.parametrize("path", ["", "/tenant/one"])
def test_the_metadata_are_wherever_a_client_may_look(make_app: MakeApp, path: str) -> None:
    resources = {"/mcp": "https://auth.example/mcp"}
    config = {**MCP, "OAUTH_ISSUER": ISSUER + path, "OAUTH_RESOURCES": resources, "OAUTH_OIDC": True}
    looker = make_app(**config).test_client()

    def read(where: str) -> dict[str, Any]:
        response = looker.get(where, **AT_ISSUER)
        assert response.status_code == 200, where
        assert looker.options(where, **AT_ISSUER).headers["Access-Control-Allow-Origin"] == "*"
        found: dict[str, Any] = response.get_json()
        return found

    for at in {"", path, "/mcp"}:
        assert read(AS + at)["issuer"] == ISSUER + path
        for openid in (OPENID + at, at + OPENID):
            assert read(openid) == read(OPENID)
    for elsewhere in ("/other", "/mcp/other", "/mcpx"):
        assert looker.get(AS + elsewhere, **AT_ISSUER).status_code == 404


def test_without_openid_connect_there_are_no_openid_metadata(make_app: MakeApp) -> None:
    """Clients look there second, after RFC 8414's place, which answers; a half document would only confuse them."""
    looker = make_app(**MCP, OAUTH_RESOURCES={"/mcp": f"{ISSUER}/mcp"}).test_client()
    for where in (OPENID, f"{OPENID}/mcp", f"/mcp{OPENID}"):
        assert looker.get(where).status_code == 404
