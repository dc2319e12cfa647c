"""A program registers a client: what it gets, and every bad input (RFC 7591)."""

from typing import Any

from flask import Flask

from tests.support.app import MakeApp, server_of
from tests.support.registering import CALLBACK, NATIVE, OPEN, refused, register, registered
from tests.support.signing import Signer


def open_app(make_app: MakeApp, **config: Any) -> Flask:
    return make_app(**OPEN | config)


def test_a_program_that_says_nothing_gets_every_default_and_is_told_all_of_it(make_app: MakeApp) -> None:
    app = open_app(make_app)
    http = app.test_client()
    found = registered(http, redirect_uris=[CALLBACK])
    assert found["registration_client_uri"] == f"http://localhost/oauth/register/{found['client_id']}"
    secrets = {name: found.pop(name) for name in ("client_id", "client_secret", "registration_access_token")}
    assert all(len(value) > 30 for value in secrets.values())
    assert found.pop("client_id_issued_at") > 1_700_000_000
    del found["registration_client_uri"]
    assert found == {
        "client_secret_expires_at": 0,
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "weather:read weather:write",
        "token_endpoint_auth_method": "client_secret_basic",
        "application_type": "web",
    }
    client = server_of(app).clients.load(secrets["client_id"])
    assert client is not None
    assert client.is_unchecked
    assert client.used_at is None
    assert not client.skip_consent


def test_what_nobody_knows_what_is_null_and_what_is_off_is_passed_over(make_app: MakeApp) -> None:
    http = open_app(make_app).test_client()
    found = registered(
        http,
        **NATIVE,
        client_name="Desk",
        client_uri=None,
        logo_uri="",
        tls_client_certificate_bound_access_tokens=True,
        nobody_knows={"a": [1]},
        **{"client_name#ja": "\u5929\u6c17", "client_uri#fr": 5},
        skip_consent=True,
        resource_server=True,
        plan="gold",
        attributes={"a": 1},
        access_token_lifetime=10**6,
        client_id="mine",
        client_secret="of my own choosing",
        grant_types=["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code", "implicit"],
        response_types=["code", "token"],
        scope="weather:read oauth:admin everything offline_access",
    )
    assert found["client_id"] != "mine"
    assert "client_secret" not in found
    assert "client_secret_expires_at" not in found
    shown = {"client_name", "redirect_uris", "grant_types", "response_types", "scope", "token_endpoint_auth_method"}
    of_it = {"client_id", "client_id_issued_at", "registration_access_token", "registration_client_uri"}
    assert found.keys() == shown | of_it | {"application_type"}
    assert found["grant_types"] == ["authorization_code", "refresh_token"]
    assert found["response_types"] == ["code"]
    assert found["scope"] == "weather:read"


def test_every_bad_body_is_answered_in_json(make_app: MakeApp) -> None:
    http = open_app(make_app).test_client()
    for body, content_type in (
        (b"", "application/json"), (b"{", "application/json"), (b"[]", "application/json"), (b'"x"', "application/json"),
        (b"\xff\xfe", "application/json"), (b"[" * 50_000, "application/json"), (b"null", "application/json"),
        (b"redirect_uris=x", "application/x-www-form-urlencoded"), (b"{}", "text/plain"), (b"{}", ""),
    ):  # fmt: skip
        answer = http.post("/oauth/register", data=body, content_type=content_type, headers={"Accept": "text/html"})
        assert answer.mimetype == "application/json"
        refused(answer, "invalid_client_metadata")
    large = http.post("/oauth/register", data=b'{"a":"' + b"x" * 65536 + b'"}', content_type="application/json")
    refused(large, "invalid_client_metadata", 413)
    for name, value in (
        ("client_name", 5), ("client_name", ["a"]), ("redirect_uris", {"a": 1}), ("redirect_uris", CALLBACK),
        ("redirect_uris", [5]), ("grant_types", "authorization_code"), ("response_types", "code"), ("scope", ["a"]),
        ("contacts", "me@example.com"), ("jwks", "x"), ("token_endpoint_auth_method", 5), ("client_uri", 5),
        ("application_type", "desktop"), ("client_name", "a\0b"), ("client_name", "\ud800"),
    ):  # fmt: skip
        assert name in refused(register(http, **{**NATIVE, name: value}), "invalid_client_metadata")


