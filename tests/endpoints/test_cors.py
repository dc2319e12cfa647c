"""Which scripts in a browser may read an answer: those of the client's own origin, or those that the owner names."""

from typing import Any

import pytest

from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import basic
from tests.support.site import VERIFIER, MakeSite, Site, query

OWN, OTHER = "https://app.example", "https://evil.example"
READABLE = "Access-Control-Allow-Origin"


def token_request(site: Site, client: Client, origin: str | None, **form: str) -> Any:
    data = {"grant_type": "authorization_code", "client_id": client.client_id, "code": "x", "code_verifier": VERIFIER}
    headers = {} if origin is None else {"Origin": origin}
    return site.browser.post("/oauth/token", data=data | form, headers=headers)


@pytest.mark.parametrize("path", ["token", "revoke", "device_authorization"])
@pytest.mark.parametrize("origin", [OWN, OTHER, "null"])
def test_a_preflight_passes_for_everybody_and_tells_nothing(site: Site, path: str, origin: str) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "dpop"}
    response = site.browser.options(f"/oauth/{path}", headers=headers)
    assert (response.status_code, response.data) == (204, b"")
    assert response.headers[READABLE] == origin
    assert "POST" in response.headers["Access-Control-Allow-Methods"]
    allowed = response.headers["Access-Control-Allow-Headers"].lower()
    assert all(name in allowed for name in ("authorization", "content-type", "dpop"))
    assert "Access-Control-Allow-Credentials" not in response.headers
    assert response.headers["Vary"] == "Origin"


def test_a_client_s_own_pages_read_the_answer_and_errors_too(site: Site) -> None:
    client = site.register_public()
    code = site.code(client)
    for response in (
        token_request(site, client, OWN, code=code, redirect_uri=f"{OWN}/cb"),
        token_request(site, client, OWN),  # an error
        site.browser.post("/oauth/revoke", data={"client_id": client.client_id, "token": "x"}, headers={"Origin": OWN}),
    ):
        assert response.headers[READABLE] == OWN
        assert "Retry-After" in response.headers["Access-Control-Expose-Headers"]
        assert "Origin" in response.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize(
    "origin", [OTHER, "http://app.example", "https://app.example:8443", "https://app.example.evil.example", "null", "", "é"]
)  # fmt: skip
def test_nobody_else_s_do(site: Site, origin: str) -> None:
    client = site.register_public()
    assert READABLE not in token_request(site, client, origin).headers
    assert READABLE not in token_request(site, client, None).headers
    stranger = site.register_public(client_id="stranger", redirect_uris=[f"{OTHER}/cb"])
    assert READABLE not in token_request(site, stranger, OWN).headers
    assert READABLE not in token_request(site, client, OWN, client_id="nobody").headers


@pytest.mark.parametrize(("uri", "origin"), [
    ("https://APP.example/cb", "https://app.example"),
    ("https://app.example:443/cb", "https://app.example"),
    ("https://app.example:8443/cb", "https://app.example:8443"),
    ("http://localhost:5173/cb", "http://localhost:5173"),
    ("http://[::1]:80/cb", "http://[::1]"),
])  # fmt: skip
def test_an_origin_is_what_a_browser_makes_of_the_address(site: Site, uri: str, origin: str) -> None:
    client = site.register_public(redirect_uris=[uri, "com.example.app:/cb"])
    assert token_request(site, client, origin).headers[READABLE] == origin


def test_the_owner_may_name_the_origins(make_site: MakeSite) -> None:
    site = make_site(OAUTH_CORS_ORIGINS=["https://console.example"])
    client = site.register_public()
    assert token_request(site, client, "https://console.example").headers[READABLE] == "https://console.example"
    assert READABLE not in token_request(site, client, OWN).headers
    for origin, passes in (("https://console.example", True), (OWN, False)):
        response = site.browser.options("/oauth/token", headers={"Origin": origin})
        assert (READABLE in response.headers) == passes
    everybody = make_site(OAUTH_CORS_ORIGINS=["*"])
    assert token_request(everybody, everybody.register_public(), OTHER).headers[READABLE] == OTHER
    nobody = make_site(OAUTH_CORS_ORIGINS=[])
    assert READABLE not in token_request(nobody, nobody.register_public(), OWN).headers


