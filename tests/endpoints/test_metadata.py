"""GET /.well-known/oauth-authorization-server: clients configure themselves (RFC 8414)."""

from pathlib import Path
from typing import Any

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from flask import Flask

from tests.support.app import build_app, close_app, refusal

WELL_KNOWN = "/.well-known/oauth-authorization-server"
ISSUER = "https://auth.example.com"


@pytest.fixture
def app_with(tmp_path: Path) -> Any:
    made: list[Flask] = []

    def app_with(**config: Any) -> Flask:
        made.append(build_app(instance_path=str(tmp_path), **config))
        return made[-1]

    yield app_with
    for app in made:
        close_app(app)


def read(app: Flask, path: str = WELL_KNOWN, **how: Any) -> dict[str, Any]:
    response = app.test_client().get(path, **how)
    assert response.status_code == 200, response.text
    document: dict[str, Any] = response.get_json()
    return document


def test_it_names_the_endpoints_on_the_issuers_host(app_with: Any) -> None:
    document = read(app_with(OAUTH_ISSUER=ISSUER))
    assert document["issuer"] == ISSUER
    assert document["token_endpoint"] == f"{ISSUER}/oauth/token"
    assert document["authorization_endpoint"] == f"{ISSUER}/oauth/authorize"
    assert document["revocation_endpoint"] == f"{ISSUER}/oauth/revoke"
    assert document["introspection_endpoint"] == f"{ISSUER}/oauth/introspect"
    assert document["jwks_uri"] == f"{ISSUER}/oauth/jwks"
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["introspection_signing_alg_values_supported"] == ["ES256"]
    assert document["authorization_response_iss_parameter_supported"] is True


def test_authlib_finds_nothing_wrong_with_it(app_with: Any) -> None:
    AuthorizationServerMetadata(read(app_with(OAUTH_ISSUER=ISSUER))).validate()
    every_grant = ["authorization_code", "client_credentials", "refresh_token", "implicit", "device_code", "jwt_bearer"]
    document = read(app_with(OAUTH_ISSUER=ISSUER, OAUTH_GRANT_TYPES=every_grant))
    AuthorizationServerMetadata(document).validate()
    assert document["response_types_supported"] == ["code", "token"]
    assert document["device_authorization_endpoint"] == f"{ISSUER}/oauth/device_authorization"


def test_what_is_off_is_not_advertised(app_with: Any) -> None:
    document = read(
        app_with(
            OAUTH_ISSUER=ISSUER,
            OAUTH_GRANT_TYPES=["client_credentials"],
            OAUTH_CLIENT_AUTH_METHODS=["client_secret_basic"],
            SECRET_KEY=None,
        )
    )
    assert document["grant_types_supported"] == ["client_credentials"]
    assert document["token_endpoint_auth_methods_supported"] == ["client_secret_basic"]
    assert document["response_types_supported"] == []
    off = {
        "authorization_endpoint", "device_authorization_endpoint", "code_challenge_methods_supported",
        "token_endpoint_auth_signing_alg_values_supported", "registration_endpoint",
        "introspection_signing_alg_values_supported",
    }  # fmt: skip
    assert off.isdisjoint(document)


def test_everything_that_is_advertised_answers(app_with: Any) -> None:
    app = app_with()
    for member, url in read(app).items():
        if member.endswith("_endpoint"):
            assert app.test_client().post(url).status_code != 404, member


def test_an_issuer_with_a_path_has_it_behind_the_well_known_part(app_with: Any) -> None:
    app = app_with(OAUTH_ISSUER=f"{ISSUER}/tenant/one")
    assert read(app, f"{WELL_KNOWN}/tenant/one")["issuer"] == f"{ISSUER}/tenant/one"
    assert app.test_client().get(WELL_KNOWN).status_code == 404


def test_the_host_header_never_decides_who_the_server_is(app_with: Any) -> None:
    document = read(app_with(OAUTH_ISSUER=ISSUER), headers={"Host": "evil.example"})
    assert document["issuer"] == ISSUER
    assert "evil" not in str(document)
    nameless = app_with(TESTING=False)
    response = nameless.test_client().get(WELL_KNOWN, headers={"Host": "evil.example"})
    why = refusal(response, 503, "server_error")
    assert "OAUTH_ISSUER" in why
    assert "OAUTH_ALLOW_HTTP" in why


def test_it_may_be_kept_for_a_while_and_read_by_any_script(app_with: Any) -> None:
    client = app_with(OAUTH_ISSUER=ISSUER).test_client()
    first = client.get(WELL_KNOWN)
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    assert "max-age" in first.headers["Cache-Control"]
    assert client.get(WELL_KNOWN, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
