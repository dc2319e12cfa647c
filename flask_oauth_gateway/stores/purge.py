"""Deleting what has expired, in small batches that don't stand in the way of traffic."""

from __future__ import annotations

import time

from sqlalchemy import select

from .database import Database
from .tables import access_token, code, device_code, family, once, refresh_token, revocation

#: What expires, and how many seconds longer it is kept: a code that is used again must still be known as used.
EXPIRING = {access_token: 0, refresh_token: 0, family: 0, code: 86400, device_code: 0, once: 0, revocation: 0}


def purge_expired(database: Database, *, batch: int) -> int:
    """Delete every expired row, `batch` at a time; returns how many. The audit trail stays."""
    now = int(time.time())
    total = 0
    for table, longer in EXPIRING.items():
        (key,) = table.primary_key.columns
        oldest = select(key).where(table.c.expires_at < now - longer).order_by(table.c.expires_at).limit(batch)
        while rows := database.all(oldest):
            total += database.run(table.delete().where(key.in_([row[0] for row in rows])), repeatable=True)
    return total
