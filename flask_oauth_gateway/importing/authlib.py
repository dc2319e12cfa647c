"""Reads Authlib's `oauth2_client` table, that of its SQLAlchemy mixins, from a SQLite file or from its rows in JSON."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..clients.secrets import KnownSecret
from . import Entry, Unreadable, objects, parse_json, text

if TYPE_CHECKING:
    from ..config import Settings

SQLITE = b"SQLite format 3\0"
KEPT = (
    "client_name", "grant_types", "redirect_uris", "scope", "token_endpoint_auth_method", "jwks", "jwks_uri",
    "contacts", "logo_uri", "client_uri", "policy_uri", "tos_uri",
)  # fmt: skip


def read(raw: bytes, settings: Settings) -> list[Entry]:
    """The entries of the table: one for each client."""
    rows = _rows(raw) if raw.startswith(SQLITE) else objects(parse_json(raw), "clients", "oauth2_client")
    return [_entry(number, row) for number, row in enumerate(rows, 1)]


def _rows(raw: bytes) -> list[Mapping[str, Any]]:
    """The rows of the one table that has a `client_id` and `client_metadata`."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "copy.db"  # a copy, so that SQLite doesn't play back a journal beside the original
        file.write_bytes(raw)
        try:
            with closing(sqlite3.connect(file)) as connection:
                connection.row_factory = sqlite3.Row
                for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                    quoted = '"' + name.replace('"', '""') + '"'
                    columns = {row["name"] for row in connection.execute(f"PRAGMA table_info({quoted})")}
                    if {"client_id", "client_metadata"} <= columns:
                        return [dict(row) for row in connection.execute(f"SELECT * FROM {quoted}")]  # noqa: S608  quoted above
        except sqlite3.DatabaseError as error:
            raise Unreadable(f"The SQLite file can't be read: {error}.") from None
    raise Unreadable("The SQLite file has no table with client_id and client_metadata.")


def _entry(number: int, row: Mapping[str, Any]) -> Entry:
    client_id = text(row, "client_id", f"Row {number}")
    stored = row.get("client_metadata") or row.get("_client_metadata") or {}
    if isinstance(stored, str):
        try:
            stored = json.loads(stored)
        except ValueError:
            raise Unreadable(f"{client_id}: its client_metadata is not JSON.") from None
    if not isinstance(stored, Mapping):
        raise Unreadable(f"{client_id}: its client_metadata is not an object.")
    metadata = {name: stored[name] for name in KEPT if stored.get(name)}
    secret, expires_at = row.get("client_secret"), row.get("client_secret_expires_at") or None
    if not isinstance(expires_at, int):
        expires_at = None
    expired = expires_at is not None and expires_at <= time.time()
    public = metadata.get("token_endpoint_auth_method") == "none"
    owner = row.get("user_id")
    return Entry(
        where=f"row {row.get('id', number)}",
        client_id=client_id,
        metadata=metadata,
        secrets=(KnownSecret(plain=secret, expires_at=expires_at),) if secret and not public else (),
        owner=None if owner is None else str(owner),
        notes=["its secret has expired"] if expired else [],
    )
