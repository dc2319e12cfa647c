"""Reads Axway's applications in JSON, as API Manager's REST interface and its command line tool export them.

An application has any number of OAuth credentials, and each becomes a client. API keys are ignored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..clients.secrets import KnownSecret
from ..errors import shown
from . import Entry, Outcome, listed, objects, parse_json, read_each, text

if TYPE_CHECKING:
    from ..config import Settings

CERTIFICATE_GRANTS = ("urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:saml2-bearer")
FILE_NAME = re.compile(r"[\w.-]{1,100}\.(crt|cer|pem|der)")  # as the command line tool writes `cert`


def read(raw: bytes, settings: Settings) -> list[Entry | Outcome]:
    """The entries of an export: one for each OAuth credential of each application."""
    return list(read_each(objects(parse_json(raw), "applications"), "application", _credentials))


def _credentials(number: int, application: Mapping[str, Any]) -> Iterator[Entry | Outcome]:
    name = text(application, "name")
    where = f"application {shown(name)}"
    scopes = _scopes(application)

    def credential_of(number: int, credential: Mapping[str, Any]) -> Iterator[Entry]:
        if credential.get("credentialType", "oauth") != "oauth":
            return
        client_id = credential.get("clientId") or text(credential, "id")
        public = str(credential.get("type", "confidential")).lower() == "public"
        redirect_uris = [uri for uri in listed(credential, "redirectUrls") if uri]
        secret, certificate = credential.get("secret"), credential.get("cert") or None
        notes = []
        if application.get("enabled") is False or credential.get("enabled") is False:
            notes.append("it is disabled")
        if application.get("state", "approved") != "approved":
            notes.append(f"its state is {str(application['state'])[:40]}")
        grants = ["authorization_code", "refresh_token"] if redirect_uris else []
        grants += [] if public else ["client_credentials"]
        grants += CERTIFICATE_GRANTS if certificate else ()
        enabled = not notes
        if isinstance(certificate, str) and FILE_NAME.fullmatch(certificate):
            notes.append(f"its certificate is in the file {certificate}: give it with client update --certificate")
            certificate = None
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
