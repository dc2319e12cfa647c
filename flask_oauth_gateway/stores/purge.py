"""Deleting what has expired, in small batches that don't stand in the way of traffic."""

from __future__ import annotations

import time

from sqlalchemy import select

from .database import Database
from .tables import access_token, code, device_code, family, once, refresh_token, revocation

EXPIRING = (access_token, refresh_token, family, code, device_code, once, revocation)


def purge_expired(database: Database, *, batch: int) -> int:
    """Delete every expired row, `batch` at a time; returns how many. The audit trail stays."""
    now = int(time.time())
    total = 0
    for table in EXPIRING:
        (key,) = table.primary_key.columns
        oldest = select(key).where(table.c.expires_at < now).order_by(table.c.expires_at).limit(batch)
        while rows := database.all(oldest):
            total += database.run(table.delete().where(key.in_([row[0] for row in rows])), repeatable=True)
    return total
