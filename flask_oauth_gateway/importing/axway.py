"""Reads Axway's applications in JSON, as API Manager's REST interface and its command line tool export them.

An application has any number of OAuth credentials, and each becomes a client. API keys are ignored. The command line tool
writes a folder for each application, with the certificate of its OAuth credential in a file of its own; with its output to
the console, the certificate is a `data:` URL instead.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..clients.secrets import KnownSecret
from ..errors import shown
from . import Entry, Outcome, Unreadable
from .rows import listed, objects, parse_json, read_each, text

if TYPE_CHECKING:
    from pathlib import Path

    from ..config import Settings

CERTIFICATE_GRANTS = ("urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:saml2-bearer")
FILE_NAME = re.compile(r"[\w. -]{1,200}\.(crt|cer|pem|der)", re.IGNORECASE)  # beside the export, never elsewhere
MAX_CERTIFICATE = 65536  # bytes


def read(file: Path, settings: Settings) -> list[Entry | Outcome]:
    """The entries of an export: one for each OAuth credential of each application."""

    def credentials(number: int, application: Mapping[str, Any]) -> Iterator[Entry | Outcome]:
        return _credentials(application, file.parent)

    return list(read_each(objects(parse_json(file), "applications"), "application", credentials))


def _credentials(application: Mapping[str, Any], folder: Path) -> Iterator[Entry | Outcome]:
    name = text(application, "name")
    where = f"application {shown(name)}"
    scopes = _scopes(application)

    def credential_of(number: int, credential: Mapping[str, Any]) -> Iterator[Entry]:
        if credential.get("credentialType", "oauth") != "oauth":
            return
        client_id = credential.get("clientId") or text(credential, "id")
        public = str(credential.get("type", "confidential")).lower() == "public"
        redirect_uris = [uri for uri in listed(credential, "redirectUrls") if uri]
        secret = credential.get("secret")
        notes: list[str] = []
        if application.get("enabled") is False or credential.get("enabled") is False:
            notes.append("it is disabled")
        if application.get("state", "approved") != "approved":
            notes.append(f"its state is {str(application['state'])[:40]}")
        grants = ["authorization_code", "refresh_token"] if redirect_uris else []
        grants += [] if public else ["client_credentials"]
        grants += CERTIFICATE_GRANTS if credential.get("cert") else ()
        enabled = not notes
        certificate, missing = _certificate(credential.get("cert") or None, folder)
        notes += missing
        if public and secret:
            notes.append("a public client: its secret is left out")
        yield Entry(
            where=f"{where}, client {client_id}",
            client_id=str(client_id),
            metadata={
                "client_name": name,
                "redirect_uris": redirect_uris,
                "grant_types": grants,
                "token_endpoint_auth_method": "none" if public else None,
                "scope": list(scopes),
                "default_scope": [scope for scope, default in scopes.items() if default],
                "contacts": [application["email"]] if application.get("email") else [],
                "certificate": certificate,
            },
            secrets=() if public or not secret else (KnownSecret(plain=secret),),
            enabled=enabled,
            notes=notes,
            says_grants=False,
        )

    credentials = listed(application, "credentials") + listed(application, "oauth")
    yield from read_each(credentials, f"{where}, credential", credential_of)


def _certificate(given: Any, folder: Path) -> tuple[Any, list[str]]:
    """A credential's certificate as PEM, from the file beside the export that `cert` names, and a note where that isn't there.

    Raises `Unreadable`.
    """
    if not isinstance(given, str):
        return given, []
    if given.startswith("data:"):
        data = given.partition(",")[2]
        return (data, []) if "-----BEGIN" in data else (_pem(b64decode(data)), [])
    if not FILE_NAME.fullmatch(given):
        return given, []
    try:
        with (folder / given).open("rb") as opened:
            return _pem(opened.read(MAX_CERTIFICATE + 1)), []
    except OSError:
        where = f"its certificate is in the file {given}, which is not beside the export"
        return None, [f"{where}: give it with client update --certificate"]


def _pem(raw: bytes) -> str:
    """A certificate as PEM, which it may be already. Raises `Unreadable`."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    from ..crypto.certificates import UNREADABLE

    try:
        if b"-----BEGIN" in raw:
            return raw.decode()
        return x509.load_der_x509_certificate(raw).public_bytes(Encoding.PEM).decode()
    except UNREADABLE:
        raise Unreadable("its certificate can't be read: it is neither PEM nor DER.") from None


def _scopes(application: Mapping[str, Any]) -> dict[str, bool]:
    """An application's scopes, each with whether it is a default scope."""
    found = {}
    for name in ("appScopes", "oauthresource", "scopes"):
        for each in listed(application, name):
            if isinstance(each, str):
                found[each] = False
            elif isinstance(each, Mapping) and each.get("enabled") is not False:
                found[text(each, "scope")] = bool(each.get("isDefault") or each.get("defaultScope"))
    return found
