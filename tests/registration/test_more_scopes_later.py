"""A program registers with the scopes that it needs first, as the MCP SDKs do, and comes back for more."""

from typing import Any

from flask.testing import FlaskClient

from tests.support.app import server_of
from tests.support.signing import Signer
from tests.support.site import REDIRECT_URI, MakeSite, Site, refused

SCOPES = {"weather:read": "Read", "weather:write": "Report", "weather:erase": "Erase", "oauth:admin": "Everything"}
STRANGERS = ("weather:read", "weather:write")
BOTH = "weather:read weather:write"


def strangers(make_site: MakeSite, **config: Any) -> Site:
    settings = {"OAUTH_SCOPES": SCOPES, "OAUTH_REGISTRATION": "open", "OAUTH_REGISTRATION_SCOPES": STRANGERS}
    return make_site(**settings | config)


def register(http: FlaskClient, **metadata: Any) -> dict[str, Any]:
    body = {"redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none", **metadata}
    answer = http.post("/oauth/register", json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json
    return found


def test_it_is_told_what_it_asked_for_gets_that_by_default_and_more_up_to_the_ceiling(make_site: MakeSite) -> None:
    site = strangers(make_site)
    http = site.app.test_client()
    found = register(http, scope="weather:read weather:erase")
    assert found["scope"] == "weather:read"
    client = server_of(site.app).clients.load(found["client_id"])
    assert client is not None
    assert site.tokens(client, scope=None)["scope"] == "weather:read"
    assert site.tokens(client, scope=BOTH)["scope"] == BOTH
    for beyond in ("weather:erase", "oauth:admin"):
        assert refused(site.ask(client, scope=beyond).location, "invalid_scope")

    uri, token = found["registration_client_uri"], {"Authorization": f"Bearer {found['registration_access_token']}"}
    assert http.get(uri, headers=token).json["scope"] == "weather:read"
    kept = {"client_id": client.client_id, "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none"}
    assert http.put(uri, headers=token, json={**kept, "scope": "weather:write"}).json["scope"] == "weather:write"
    assert http.put(uri, headers=token, json=kept).json["scope"] == BOTH


def test_what_the_app_s_hook_says_is_final(make_site: MakeSite) -> None:
    site = strangers(make_site)
    site.gateway.on_registration(lambda metadata, _: {**metadata, "scope": "weather:write"})
    found = register(site.app.test_client(), scope="weather:read weather:write")
    assert found["scope"] == "weather:write"
    client = server_of(site.app).clients.load(found["client_id"])
    assert client is not None
    assert refused(site.ask(client, scope="weather:read").location, "invalid_scope")


def test_so_is_a_software_statement(make_site: MakeSite) -> None:
    signer = Signer()
    issuers = {"https://directory.example": {"jwks": signer.jwks()}}
    site = strangers(make_site, OAUTH_SOFTWARE_STATEMENT_ISSUERS=issuers)
    statement = signer.sign({"iss": "https://directory.example", "scope": "weather:read"})
    found = register(site.app.test_client(), software_statement=statement, scope="weather:write")
    assert found["scope"] == "weather:read"
    client = server_of(site.app).clients.load(found["client_id"])
    assert client is not None
    assert refused(site.ask(client, scope="weather:write").location, "invalid_scope")
