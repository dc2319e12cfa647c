"""Apps that route by host or subdomain, or are mounted: the endpoints stand where the issuer is, and the metadata says so."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_oauth_gateway import OAuthGateway
from tests.support.app import add_weather, bearer, close_app, register, token_for

METADATA = "/.well-known/oauth-authorization-server"


@pytest.fixture
def make(tmp_path: Path) -> Any:
    apps: list[Flask] = []

    def make(config: dict[str, Any], **flask: Any) -> Flask:
        app = Flask("app", instance_path=str(tmp_path / "instance"), static_folder=None, **flask)
        app.config.update(
            SECRET_KEY="x", OAUTH_SCOPES={"weather:read": "", "weather:write": ""}, OAUTH_ADMIN=True, **config
        )
        app.config["OAUTH_GRANT_TYPES"] = ["authorization_code", "client_credentials", "device_code"]
        OAuthGateway(app)
        apps.append(app)
        return app

    yield make
    for app in apps:
        close_app(app)


def is_whole_at(http: FlaskClient, issuer: str, base: str) -> None:
    """Every address that the metadata names answers, at the issuer's host; and so do the pages and their style."""
    metadata = http.get(METADATA, base_url=base).get_json()
    assert metadata["issuer"] == issuer
    addresses = {name: url for name, url in metadata.items() if name.endswith(("_endpoint", "_uri"))}
    assert len(addresses) > 4
    for name, url in addresses.items():
        assert url.startswith(f"{issuer}/oauth/"), name
        path = url.removeprefix(issuer)
        assert http.open(path, method="GET", base_url=base).status_code != 404, name
    page = http.get("/oauth/authorize", base_url=base)
    assert 'href="/oauth/static/pages.css"' in page.text
    with http.get("/oauth/static/pages.css", base_url=base) as style:
        assert style.mimetype == "text/css"
    assert http.put("/oauth/token", base_url=base).status_code == 405
    assert http.get("/oauth/nothing", base_url=base).get_json()["error"] == "not_found"


def test_with_host_matching_they_stand_at_the_issuer_s_host(make: Any) -> None:
    app = make({"OAUTH_ISSUER": "https://auth.example"}, host_matching=True)
    app.add_url_rule("/", "home", lambda: "www", host="www.example")
    http = app.test_client()
    is_whole_at(http, "https://auth.example", "https://auth.example")
    for path in (METADATA, "/oauth/token", "/oauth/static/pages.css", "/oauth/nothing"):
        assert http.get(path, base_url="https://www.example").status_code == 404, path
    client = register(app)
    with app.test_request_context("/", base_url="https://www.example"):
        assert urlsplit(app.url_for("oauth.token")).netloc == "auth.example"
        assert app.extensions["oauth_gateway"].openapi_security_schemes()
    answer = http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(client.client_id, client.client_secret or ""),
        base_url="https://auth.example",
    )
    assert answer.status_code == 200


def test_with_host_matching_the_endpoints_at_the_root_stand_there_too(make: Any) -> None:
    http = make({"OAUTH_ISSUER": "https://auth.example", "OAUTH_PROFILE": "mcp"}, host_matching=True).test_client()
    assert http.post("/token", base_url="https://auth.example").status_code == 400
    assert http.post("/token", base_url="https://www.example").status_code == 404


def test_with_host_matching_a_port_belongs_to_the_host(make: Any) -> None:
    app = make({"OAUTH_ISSUER": "http://127.0.0.1:5000"}, host_matching=True)
    is_whole_at(app.test_client(), "http://127.0.0.1:5000", "http://127.0.0.1:5000")


def test_with_host_matching_and_no_issuer_they_stand_at_every_host(make: Any) -> None:
    """In development: beyond it the issuer must be set."""
    app = make({"TESTING": True}, host_matching=True)
    for base in ("http://localhost", "http://127.0.0.1:5000"):
        is_whole_at(app.test_client(), base, base)


def test_with_subdomains_they_stand_at_the_issuer_s(make: Any) -> None:
    config = {"OAUTH_ISSUER": "https://auth.site.example", "SERVER_NAME": "site.example"}
    app = make(config, subdomain_matching=True)
    http = app.test_client()
    is_whole_at(http, "https://auth.site.example", "https://auth.site.example")
    assert http.get("/oauth/token", base_url="https://site.example").status_code == 404


@pytest.mark.parametrize("issuer", ["https://site.example", "https://auth.elsewhere.example"])
def test_with_subdomains_and_an_issuer_at_none_of_them_they_stand_at_the_site_itself(make: Any, issuer: str) -> None:
    app = make({"OAUTH_ISSUER": issuer, "SERVER_NAME": "site.example"}, subdomain_matching=True)
    is_whole_at(app.test_client(), issuer, "https://site.example")


def test_the_metadata_of_resources_stand_at_their_subdomains(make: Any) -> None:
    config = {
        "OAUTH_ISSUER": "https://auth.site.example",
        "SERVER_NAME": "site.example",
        "OAUTH_RESOURCES": {"/": "https://api.site.example"},
    }
    http = make(config, subdomain_matching=True).test_client()
    answer = http.get("/.well-known/oauth-protected-resource", base_url="https://api.site.example").get_json()
    assert answer["resource"] == "https://api.site.example"
    assert answer["authorization_servers"] == ["https://auth.site.example"]


def test_a_server_name_alone_changes_nothing(make: Any) -> None:
    app = make({"OAUTH_ISSUER": "https://auth.example", "SERVER_NAME": "site.example"})
    is_whole_at(app.test_client(), "https://auth.example", "https://auth.example")
    with app.app_context():  # where Flask gives whole URLs
        assert app.extensions["oauth_gateway"].openapi_security_schemes()


def test_below_an_application_root_the_addresses_are_below_it(make: Any) -> None:
    app = make({"OAUTH_ISSUER": "https://site.example/apps", "APPLICATION_ROOT": "/apps"})
    add_weather(app)
    http = app.test_client()
    mounted = {"base_url": "https://site.example/apps"}
    at_root = http.get(f"{METADATA}/apps", base_url="https://site.example").get_json()
    assert at_root["issuer"] == "https://site.example/apps"
    assert at_root["token_endpoint"] == "https://site.example/apps/oauth/token"
    client = register(app)
    answer = http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": client.client_secret},
        **mounted,
    )
    assert http.get("/weather", headers=bearer(answer.get_json()["access_token"]), **mounted).status_code == 200
    assert token_for(http, client)["token_type"] == "Bearer"
