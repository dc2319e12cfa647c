"""The OpenAPI document of the endpoints is valid, whole, and true of the answers of an app that runs."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from werkzeug.test import TestResponse

from docs._reference.endpoints import operations, schemas
from flask_oauth_gateway.features import ENDPOINTS, GRANTS
from flask_oauth_gateway.features.feature import Endpoint
from tests.support.app import bearer
from tests.support.site import BOTH, REDIRECT_URI, MakeSite, query

ROOT = Path(__file__).parents[2]
DOCUMENT: dict[str, Any] = json.loads(ROOT.joinpath("docs", "endpoints.json").read_text(encoding="utf-8"))


def path_of(endpoint: Endpoint) -> str:
    return "/oauth" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", endpoint.path)


def test_it_is_valid_openapi() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    validate(DOCUMENT)


def test_every_row_is_in_it_with_its_methods() -> None:
    for name, endpoint in ENDPOINTS.items():
        methods = {method.lower() for method in endpoint.methods or ("GET",)}
        assert methods <= DOCUMENT["paths"][path_of(endpoint)].keys(), name


def test_every_endpoint_for_programs_is_described() -> None:
    """A page for people goes by what its view says of itself; a program needs to know what to send."""
    programs = {name for name, each in ENDPOINTS.items() if not each.view.startswith("pages.") or each.metadata}
    assert programs <= {name.partition(" ")[0] for name in operations.OPERATIONS}, (
        "docs/_reference/endpoints/operations.py"
    )
    assert {
        each.grant_type for each in GRANTS.values() if each.response_type != "token"
    } <= schemas.GRANT_PARAMETERS.keys()


def test_the_page_names_every_endpoint_and_its_setting() -> None:
    page = ROOT.joinpath("docs", "endpoints.md").read_text(encoding="utf-8")
    for endpoint in ENDPOINTS.values():
        assert f" {path_of(endpoint)}`" in page
    assert page.count("\n### `POST /oauth/token`\n") == 1
    assert "`OAUTH_PAR` is set" in page


EVERYTHING = {"OAUTH_OIDC": True, "OAUTH_PAR": True, "OAUTH_REGISTRATION": "open"}


def seen(answer: TestResponse, path: str, method: str = "post") -> Any:
    """The answer's JSON, which is seen to be what the document says of this path, method and status."""
    described = DOCUMENT["paths"][path][method]["responses"]
    found = described[str(answer.status_code)]
    if "$ref" in found:
        found = DOCUMENT["components"]["responses"][found["$ref"].rpartition("/")[2]]
    schema = found["content"]["application/json"]["schema"]
    body = answer.get_json()
    Draft202012Validator(DOCUMENT | schema).validate(body)
    return body


def test_answers_are_what_it_says(make_site: MakeSite) -> None:
    site = make_site(**EVERYTHING)
    client = site.register(scope=f"openid {BOTH}")
    pushed = {name: value for name, value in query(client).items() if name != "client_id"}
    assert seen(site.post(client, "/oauth/par", **pushed), "/oauth/par")["expires_in"] > 0

    code = site.code(client, scope=f"openid {BOTH}")
    tokens = seen(site.redeem(client, code), "/oauth/token")
    assert {"refresh_token", "id_token"} <= tokens.keys()
    assert seen(site.redeem(client, code), "/oauth/token")["error"] == "invalid_grant"
    assert seen(site.redeem(replace(client, client_secret="wrong"), code), "/oauth/token")["error"] == "invalid_client"

    tokens = seen(site.redeem(client, site.code(client, scope=f"openid {BOTH}")), "/oauth/token")
    token, browser = tokens["access_token"], site.app.test_client()
    assert seen(browser.get("/oauth/userinfo", headers=bearer(token)), "/oauth/userinfo", "get")["sub"] == "alice"
    answers = [
        seen(site.post(client, "/oauth/introspect", token=each), "/oauth/introspect")
        for each in (token, tokens["refresh_token"], "unknown")
    ]
    assert [each["active"] for each in answers] == [True, True, False]
    assert set().union(*answers) <= named_in("Introspection"), "what is answered is described"
    assert seen(browser.get("/oauth/tokeninfo", headers=bearer(token)), "/oauth/tokeninfo", "get")["user_id"] == "alice"
    seen(browser.post("/oauth/tokeninfo", data={"access_token": "unknown"}), "/oauth/tokeninfo")
    seen(site.refresh(client, tokens["refresh_token"]), "/oauth/token")

    machine = site.register(grant_types=["client_credentials"], redirect_uris=[])
    own = seen(site.token(machine, "client_credentials"), "/oauth/token")["access_token"]
    assert seen(browser.get("/oauth/tokeninfo", headers=bearer(own)), "/oauth/tokeninfo", "get")["user_id"] is None
    television = site.register_public(grant_types=["device_code"], redirect_uris=[])
    seen(site.post(television, "/oauth/device_authorization"), "/oauth/device_authorization")


def test_registrations_and_documents_are_what_it_says(make_site: MakeSite) -> None:
    client = make_site(**EVERYTHING).app.test_client()
    metadata = {"client_name": "Notes", "redirect_uris": [REDIRECT_URI]}
    registered = seen(client.post("/oauth/register", json=metadata), "/oauth/register")
    one, path = urlsplit(registered["registration_client_uri"]).path, "/oauth/register/{client_id}"
    mine = bearer(registered["registration_access_token"])
    assert seen(client.get(one, headers=mine), path, "get").keys() <= named_in("Registered")
    changed = {**metadata, "client_id": registered["client_id"], "client_name": "Other notes"}
    assert seen(client.put(one, json=changed, headers=mine), path, "put")["client_name"] == "Other notes"
    seen(client.get(one, headers=bearer("another")), path, "get")
    assert str(client.delete(one, headers=mine).status_code) in DOCUMENT["paths"][path]["delete"]["responses"]
    seen(client.post("/oauth/register", json={"redirect_uris": ["ftp://x"]}), "/oauth/register")
    for path, schema in (
        ("/oauth/jwks", "KeySet"),
        ("/.well-known/oauth-authorization-server", "ServerMetadata"),
        ("/.well-known/openid-configuration", "ServerMetadata"),
        ("/.well-known/oauth-protected-resource", "ResourceMetadata"),
    ):
        assert seen(client.get(path), path, "get").keys() <= named_in(schema), "what the server says is described"


def named_in(schema: str) -> set[str]:
    return set(DOCUMENT["components"]["schemas"][schema]["properties"])


def test_a_wrong_answer_would_be_noticed() -> None:
    token = Draft202012Validator(DOCUMENT | DOCUMENT["components"]["schemas"]["Token"])
    good = {"access_token": "x", "token_type": "Bearer", "expires_in": 3600, "scope": ""}
    assert token.is_valid(good)
    assert not token.is_valid({**good, "token_type": "mac"})
    assert not token.is_valid({**good, "expires_in": None})
