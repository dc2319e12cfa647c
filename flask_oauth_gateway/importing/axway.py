"""Reads Axway's applications in JSON, as API Manager's REST interface and its command line tool export them.

An application has any number of OAuth credentials, and each becomes a client. API keys are ignored.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..clients.secrets import KnownSecret
from . import Entry, Unreadable, listed, objects, parse_json, text

if TYPE_CHECKING:
    from ..config import Settings

CERTIFICATE_GRANTS = ("urn:ietf:params:oauth:grant-type:jwt-bearer", "urn:ietf:params:oauth:grant-type:saml2-bearer")


def read(raw: bytes, settings: Settings) -> list[Entry]:
    """The entries of an export: one for each OAuth credential of each application."""
    entries: list[Entry] = []
    for number, application in enumerate(objects(parse_json(raw), "applications"), 1):
        entries += _credentials(text(application, "name", f"Application {number}"), application)
    return entries


def _credentials(name: str, application: Mapping[str, Any]) -> Iterator[Entry]:
    where = f"application {name!r}"
    scopes = _scopes(application, where)
    credentials = listed(application, "credentials", where) + listed(application, "oauth", where)
    for number, credential in enumerate(credentials, 1):
        if not isinstance(credential, Mapping):
            raise Unreadable(f"{where}: credential {number} is not an object.")
        if credential.get("credentialType", "oauth") != "oauth":
            continue
        place = f"{where}, credential {number}"
        client_id = credential.get("clientId") or text(credential, "id", place)
        public = str(credential.get("type", "confidential")).lower() == "public"
        redirect_uris = [uri for uri in listed(credential, "redirectUrls", place) if uri]
        secret, certificate = credential.get("secret"), credential.get("cert") or None
        notes = []
        if application.get("enabled") is False or credential.get("enabled") is False:
            notes.append("it is disabled")
        if application.get("state", "approved") != "approved":
            notes.append(f"its state is {application['state']}")
        grants = ["authorization_code", "refresh_token"] if redirect_uris else []
        grants += [] if public else ["client_credentials"]
        grants += CERTIFICATE_GRANTS if certificate else ()
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
            enabled=not notes,
            notes=[*notes, *(["a public client: its secret is left out"] if public and secret else [])],
            says_grants=False,
        )


def _scopes(application: Mapping[str, Any], where: str) -> dict[str, bool]:
    """An application's scopes, each with whether it is a default scope."""
    found = {}
    for name in ("appScopes", "oauthresource", "scopes"):
        for each in listed(application, name, where):
            if isinstance(each, str):
                found[each] = False
            elif isinstance(each, Mapping) and each.get("enabled") is not False:
                found[text(each, "scope", f"{where}: a scope")] = bool(
                    each.get("isDefault") or each.get("defaultScope")
                )
    return found
