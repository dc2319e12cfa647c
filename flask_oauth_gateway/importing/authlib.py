"""Reads Authlib's `oauth2_client` table, that of its SQLAlchemy mixins, from a SQLite file or from its rows in JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..clients.secrets import KnownSecret
from . import Entry, Outcome, Unreadable
from .rows import read_each, table, text, whole_number

if TYPE_CHECKING:
    from pathlib import Path

    from ..config import Settings

KEPT = (
    "client_name", "grant_types", "redirect_uris", "scope", "token_endpoint_auth_method", "jwks", "jwks_uri",
    "contacts", "logo_uri", "client_uri", "policy_uri", "tos_uri",
    "software_id", "software_version",
)  # fmt: skip
OLD_COLUMNS = {"redirect_uri": "redirect_uris", "grant_type": "grant_types"}  # before Authlib 0.13, one a line


def read(file: Path, settings: Settings) -> list[Entry | Outcome]:
    """The entries of the table: one for each client."""
    columns = (("client_id", "client_metadata"), ("client_id", *OLD_COLUMNS))
    return list(read_each(table(file, "clients", "oauth2_client", columns=columns), "row", _entry))


def _entry(number: int, row: Mapping[str, Any]) -> Iterator[Entry]:
    metadata = _metadata(row)
    secret, expires_at = row.get("client_secret"), whole_number(row, "client_secret_expires_at") or None
    expired = expires_at is not None and expires_at <= time.time()
    public = metadata.get("token_endpoint_auth_method") == "none"
    owner = row.get("user_id")
    yield Entry(
        where=f"row {row.get('id', number)}",
        client_id=text(row, "client_id"),
        metadata=metadata,
        secrets=(KnownSecret(plain=secret, expires_at=expires_at),) if secret and not public else (),
        owner=None if owner is None else str(owner),
        notes=["its secret has expired"] if expired else [],
    )


def _metadata(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row's registration: `client_metadata`; else its own members, as in RFC 7591 or in Authlib's columns before 0.13."""
    stored = row.get("client_metadata") or row.get("_client_metadata")
    if stored is None:
        stored = {**row, **{new: str(row[old]).split() for old, new in OLD_COLUMNS.items() if row.get(old)}}
    if isinstance(stored, str):
        try:
            stored = json.loads(stored)
        except (ValueError, RecursionError):
            raise Unreadable("its client_metadata is not JSON.") from None
    if not isinstance(stored, Mapping):
        raise Unreadable("its client_metadata is not an object.")
    return {name: stored[name] for name in KEPT if stored.get(name)}
