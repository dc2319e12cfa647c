"""The documents of resources (RFC 9728), and the challenges that lead to them (RFC 6750 section 3)."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask

from flask_oauth_gateway import require_token
from tests.support.app import bearer, gateway_of, refusal, register, server_of, token_for
from tests.support.site import READ, WRITE
from tests.support.statements import statements_of

WELL_KNOWN = "/.well-known/oauth-protected-resource"
AUTH = "https://auth.example"
RESOURCES = {
    "/mcp": {"scopes": [READ, "offline_access"], "name": "Files"},
    "/billing": {"identifier": "https://billing.example", "scopes": [WRITE]},
    "/query": f"{AUTH}/query?tenant=1",
}


def challenge(response: Any) -> dict[str, str]:
    return dict(re.findall(r'([a-z_]+)="([^"]*)"', response.headers["WWW-Authenticate"]))


def test_each_resource_says_what_is_given_for_it(make_app: Callable[..., Flask]) -> None:
    scopes = {READ: "Read", WRITE: "Write", "offline_access": "Stay"}
    app = make_app(OAUTH_ISSUER=AUTH, OAUTH_RESOURCES=RESOURCES, OAUTH_SCOPES=scopes)
    http = app.test_client()
    for place, resource, given in (
        ("", AUTH, [READ, WRITE]),
        ("/mcp", f"{AUTH}/mcp", [READ]),
        ("/mcp/", f"{AUTH}/mcp", [READ]),
        ("/billing", "https://billing.example", [WRITE]),
        ("/query?tenant=1", f"{AUTH}/query?tenant=1", [READ, WRITE]),
        ("/query", f"{AUTH}/query?tenant=1", [READ, WRITE]),
    ):
        found = http.get(WELL_KNOWN + place).get_json()
        assert (found["resource"], found["scopes_supported"]) == (resource, given)
        assert found["authorization_servers"] == [AUTH]
    with app.test_request_context("/query"):
        assert server_of(app).resources.metadata_url("/query") == f"{AUTH}{WELL_KNOWN}/query?tenant=1"


def test_a_resource_at_another_host_is_described_there_too(make_app: Callable[..., Flask]) -> None:
    http = make_app(OAUTH_ISSUER=AUTH, OAUTH_RESOURCES=RESOURCES, TESTING=False).test_client()
    for host, resource in (
        ("billing.example", "https://billing.example"),
        ("evil.example", AUTH),
        ("auth.example", AUTH),
    ):
        assert http.get(WELL_KNOWN, base_url=f"https://{host}").get_json()["resource"] == resource


@pytest.mark.parametrize("path", [WELL_KNOWN, f"{WELL_KNOWN}/mcp", "/.well-known/oauth-authorization-server"])
def test_documents_come_from_memory_and_browsers_may_read_them(make_app: Callable[..., Flask], path: str) -> None:
    app = make_app(
        OAUTH_ISSUER=AUTH, OAUTH_RESOURCES=RESOURCES, OAUTH_SCOPES={READ: "", WRITE: "", "offline_access": ""}
    )
    http = app.test_client()
    with statements_of(server_of(app).database.engine) as told:
        answers = [http.get(path), http.head(path), http.get(path, headers={"Origin": "https://app.example"})]
        asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "GET"}
        preflight = http.options(path, headers={**asked, "Access-Control-Request-Headers": "mcp-protocol-version"})
    assert told == []
    assert [each.status_code for each in answers] == [200, 200, 200]
    assert {each.headers["Access-Control-Allow-Origin"] for each in (*answers, preflight)} == {"*"}
    assert answers[1].data == b""
    assert answers[1].headers["Content-Length"] == answers[0].headers["Content-Length"]
    assert preflight.status_code == 204
    assert "MCP-Protocol-Version" in preflight.headers["Access-Control-Allow-Headers"]


def test_a_refusal_names_all_scopes_that_the_operation_needs(make_app: Callable[..., Flask]) -> None:
    app = make_app(
        OAUTH_ISSUER=AUTH,
        OAUTH_SCOPES={name: name for name in "abcde"},
        OAUTH_PROTECT=[{"path": "/api/*", "methods": ["POST"], "scopes": ["c"]}],
    )
    api = Blueprint("api", __name__, url_prefix="/api")
    gateway_of(app).protect(api, "a")
    api.add_url_rule("/x", "x", require_token("b", any_of=("d", "e"))(lambda: "x"), methods=["GET", "POST"])
    app.register_blueprint(api)
    app.add_url_rule("/y", "y", require_token("b")(lambda: "y"))
    http, client = app.test_client(), register(app, scope="a b c d e")
    metadata = f"{AUTH}{WELL_KNOWN}"
    for has, method, path, needed in (
        (None, "GET", "/api/x", "a b d e"),
        (None, "POST", "/api/x", "a b c d e"),
        ("a", "GET", "/api/x", "a b d e"),
        ("b", "POST", "/api/x", "a b c d e"),
        ("a c", "POST", "/api/x", "a b c d e"),
        ("a", "GET", "/y", "b"),
    ):
        headers = {} if has is None else bearer(token_for(http, client, scope=has)["access_token"])
        refused = http.open(path, method=method, headers=headers)
        refusal(refused, *((401, "unauthorized") if has is None else (403, "insufficient_scope")))
        said = challenge(refused)
        assert (said["scope"], said["resource_metadata"]) == (needed, metadata), (has, method, path)
        assert said.get("error") == (None if has is None else "insufficient_scope")


def test_forward_auth_names_all_scopes_too(make_app: Callable[..., Flask]) -> None:
    rules = [{"path": "/api/*", "scopes": [READ]}]
    http = make_app(OAUTH_FORWARD_AUTH=True, OAUTH_PROTECT=rules).test_client()
    asked = {"X-Original-URI": "/api/x", "X-Original-Method": "GET"}
    assert challenge(http.get(f"/oauth/verify?scope={WRITE}", headers=asked))["scope"] == f"{READ} {WRITE}"
