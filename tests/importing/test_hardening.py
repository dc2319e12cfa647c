"""Pushed and signed requests and bound tokens come over from other registries, as far as they are on here."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.support.databases import sqlite_only
from tests.support.exports import auth0_client, hydra_row, keycloak_client
from tests.support.hardening import ALL_ON
from tests.support.importing import IMPORT_SCOPES, clients
from tests.support.signing import Signer

Bring = Callable[..., Any]
SECRET = "long enough for a secret"
CALLBACK = "https://a.example/cb"
SIGNER = Signer()
ATTRIBUTES = {
    "pkce.code.challenge.method": "S256",
    "require.pushed.authorization.requests": "true",
    "dpop.bound.access.tokens": "true",
    "tls.client.certificate.bound.access.tokens": "true",
    "request.object.signature.alg": "ES256",
    "request.object.required": "request only",
    "request.uris": "https://a.example/r1##https://a.example/r2",
    "authorization.signed.response.alg": "PS256",
    "default.acr.values": "gold##silver",
    "minimum.acr.value": "silver",
    "use.jwks.string": "true",
    "jwks.string": json.dumps(SIGNER.jwks()),
}
SAID = {
    "require_pkce": True,
    "require_pushed_authorization_requests": True,
    "dpop_bound_access_tokens": True,
    "tls_client_certificate_bound_access_tokens": True,
    "request_object_signing_alg": "ES256",
    "require_signed_request_object": True,
    "request_uris": ["https://a.example/r1", "https://a.example/r2"],
    "authorization_signed_response_alg": "PS256",
    "default_acr_values": ["gold", "silver"],
}


def keycloak(**attributes: Any) -> list[Any]:
    row = keycloak_client("c", secret=SECRET, standardFlowEnabled=True, redirectUris=[CALLBACK])
    return [row | {"attributes": attributes}]


@pytest.fixture
def app(make_app: Callable[..., Flask], request: pytest.FixtureRequest) -> Flask:
    return make_app(OAUTH_SCOPES=IMPORT_SCOPES, **getattr(request, "param", {"OAUTH_OIDC": True, **ALL_ON}))


@sqlite_only
def test_keycloak_s_attributes(app: Flask, bring: Bring) -> None:
    said = bring("keycloak", keycloak(**ATTRIBUTES))["c"]
    assert said["what"] == "new"
    assert said["notes"] == ["without its minimum.acr.value"]
    client = clients(app).get("c")
    assert {name: getattr(client, name) for name in SAID} == SAID
    assert client.jwks == SIGNER.jwks()


@sqlite_only
@pytest.mark.parametrize("app", [{}], indirect=True)
def test_what_is_off_here_is_named(app: Flask, bring: Bring) -> None:
    said = bring("keycloak", keycloak(**ATTRIBUTES))["c"]
    assert said["what"] == "new"
    for name in SAID.keys() - {"require_pkce"}:
        assert f"without its {name}" in said["notes"]
    assert clients(app).get("c").require_pkce is True, "which counts without OpenID Connect"


@sqlite_only
def test_keycloak_s_words_for_nothing_say_nothing(app: Flask, bring: Bring) -> None:
    nothing = {
        "request.object.signature.alg": "any", "request.object.required": "not required", "request.uris": "",
        "dpop.bound.access.tokens": "false", "require.pushed.authorization.requests": "false",
        "tls.client.certificate.bound.access.tokens": "false", "x509.subjectdn": "CN=other",
        "x509.allow.regex.pattern.comparison": "true",
    }  # fmt: skip
    assert bring("keycloak", keycloak(**nothing))["c"]["notes"] == []
    client = clients(app).get("c")
    assert not any(getattr(client, name) for name in SAID)
    assert client.tls_client_auth_subject_dn is None


@sqlite_only
def test_a_client_without_keys_is_not_held_to_signatures(app: Flask, bring: Bring) -> None:
    signs = {"request.object.signature.alg": "ES256", "request.object.required": "request or request_uri"}
    said = bring("keycloak", keycloak(**signs))["c"]
    assert said["what"] == "new"
    assert said["notes"] == ["without its request_object_signing_alg", "without its require_signed_request_object"]


@sqlite_only
def test_a_subject_that_is_a_pattern_is_refused(app: Flask, bring: Bring) -> None:
    pattern = {"x509.subjectdn": ".*CN=bank.*", "x509.allow.regex.pattern.comparison": "true"}
    rows = [row | {"clientAuthenticatorType": "client-x509"} for row in keycloak(**pattern)]
    assert "its certificate's subject is a pattern there" in bring("keycloak", rows, fails=True)


@sqlite_only
def test_hydra_s_and_auth0_s(app: Flask, bring: Bring) -> None:
    row = hydra_row("h", SECRET, redirect_uris=[CALLBACK], grant_types=["authorization_code"], jwks=SIGNER.jwks(),
                    request_uris=["https://a.example/r"], request_object_signing_alg="ES256")  # fmt: skip
    assert bring("hydra", [row])["h"]["what"] == "new"
    client = clients(app).get("h")
    assert (client.request_uris, client.request_object_signing_alg) == (["https://a.example/r"], "ES256")
    row = auth0_client("a", callbacks=[CALLBACK], require_pushed_authorization_requests=True,
                       require_proof_of_possession=True, signed_request_object={"required": True})  # fmt: skip
    said = bring("auth0", [row])["a"]
    assert said["what"] == "new"
    assert "without its require_signed_request_object" in said["notes"], "the list has no keys"
    client = clients(app).get("a")
    assert (client.require_pushed_authorization_requests, client.dpop_bound_access_tokens) == (True, True)


@sqlite_only
@pytest.mark.parametrize(
    "app", [{**ALL_ON, "OAUTH_CLIENT_AUTH_METHODS": ["client_secret_basic", "tls_client_auth"]}], indirect=True
)
def test_a_client_with_a_certificate_keeps_its_subject(app: Flask, bring: Bring) -> None:
    subject = "CN=bank,O=Bank AG,C=DE"
    rows = [row | {"clientAuthenticatorType": "client-x509"} for row in keycloak(**{"x509.subjectdn": subject})]
    assert bring("keycloak", rows)["c"]["what"] == "new"
    client = clients(app).get("c")
    assert (client.token_endpoint_auth_method, client.tls_client_auth_subject_dn) == ("tls_client_auth", subject)