def test_every_bad_redirect_uri_refuses_the_whole_and_is_named(make_app: MakeApp) -> None:
    http = open_app(make_app).test_client()
    refused(register(http), "invalid_redirect_uri")
    refused(register(http, redirect_uris=[]), "invalid_redirect_uri")
    for bad in (
        "", "*", "/callback", "app.example/callback", "javascript:alert(1)", "data:text/html,x", "http://app.example/cb",
        "https://app.example/cb#fragment", "https://*.app.example/cb", "https://app.example/*", "http://localhost:*/cb",
        "http://127.0.0.1.evil.example/cb", "vbscript:x", "https://app.example/\0", "unknown:/cb",
    ):  # fmt: skip
        why = refused(register(http, redirect_uris=[CALLBACK, bad]), "invalid_redirect_uri")
        assert bad[:40].replace("\0", "") in why
    assert "2048" in refused(register(http, redirect_uris=[f"{CALLBACK}/{'x' * 2049}"]), "invalid_redirect_uri")
    assert "user name" in refused(register(http, redirect_uris=["https://me@app.example/cb"]), "invalid_redirect_uri")
    many = [f"{CALLBACK}/{number}" for number in range(21)]
    refused(register(http, redirect_uris=many), "invalid_redirect_uri")
    registered(http, redirect_uris=many[:20])


def test_methods_keys_grants_and_response_types_that_do_not_fit_are_refused(make_app: MakeApp) -> None:
    http = open_app(make_app, OAUTH_GRANT_TYPES=["authorization_code", "implicit", "refresh_token"],
                    OAUTH_REGISTRATION_GRANT_TYPES=["authorization_code", "implicit", "refresh_token"]).test_client()  # fmt: skip
    keys, base = Signer().jwks(), {"redirect_uris": [CALLBACK]}
    private = {"keys": [{"kty": "oct", "k": "AAAA"}]}
    jwt = {**base, "token_endpoint_auth_method": "private_key_jwt"}
    for metadata in (
        {**base, "token_endpoint_auth_method": "magic"}, {**base, "token_endpoint_auth_method": "tls_client_auth"}, jwt,
        {**jwt, "jwks": keys, "jwks_uri": "https://app.example/jwks"}, {**jwt, "jwks": private},
        {**jwt, "jwks_uri": "http://app.example/jwks"}, {**base, "grant_types": ["magic"]},
        {**base, "grant_types": ["client_credentials"]}, {**base, "grant_types": ["refresh_token"]},
        {**base, "response_types": ["token"]}, {**base, "response_types": ["magic"]},
        {**base, "grant_types": ["authorization_code", "implicit"], "response_types": ["code"]},
        {**base, "scope": "oauth:admin"}, {**base, "scope": "magic more"},
    ):  # fmt: skip
        refused(register(http, **metadata), "invalid_client_metadata")
    assert registered(http, **jwt, jwks=keys)["jwks"] == keys
    elsewhere = make_app(**OPEN, TESTING=False, OAUTH_ISSUER="https://auth.example").test_client()
    for host in (
        "10.0.0.1",
        "[fd00::1]",
        "169.254.169.254",
        "127.0.0.1",
        "0x7f.1",
        "2130706433",
        "localhost",
        "[::ffff:10.0.0.1]",
    ):
        refused(register(elsewhere, **jwt, jwks_uri=f"https://{host}/jwks"), "invalid_client_metadata")
    registered(elsewhere, **jwt, jwks_uri="https://app.example/jwks")
    both = registered(http, **base, grant_types=["authorization_code", "implicit"], response_types=["code", "token"])
    assert both["response_types"] == ["code", "token"]


def test_a_script_of_any_origin_registers_and_reads_the_answer(make_app: MakeApp) -> None:
    """As the inspector does in a browser: nobody knows the client's origin yet, and no cookie has a part in it."""
    http, origin = open_app(make_app).test_client(), {"Origin": "http://localhost:6274"}
    found = http.post("/oauth/register", json=NATIVE, headers=origin)
    path = found.get_json()["registration_client_uri"].removeprefix("http://localhost")
    for response in (found, http.post("/oauth/register", json={}, headers=origin), http.get(path, headers=origin)):
        assert response.headers["Access-Control-Allow-Origin"] == origin["Origin"]
        assert "Access-Control-Allow-Credentials" not in response.headers
    preflight = http.options(path, headers=origin)
    assert preflight.status_code == 204
    assert {"PUT", "DELETE"} <= set(preflight.headers["Access-Control-Allow-Methods"].split(", "))
    named = open_app(make_app, OAUTH_CORS_ORIGINS=["https://app.example"]).test_client()
    assert "Access-Control-Allow-Origin" not in named.post("/oauth/register", json=NATIVE, headers=origin).headers
