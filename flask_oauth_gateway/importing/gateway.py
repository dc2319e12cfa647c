"""Writes and reads our own export (`flask oauth client export`): registrations and secrets' digests, never a plain secret.

A digest is a hash of 256 random bits (SHA-256), or one that is slow on purpose (argon2id, PBKDF2). The secret of a
client that signs with it is encrypted with the app's key: it needs the same `SECRET_KEY` or `OAUTH_KEY_ENCRYPTION_KEY`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ..clients.secrets import KnownSecret
from ..stores.registered_client import REGISTERED
from . import ApplicationEntry, Entry, Unreadable, listed, objects, parse_json, text

if TYPE_CHECKING:
    from ..config import Settings
    from ..stores.applications import Application
    from ..stores.registered_client import Client

FORMAT = 1


def export(clients: list[Client], applications: Iterable[Application]) -> dict[str, Any]:
    """All these clients and their applications, as a JSON object."""
    return {
        "format": FORMAT,
        "applications": [_described_application(each) for each in applications],
        "clients": [_described(client) for client in clients],
    }


def read(raw: bytes, settings: Settings) -> list[Entry]:
    """The entries of an export: one for each client."""
    found = parse_json(raw)
    if not isinstance(found, Mapping) or found.get("format") != FORMAT:
        raise Unreadable(f"This is no export of the gateway's of format {FORMAT}.")
    applications = {each.application_id: each for each in _applications(found)}
    return [_entry(number, each, applications) for number, each in enumerate(objects(found, "clients"), 1)]


def _described(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "enabled": client.switched_on,
        "owner": client.owner,
        "application": client.application,
        **{name: value for name in REGISTERED if (value := getattr(client, name))},
        "secrets": [
            {"hint": secret.hint, "digest": secret.digest, "expires_at": secret.expires_at} for secret in client.secrets
        ],
    }


def _described_application(application: Application) -> dict[str, Any]:
    return {each.name: getattr(application, each.name) for each in fields(ApplicationEntry)}


def _applications(found: Mapping[str, Any]) -> Iterator[ApplicationEntry]:
    for number, each in enumerate(listed(found, "applications", "The file"), 1):
        where = f"Application {number}"
        if not isinstance(each, Mapping):
            raise Unreadable(f"{where} is not an object.")
        yield ApplicationEntry(
            application_id=text(each, "application_id", where),
            name=text(each, "name", where),
            status=text(each, "status", where),
            owner=each.get("owner"),
            plan=each.get("plan"),
            attributes=each.get("attributes"),
        )


def _entry(number: int, each: Mapping[str, Any], applications: Mapping[str, ApplicationEntry]) -> Entry:
    client_id = text(each, "client_id", f"Entry {number}")
    application = each.get("application")
    if application is not None and not (isinstance(application, str) and application in applications):
        raise Unreadable(f"{client_id}: its application {str(application)[:80]!r} is not in the file.")
    notes, secrets = [], []
    for secret in listed(each, "secrets", client_id):
        if not isinstance(secret, Mapping):
            raise Unreadable(f"{client_id}: a secret is not an object.")
        expires_at = secret.get("expires_at")
        if expires_at is not None and (not isinstance(expires_at, int) or expires_at <= time.time()):
            notes.append("a secret that has expired is left out")
            continue
        digest = text(secret, "digest", f"{client_id}: a secret")
        secrets.append(KnownSecret(digest=digest, hint=str(secret.get("hint", "")), expires_at=expires_at))
    return Entry(
        where=client_id,
        client_id=client_id,
        metadata={name: value for name, value in each.items() if name in REGISTERED},
        secrets=tuple(secrets),
        enabled=each.get("enabled") is not False,
        owner=each.get("owner"),
        application=None if application is None else applications[application],
        notes=notes,
    )
