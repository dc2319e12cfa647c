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
from ..errors import shown
from ..stores.registered_client import DEFAULTS, DOCUMENT, ORIGINS, REGISTERED
from . import ApplicationEntry, Entry, Outcome, Unreadable
from .rows import listed, objects, parse_json, read_each, text, whole_number

if TYPE_CHECKING:
    from pathlib import Path

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


def read(file: Path, settings: Settings) -> list[Entry | Outcome]:
    """The entries of an export: one for each client."""
    found = parse_json(file)
    if not isinstance(found, Mapping) or found.get("format") != FORMAT:
        raise Unreadable(f"This is no export of the gateway's of format {FORMAT}.")
    applications = {each.get("application_id"): each for each in listed(found, "applications") if _is_named(each)}

    def client(number: int, each: Mapping[str, Any]) -> Iterator[Entry]:
        yield _entry(each, applications)

    return list(read_each(objects(found, "clients"), "entry", client))


def _described(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.client_id,
        "enabled": client.switched_on,
        "owner": client.owner,
        "application": client.application,
        "origin": client.origin,
        **{name: value for name, default in DEFAULTS.items() if (value := getattr(client, name)) != default},
        "secrets": [
            {"hint": secret.hint, "digest": secret.digest, "expires_at": secret.expires_at} for secret in client.secrets
        ],
    }


def _described_application(application: Application) -> dict[str, Any]:
    return {each.name: getattr(application, each.name) for each in fields(ApplicationEntry)}


def _is_named(application: Any) -> bool:
    return isinstance(application, Mapping) and isinstance(application.get("application_id"), str)


def _application(each: Mapping[str, Any]) -> ApplicationEntry:
    return ApplicationEntry(
        application_id=text(each, "application_id"),
        name=text(each, "name"),
        status=text(each, "status"),
        owner=each.get("owner"),
        plan=each.get("plan"),
        attributes=each.get("attributes"),
    )


def _entry(each: Mapping[str, Any], applications: Mapping[str, Mapping[str, Any]]) -> Entry:
    client_id = text(each, "client_id")
    application = each.get("application")
    if application is not None and not (isinstance(application, str) and application in applications):
        raise Unreadable(f"the application {shown(application)} of {shown(client_id)} is not in the file.")
    notes, secrets = [], []
    for secret in listed(each, "secrets"):
        if not isinstance(secret, Mapping):
            raise Unreadable(f"a secret of {shown(client_id)} is not an object.")
        expires_at = whole_number(secret, "expires_at")
        if expires_at is not None and expires_at <= time.time():
            notes.append("a secret that has expired is left out")
            continue
        digest = text(secret, "digest")
        secrets.append(KnownSecret(digest=digest, hint=str(secret.get("hint", "")), expires_at=expires_at))
    return Entry(
        where=client_id,
        client_id=client_id,
        metadata={name: value for name, value in each.items() if name in REGISTERED},
        secrets=tuple(secrets),
        enabled=each.get("enabled") is not False,
        owner=each.get("owner"),
        application=None if application is None else _application(applications[application]),
        notes=notes,
        is_own=True,
        came_by=_came_by(each),
    )


def _came_by(each: Mapping[str, Any]) -> dict[str, Any]:
    """How it came there: whoever registered it is no more known here than there. Its document is read anew."""
    origin = each.get("origin")
    if origin not in ORIGINS.values():
        raise Unreadable(
            f"its 'origin' is {shown(origin, 40)}, which is none of {', '.join(filter(None, ORIGINS.values()))}."
        )
    return {"origin": origin, "fresh_until": 0 if origin == DOCUMENT else None}
