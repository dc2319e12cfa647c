"""GET /.well-known/oauth-protected-resource: what a client needs to know of an API (RFC 9728), and who points there."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from flask_oauth_gateway import require_token
from tests.support.app import basic, bearer, build_app, close_app, refusal, register, server_of

WELL_KNOWN = "/.well-known/oauth-protected-resource"
SERVER = "/.well-known/oauth-authorization-server"
ISSUER = "https://auth.example.com"
RESOURCES = {"/api": f"{ISSUER}/api", "/api/v2": "https://v2.example/things", "/mcp": "urn:example:mcp"}
EVIL = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}


@pytest.fixture
def app_with(tmp_path: Path) -> Any:
    made: list[Flask] = []

    def app_with(**config: Any) -> Flask:
        app = build_app(instance_path=str(tmp_path / str(len(made))), **config)
        for path in ("/api/x", "/api/v2", "/mcp", "/any"):
            app.add_url_rule(path, path, require_token("weather:read", optional=path == "/any")(lambda: "seen"))
        made.append(app)
        return app

    yield app_with
    for app in made:
        close_app(app)


def challenge(response: Any) -> dict[str, str]:
    """The parameters of a Bearer challenge."""
    return dict(re.findall(r'([a-z_]+)="([^"]*)"', response.headers["WWW-Authenticate"]))


def test_it_says_what_the_api_is_and_who_gives_tokens_for_it(app_with: Callable[..., Flask]) -> None:
    app = app_with(OAUTH_ISSUER=ISSUER)
    assert app.test_client().get(WELL_KNOWN).get_json() == {
        "resource": ISSUER,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["weather:read", "weather:write"],
        "bearer_methods_supported": ["header"],
    }
    bare = app_with(OAUTH_ISSUER=ISSUER, OAUTH_SCOPES={}, OAUTH_BEARER_METHODS=["header", "query"])
    said = bare.test_client().get(WELL_KNOWN).get_json()
    assert "scopes_supported" not in said, "RFC 9728 section 2: nothing instead of an empty list"
    assert said["bearer_methods_supported"] == ["header", "query"]


def test_each_resource_has_its_own_document_and_each_challenge_points_to_it(app_with: Callable[..., Flask]) -> None:
    http = app_with(OAUTH_ISSUER=ISSUER, OAUTH_RESOURCES=RESOURCES).test_client()
    for path, at, resource in (
        ("/weather", "", ISSUER),
        ("/any", "", ISSUER),
        ("/api/x", "/api", f"{ISSUER}/api"),
        ("/api/v2", "/api/v2", "https://v2.example/things"),
        ("/mcp", "/mcp", "urn:example:mcp"),
    ):
        said = challenge(http.get(path, headers=bearer("wrong")))
        assert said["resource_metadata"] == f"{ISSUER}{WELL_KNOWN}{at}"
        assert said["scope"] == "weather:read"
        assert http.get(said["resource_metadata"]).get_json()["resource"] == resource
    assert http.get(f"{WELL_KNOWN}/things").get_json()["resource"] == "https://v2.example/things", (
        "as RFC 9728 builds it"
    )
    for unknown in ("/apix", "/api/x", "/api//x", "/API", "/weather"):
        assert "described" in refusal(http.get(WELL_KNOWN + unknown), 404, "not_found")
    identifiers = [ISSUER, *RESOURCES.values()]
    assert http.get(SERVER).get_json()["protected_resources"] == identifiers


def test_every_refusal_says_which_scopes_are_needed_and_where_to_read_on(app_with: Callable[..., Flask]) -> None:
    app = app_with(OAUTH_ISSUER=ISSUER)
    http, client = app.test_client(), register(app, scope="weather:write")
    token = app.extensions["oauth_gateway"].tokens.issue(client.client_id)["access_token"]
    metadata = f"{ISSUER}{WELL_KNOWN}"
    for headers, status, error in (
        ({}, 401, None),
        (bearer("wrong"), 401, "invalid_token"),
        (bearer("two tokens"), 400, "invalid_request"),
        (bearer(token), 403, "insufficient_scope"),
    ):
        response = http.get("/weather", headers=headers)
        said = challenge(response)
        assert (response.status_code, said.get("error")) == (status, error)
        assert (said["scope"], said["resource_metadata"]) == ("weather:read", metadata)


def test_the_host_header_never_decides_where_it_points(app_with: Callable[..., Flask]) -> None:
    http = app_with(OAUTH_ISSUER=ISSUER, OAUTH_RESOURCES=RESOURCES, TESTING=False).test_client()
    for path in (WELL_KNOWN, f"{WELL_KNOWN}/api", SERVER, "/weather", "/api/x"):
        response = http.get(path, headers=EVIL)
        assert "evil" not in f"{response.text} {response.headers}"
    nameless = app_with(TESTING=False).test_client()
    for path in (WELL_KNOWN, SERVER):
        assert "OAUTH_ISSUER" in refusal(nameless.get(path, headers=EVIL), 503, "server_error")
    response = nameless.get("/weather", headers=EVIL)
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="oauth", scope="weather:read"'
    refusal(response, 401, "unauthorized")


@pytest.mark.parametrize("path", [WELL_KNOWN, f"{WELL_KNOWN}/api", SERVER, "/oauth/jwks"])
def test_public_documents_are_built_once_and_answered_from_memory(
    app_with: Callable[..., Flask], monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    http = app_with(OAUTH_ISSUER=ISSUER, OAUTH_RESOURCES=RESOURCES).test_client()
    first = http.get(path)
    monkeypatch.setattr("flask_oauth_gateway.web.documents.json", None)
    again = http.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    for response in (first, http.get(path)):
        assert response.data == first.data
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert response.headers["Cache-Control"] == "public, max-age=300"
        assert response.mimetype == "application/json"


def test_an_outsider_cannot_fill_the_memory(app_with: Callable[..., Flask]) -> None:
    app = app_with()
    for number in range(250):
        said = app.test_client().get(WELL_KNOWN, base_url=f"http://{number}.example").get_json()
        assert said["resource"] == f"http://{number}.example", "in testing the host is the name"
    assert len(server_of(app).documents._documents) <= 100


def test_the_path_of_a_name_stands_behind_the_well_known_part(app_with: Callable[..., Flask]) -> None:
    http = app_with(OAUTH_ISSUER=f"{ISSUER}/tenant", OAUTH_RESOURCES={"/mcp": f"{ISSUER}/tenant/mcp"}).test_client()
    for path, at in (("/weather", "/tenant"), ("/mcp", "/tenant/mcp")):
        url = challenge(http.get(path))["resource_metadata"]
        assert url == f"{ISSUER}{WELL_KNOWN}{at}"
        assert http.get(url).get_json()["resource"] == ISSUER + at


# One process, several apps, each with a gateway: a folder of the host each


@pytest.fixture
def mounted(app_with: Callable[..., Flask]) -> Iterable[Any]:
    """Two apps below one host, `/one` and `/two`; what stands at the host's root goes to whichever it names, as it is."""
    apps = {
        f"/{name}": app_with(
            OAUTH_ISSUER=f"{ISSUER}/{name}",
            OAUTH_URL_PREFIX=f"/auth-{name}",
            OAUTH_RESOURCES={"/api": f"{ISSUER}/{name}/api"},
            APPLICATION_ROOT=f"/{name}",
            SECRET_KEY=name,
            TESTING=False,
        )
        for name in ("one", "two")
    }

    def root(environ: Any, start_response: Any) -> Any:
        mount = next((mount for mount in apps if f"{environ['PATH_INFO']}/".find(f"{mount}/") > 0), "/one")
        return apps[mount](environ, start_response)

    return apps, Client(DispatcherMiddleware(root, apps))


