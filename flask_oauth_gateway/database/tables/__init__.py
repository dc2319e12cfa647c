"""The schema. `add_to(metadata)` puts it beside an app's own tables.

Times are whole seconds since 1970, UTC. Identifiers of the gateway's own rows never leave the database. There is no
foreign key from a token to its client: on PostgreSQL it would lock the client's row at every issue
(`docs/architecture.md`).
"""

from __future__ import annotations

from sqlalchemy import MetaData

from .columns import metadata
from .operation import audit, audit_head, epoch, key, mark, once, schema
from .registrations import application, client, client_document, client_secret, consent, registration_token
from .sessions import logout, session
from .tokens import access_token, approval, code, device_code, personal_token, pushed_request, refresh_token

__all__ = [
    "SCHEMA_VERSION",
    "access_token",
    "add_to",
    "application",
    "approval",
    "audit",
    "audit_head",
    "client",
    "client_document",
    "client_secret",
    "code",
    "consent",
    "device_code",
    "epoch",
    "key",
    "logout",
    "mark",
    "metadata",
    "once",
    "personal_token",
    "pushed_request",
    "refresh_token",
    "registration_token",
    "schema",
    "session",
]

#: Counts the changes that the tables have seen: one more with each release that changes a column or a table.
SCHEMA_VERSION = 4


def add_to(other: MetaData) -> None:
    """Put the gateway's tables on an app's metadata, in its schema, where `db.create_all()` and Flask-Migrate see them."""
    there = {table.name for table in other.tables.values() if table.schema == other.schema}
    for table in metadata.sorted_tables:
        if table.name not in there:
            table.to_metadata(other)  # which gives it the schema
