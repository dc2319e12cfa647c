"""`--from axway` of what Axway's command line tool writes: a folder for each application, its certificate in a file beside."""

import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.support.databases import sqlite_only
from tests.support.importing import clients, works
from tests.support.signing import Signer

Bring = Callable[..., Any]
SECRET = "9cb76d80-1bc2-48d3-8d31-edeec0fddf6c"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SAML2_BEARER = "urn:ietf:params:oauth:grant-type:saml2-bearer"


def application(cert: str) -> dict[str, Any]:
    """As `apim app get -o json` writes it."""
    return {
        "name": "Complete application",
        "organization": "API Development",
        "description": "Sample Client Application",
        "state": "approved",
        "image": "app-image.jpg",
        "email": "sample@sampleapp.com",
        "credentials": [
            {
                "credentialType": "oauth",
                "enabled": True,
                "secret": SECRET,
                "corsOrigins": [],
                "cert": cert,
                "type": "confidential",
                "redirectUrls": ["https://localhost:8088/client/apigateway/callback"],
                "clientId": "ClientConfidentialApp",
            },
            {
                "credentialType": "apikeys",
                "enabled": True,
                "secret": SECRET,
                "corsOrigins": ["*"],
                "apiKey": "6cd55c27",
            },
        ],
        "appQuota": {"restrictions": [{"api": "*", "method": "*", "type": "throttle", "config": {"messages": "9999"}}]},
        "appScopes": [{"scope": "READ", "isDefault": True}],
        "customProperties": {"publicApp": True},
    }


@sqlite_only
@pytest.mark.parametrize("name", ["app-oauth-cert.crt", "Certificate of the app.CER"])
def test_the_certificate_is_read_from_the_file_beside_the_export(
    app: Flask, bring: Bring, tmp_path: Path, name: str
) -> None:
    pem = Signer("RS256").certificate()
    tmp_path.joinpath(name).write_text(pem)
    said = bring("axway", application(name))["ClientConfidentialApp"]
    off = f"{JWT_BEARER} and {SAML2_BEARER} are not in OAUTH_GRANT_TYPES: off until added there."
    assert (said["what"], said["notes"]) == ("new", [off])
    client = clients(app).get("ClientConfidentialApp")
    assert client.certificate == pem
    assert JWT_BEARER in client.grant_types
    assert works(app, "ClientConfidentialApp", SECRET)
    assert bring("axway", application(name))["ClientConfidentialApp"]["what"] == "there"


@sqlite_only
def test_a_certificate_in_der_or_in_a_data_url_is_as_good(app: Flask, bring: Bring, tmp_path: Path) -> None:
    pem = Signer("RS256").certificate()
    der = b64decode("".join(pem.splitlines()[1:-1]))
    tmp_path.joinpath("app-oauth-cert.crt").write_bytes(der)
    head = "data:application/x-pem-file;base64,"
    for cert in ("app-oauth-cert.crt", head + pem, head + b64encode(pem.encode()).decode()):
        bring("axway", application(cert))
        assert clients(app).get("ClientConfidentialApp").certificate == pem
        clients(app).delete("ClientConfidentialApp")


@sqlite_only
def test_a_file_that_is_not_there_is_noted_and_the_client_comes_without(app: Flask, bring: Bring) -> None:
    said = bring("axway", application("app-oauth-cert.crt"))["ClientConfidentialApp"]
    assert said["what"] == "new"
    assert "its certificate is in the file app-oauth-cert.crt, which is not beside the export" in said["notes"][0]
    assert clients(app).get("ClientConfidentialApp").certificate is None


@sqlite_only
@pytest.mark.parametrize("content", [b"no certificate", b"\0" * 100_000, Signer("RS256").private_pem().encode()])
def test_a_file_that_is_no_certificate_refuses_the_client(
    app: Flask, bring: Bring, tmp_path: Path, content: bytes
) -> None:
    tmp_path.joinpath("app-oauth-cert.crt").write_bytes(content)
    line = bring("axway", application("app-oauth-cert.crt"), fails=True)
    assert "certificate can't be " in line
    assert "PRIVATE KEY" not in line
    assert clients(app).list() == []


@sqlite_only
def test_no_file_elsewhere_is_read(app: Flask, bring: Bring, tmp_path: Path) -> None:
    tmp_path.parent.joinpath("elsewhere.crt").write_text(Signer("RS256").certificate())
    for name in ("../elsewhere.crt", str(tmp_path.parent / "elsewhere.crt"), "..\\elsewhere.crt"):
        assert "certificate can't be used" in bring("axway", application(name), fails=True)


@sqlite_only
def test_the_folders_of_several_applications_are_imported_one_by_one(app: Flask, tmp_path: Path) -> None:
    pems = {}
    for name in ("One", "Two"):
        folder = tmp_path / name
        folder.mkdir()
        pems[name] = Signer("ES256").certificate()
        folder.joinpath("app-oauth-cert.crt").write_text(pems[name])
        exported = application("app-oauth-cert.crt")
        exported["credentials"][0]["clientId"] = name
        folder.joinpath("application-config.json").write_text(json.dumps(exported))
        arguments = ["oauth", "client", "import", str(folder / "application-config.json"), "--from", "axway"]
        assert app.test_cli_runner().invoke(args=arguments).exit_code == 0
    assert {each.client_id: each.certificate for each in clients(app).list()} == pems