def test_beneath_a_mount_point_metadata_stands_where_the_rfcs_say(mounted: Any) -> None:
    _, http = mounted
    for name in ("one", "two"):
        issuer = f"{ISSUER}/{name}"
        server = http.get(f"{SERVER}/{name}", headers=EVIL).get_json()
        assert server["issuer"] == issuer
        assert server["token_endpoint"] == f"{issuer}/auth-{name}/token"
        assert server["jwks_uri"] == f"{issuer}/auth-{name}/jwks"
        assert http.get(f"{WELL_KNOWN}/{name}").get_json()["resource"] == issuer
        assert http.get(f"{WELL_KNOWN}/{name}/api").get_json()["resource"] == f"{issuer}/api"
        for path, at in (("/weather", ""), ("/api/x", "/api")):
            resource, url = issuer + at, challenge(http.get(f"/{name}{path}", headers=EVIL))["resource_metadata"]
            assert url == f"{issuer}{WELL_KNOWN}{at}", "where this app answers, whatever the host's root does"
            said = http.get(url.removeprefix(ISSUER)).get_json()
            assert (said["resource"], said["authorization_servers"]) == (resource, [issuer])


def test_what_one_app_gave_opens_nothing_of_the_other(mounted: Any) -> None:
    apps, http = mounted
    for name, other in (("one", "two"), ("two", "one")):
        for token_format in ("opaque", "jwt"):
            client = register(apps[f"/{name}"], access_token_format=token_format)
            response = http.post(
                f"/{name}/auth-{name}/token",
                data={"grant_type": "client_credentials"},
                headers=basic(client.client_id, client.client_secret),
            )
            token = response.get_json()["access_token"]
            assert http.get(f"/{name}/weather", headers=bearer(token)).status_code == 200
            assert http.get(f"/{other}/weather", headers=bearer(token)).status_code == 401
