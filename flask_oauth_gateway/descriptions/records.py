"""Describes clients, applications, tokens and keys as JSON, for command line and management API, without any secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..stores.applications import Application
from ..stores.registered_client import REGISTERED, Client

if TYPE_CHECKING:
    from sqlalchemy.engine import Row

    from ..authorization.encryption_keys import EncryptionKey
    from ..authorization_server import AuthorizationServer
    from ..tokens.access_token import AccessToken
    from ..tokens.signing_key import SigningKey


def describe_client(client: Client) -> dict[str, Any]:
    """A client, with the hints and times of its secrets, never their digests."""
    return {
        "client_id": client.client_id,
        "enabled": client.enabled,
        "switched_on": client.switched_on,
        "verified": client.verified,
        "application": client.application,
        "owner": client.owner,
        "origin": client.origin,
        "used_at": client.used_at,
        "created_at": client.created_at,
        "updated_at": client.updated_at,
        **{name: getattr(client, name) for name in REGISTERED},
        "secrets": [
            {"hint": s.hint, "created_at": s.created_at, "expires_at": s.expires_at, "last_used_at": s.last_used_at}
            for s in client.secrets
        ],
    }


def describe_application(application: Application) -> dict[str, Any]:
    """An application, with all its values."""
    return {
        "application_id": application.application_id,
        "name": application.name,
        "owner": application.owner,
        "status": application.status,
        "plan": application.plan,
        "attributes": dict(application.attributes),
        "created_at": application.created_at,
        "updated_at": application.updated_at,
    }


#: What a token may be bound to, by the member of its `cnf`.
BINDINGS = {"jkt": "DPoP", "x5t#S256": "mTLS"}


def bindings_in(claims: Mapping[str, Any] | None) -> list[str]:
    """What is bound, of a token's or an approval's claims, by short names."""
    found = (claims or {}).get("cnf") or {}
    return [name for member, name in BINDINGS.items() if member in found]


def describe_token(token: AccessToken) -> dict[str, Any]:
    """A token's values, without the token itself."""
    return {
        "token_id": token.token_id,
        "status": token.refusal or "live",
        "client_id": token.client_id,
        "subject": token.subject,
        "scope": token.scope,
        "audience": list(token.audience),
        "grant_type": token.grant_type,
        "issued_at": token.iat,
        "expires_at": token.exp,
        "attributes": dict(token.attributes),
        "cnf": dict(token.confirmation) or None,
        "authorization_details": token.authorization_details,
    }


def describe_keys(server: AuthorizationServer) -> list[dict[str, Any]]:
    """The server's keys, the oldest first: those that sign, and those to which requests are encrypted where that is on."""
    keys: list[SigningKey | EncryptionKey] = [*server.key_ring.all()]
    if server.settings.request_encryption:
        keys += server.encryption_keys.all()
    return [describe_key(each) for each in keys]


def describe_key(signing: SigningKey | EncryptionKey) -> dict[str, Any]:
    """A key, without its private half."""
    return {
        "kid": signing.kid,
        "algorithm": signing.algorithm,
        "generation": signing.generation,
        "created_at": signing.created_at,
        "active_from": signing.active_from,
        "retired_at": signing.retired_at,
        "public": signing.public,
    }


SESSION = ("sid", "client_id", "subject", "began_at", "expires_at")


def describe_session(row: Row[Any]) -> dict[str, Any]:
    """A user's session at a client."""
    return {name: getattr(row, name) for name in SESSION}


ENTRY = ("id", "at", "event", "outcome", "client_id", "subject", "actor", "address", "details")


def describe_entry(row: Row[Any]) -> dict[str, Any]:
    """An entry of the audit trail."""
    return {name: getattr(row, name) for name in ENTRY}
