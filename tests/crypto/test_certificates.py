"""A certificate or key of a kind that nobody can use here is an error that says so, wherever it is given: never a traceback."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_oauth_gateway.clients.members import ClientMetadataError
from flask_oauth_gateway.config.checks import ConfigurationError
from tests.support.app import build_app, gateway_of, register, server_of
from tests.support.idp import Idp, encode
from tests.support.odd_certificates import bare, odd_certificates, odd_private_keys, odd_public_keys
from tests.support.signing import Signer

CERTIFICATES = odd_certificates()
PUBLIC_KEYS = odd_public_keys()
EVERY_KEY = {**CERTIFICATES, **{f"key: {name}": pem for name, pem in PUBLIC_KEYS.items()}}
IDP = Idp()
GRANTS = ["urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:saml2-bearer"]
ENTITY = "https://idp.example"


def start(**config: Any) -> None:
    build_app(OAUTH_DATABASE_URI="sqlite://", OAUTH_ISSUER="https://as.example", **config)


def metadata(pem: str) -> str:
    return (
        f'<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{ENTITY}"><IDPSSODescriptor>'
        '<KeyDescriptor><KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data>'
        f"<X509Certificate>{bare(pem)}</X509Certificate>"
        "</X509Data></KeyInfo></KeyDescriptor></IDPSSODescriptor></EntityDescriptor>"
    )


def refused(**config: Any) -> None:
    """An app with this configuration can't be made, and the error is one short line."""
    with pytest.raises(ConfigurationError) as error:
        start(**config)
    assert len(str(error.value)) < 600
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("odd", EVERY_KEY)
def test_at_start_up_it_is_a_configuration_error(odd: str) -> None:
    pem = EVERY_KEY[odd]
    entry = {"key": pem, "audience": "api"}
    refused(OAUTH_TRUSTED_TOKEN_ISSUERS={ENTITY: entry})
    issuers = {ENTITY: {"key": pem, "client_id": "c"}}
    refused(OAUTH_GRANT_TYPES=["jwt_bearer"], OAUTH_JWT_ISSUERS=issuers)


@pytest.mark.parametrize("odd", CERTIFICATES)
@pytest.mark.parametrize("place", ["certificates", "metadata"])
def test_in_saml_settings_it_is_a_configuration_error(odd: str, place: str) -> None:
    pem = CERTIFICATES[odd]
    issuers = {ENTITY: {place: metadata(pem) if place == "metadata" else pem, "client_id": "c"}}
    usable = odd in ("secp256k1", "RSA of 1024 bits")  # signxml can verify by these
    (start if usable else refused)(OAUTH_GRANT_TYPES=["saml2_bearer"], OAUTH_SAML_ISSUERS=issuers)


@pytest.mark.parametrize("odd", odd_private_keys())
def test_an_odd_decryption_key_is_a_configuration_error(odd: str) -> None:
    entry = {"certificates": Signer("RS256").certificate(), "decryption_key": odd_private_keys()[odd]}
    refused(OAUTH_GRANT_TYPES=["saml2_bearer"], OAUTH_SAML_ISSUERS={ENTITY: entry})


@pytest.mark.parametrize("odd", EVERY_KEY)
def test_a_registration_with_it_is_refused(app: Flask, odd: str, tmp_path: Path) -> None:
    with pytest.raises(ClientMetadataError, match=r"^certificate "):
        register(app, certificate=EVERY_KEY[odd])
    file = tmp_path / "client.pem"
    file.write_bytes(EVERY_KEY[odd].encode(errors="surrogateescape") if odd != "no text" else b"\xff")
    result = app.test_cli_runner().invoke(
        args=["oauth", "client", "create", "One", "--grant", "client_credentials", "--certificate", str(file)]
    )
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    exported = tmp_path / "clients.json"
    exported.write_text(json.dumps({"format": 1, "clients": [{"client_id": "one", "certificate": EVERY_KEY[odd]}]}))
    result = app.test_cli_runner().invoke(args=["oauth", "client", "import", str(exported)])
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert "one is refused: certificate " in result.stderr


@pytest.mark.parametrize("odd", [odd for odd in CERTIFICATES if odd != "no text"])  # which no database stores
def test_a_client_that_was_stored_with_it_is_in_nobody_s_way(make_app: Callable[..., Flask], odd: str) -> None:
    app = make_app(OAUTH_GRANT_TYPES=GRANTS, OAUTH_ISSUER="https://as.example")
    server = server_of(app)
    values = {"grant_types": GRANTS, "scope": "weather:read", "certificate": CERTIFICATES[odd]}
    server.clients.add("old", values, [])
    claims = {"iss": "old", "sub": "old", "aud": "https://as.example", "exp": int(time.time()) + 60, "jti": "1"}
    assertions = (Signer("RS256").sign(claims), encode(IDP.signed(issuer="old")))
    for grant_type, assertion in zip(GRANTS, assertions, strict=True):
        answer = app.test_client().post("/oauth/token", data={"grant_type": grant_type, "assertion": assertion})
        assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_grant")
    for command in (["issuer", "list"], ["doctor"], ["client", "show", "old"]):
        result = app.test_cli_runner().invoke(args=["oauth", *command])
        assert result.exception is None or isinstance(result.exception, SystemExit), (command, result.exception)
    assert gateway_of(app).clients.get("old") is not None
