"""Reads Authlib's `oauth2_client` table, that of its SQLAlchemy mixins, from a SQLite file or from its rows in JSON."""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..clients.secrets import KnownSecret
from . import Entry, Outcome, Unreadable, objects, parse_json, read_each, text, whole_number

if TYPE_CHECKING:
    from ..config import Settings

SQLITE = b"SQLite format 3\0"
KEPT = (
    "client_name", "grant_types", "redirect_uris", "scope", "token_endpoint_auth_method", "jwks", "jwks_uri",
    "contacts", "logo_uri", "client_uri", "policy_uri", "tos_uri",
)  # fmt: skip
OLD_COLUMNS = {"redirect_uri": "redirect_uris", "grant_type": "grant_types"}  # before Authlib 0.13, one a line


def read(raw: bytes, settings: Settings) -> list[Entry | Outcome]:
    """The entries of the table: one for each client."""
    rows = _rows(raw) if raw.startswith(SQLITE) else objects(parse_json(raw), "clients", "oauth2_client")
    return list(read_each(rows, "row", _entry))


def _rows(raw: bytes) -> list[Mapping[str, Any]]:
    """The rows of the one table that has a `client_id`, and `client_metadata` or the columns before it."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "copy.db"  # a copy, so that SQLite doesn't play back a journal beside the original
        file.write_bytes(raw)
        try:
            with closing(sqlite3.connect(file)) as connection:
                connection.row_factory = sqlite3.Row
                for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                    quoted = '"' + name.replace('"', '""') + '"'
                    columns = {row["name"] for row in connection.execute(f"PRAGMA table_info({quoted})")}
                    if {"client_id", "client_metadata"} <= columns or {"client_id", *OLD_COLUMNS} <= columns:
                        return [dict(row) for row in connection.execute(f"SELECT * FROM {quoted}")]  # noqa: S608  quoted above
        except (sqlite3.Error, UnicodeError, OverflowError) as error:
            raise Unreadable(f"The SQLite file can't be read: {error}.") from None
    raise Unreadable("The SQLite file has no table with client_id and client_metadata.")


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