@pytest.mark.parametrize("config", [{}, {"OAUTH_CORS_ORIGINS": ["*"]}])
def test_no_script_of_another_site_ever_reads_a_page_or_what_belongs_to_servers(
    make_site: MakeSite, config: Any
) -> None:
    site = make_site(**config)
    client = site.register_public()
    headers = {"Origin": OWN}
    for response in (
        site.browser.get("/oauth/authorize", query_string=query(client), headers=headers),
        site.browser.get("/oauth/authorize", headers=headers),
        site.browser.get("/oauth/device", headers=headers),
        site.browser.get("/oauth/applications", headers=headers),
        site.browser.post("/oauth/introspect", data={"client_id": client.client_id, "token": "x"}, headers=headers),
        site.browser.options("/oauth/authorize", headers=headers),
        site.browser.options("/oauth/applications", headers=headers),
        site.browser.get("/oauth/nothing", headers=headers),
    ):
        assert not [name for name, _ in response.headers if name.startswith("Access-Control")]


@pytest.mark.parametrize(
    "form", [{"grant_type": "password"}, {"grant_type": ""}, {"client_secret": "left over"}, {"scope": "\x00"}],
    ids=["unsupported_grant_type", "no grant_type", "invalid_client", "a control character"],
)  # fmt: skip
def test_a_client_s_own_pages_read_an_error_that_comes_before_it_has_proved_who_it_is(
    site: Site, form: dict[str, str]
) -> None:
    client = site.register_public()
    response = token_request(site, client, OWN, **form)
    assert response.status_code in (400, 401)
    if "scope" not in form:  # of a form that can't be read nobody knows whose it is
        assert response.headers[READABLE] == OWN
    assert READABLE not in token_request(site, client, OTHER, **form).headers


def test_a_limit_that_is_met_is_readable_too(make_site: MakeSite) -> None:
    site = make_site(OAUTH_RATE_LIMITS={"token_failures": "1/minute"})
    client = site.register(client_secret="a secret that a person chose")
    responses = [
        site.browser.post(
            "/oauth/token", data={"grant_type": "x"}, headers={"Origin": OWN, **basic(client.client_id, "y")}
        )
        for _ in range(3)
    ]
    assert [response.headers.get(READABLE) for response in responses] == [OWN] * 3


def test_a_loopback_origin_may_have_any_port_as_the_redirect_uri_may(site: Site) -> None:
    client = site.register_public(redirect_uris=["http://127.0.0.1/cb", "http://localhost:3000/cb"])
    for origin in ("http://127.0.0.1", "http://127.0.0.1:6274", "http://localhost:3000", "http://localhost:41234"):
        assert token_request(site, client, origin).headers[READABLE] == origin
    for origin in ("https://127.0.0.1:6274", "http://127.0.0.2", "http://[::1]:80", "http://127.0.0.1.evil.example"):
        assert READABLE not in token_request(site, client, origin).headers
    other = site.register_public(redirect_uris=["https://192.0.2.1/cb"])
    assert READABLE not in token_request(site, other, "https://192.0.2.1:81").headers


@pytest.mark.parametrize("header", ["mcp-protocol-version", "authorization", "traceparent"])
@pytest.mark.parametrize(
    "path", ["/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource", "/oauth/jwks"]
)
def test_any_script_may_ask_for_a_public_document_with_any_header(site: Site, path: str, header: str) -> None:
    headers = {"Origin": OTHER, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": header}
    response = site.browser.options(path, headers=headers)
    assert response.status_code == 204
    assert response.headers[READABLE] == "*"
    allowed = [name.strip().lower() for name in response.headers["Access-Control-Allow-Headers"].split(",")]
    assert header in allowed or ("*" in allowed and header != "authorization")
    assert site.browser.get(path, headers={"Origin": OTHER}).headers[READABLE] == "*"


def test_swagger_s_header_is_allowed(site: Site) -> None:
    headers = {"Origin": OWN, "Access-Control-Request-Headers": "x-requested-with"}
    response = site.browser.options("/oauth/token", headers=headers)
    assert "x-requested-with" in response.headers["Access-Control-Allow-Headers"].lower()
