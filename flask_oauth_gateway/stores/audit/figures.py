"""What the audit trail adds up to: of what is read, the amount is bounded, however long the trail is."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from sqlalchemy import select

from ...crypto.hashing import sha256
from ...database.tables import client

if TYPE_CHECKING:
    from ...database.engine import Database


def names_of(database: Database, client_ids: Collection[str]) -> dict[str, str]:
    """The names of those clients that there still are, by their `client_id`; one without a name has its `client_id` as one."""
    if not client_ids:
        return {}
    rows = database.all(
        select(client.c.client_id, client.c.metadata).where(
            client.c.client_id_hash.in_([sha256(each) for each in client_ids])
        )
    )
    return {row.client_id: row.metadata.get("client_name") or row.client_id for row in rows}
