"""Deleting what has expired, in small batches that don't stand in the way of traffic."""

from __future__ import annotations

import time
from collections.abc import Iterator

from sqlalchemy import Table, delete, func, select

from .engine import Database
from .tables import access_token, approval, audit, code, device_code, key, once, refresh_token, revocation

#: What expires, and how many seconds longer it is kept: a code that is used again must still be known as used.
EXPIRING = {access_token: 0, refresh_token: 0, approval: 0, code: 86400, device_code: 0, once: 0, revocation: 0}
MAX_BATCH = 10_000  # a statement takes 32,766 parameters on SQLite, 65,535 on PostgreSQL
RETIRED_SECONDS = 86400

_NEWEST = select(func.max(key.c.generation)).scalar_subquery()  # it stays, so that no generation is given out twice
_RETIRED = select(key.c.kid).where(key.c.generation < _NEWEST)


def purge_expired(database: Database, *, batch: int) -> int:
    """Delete every expired row, `batch` at a time, and keys that nobody believes any more; returns how many."""
    now = int(time.time())
    total = 0
    for table, longer in EXPIRING.items():
        for _ in _taking_turns():
            deleted = _delete_some(database, table, now - longer, min(batch, MAX_BATCH))
            total += deleted
            if not deleted:
                break
    retired = [row.kid for row in database.all(_RETIRED.where(key.c.retired_at < now - RETIRED_SECONDS))]
    if retired:
        total += database.run(delete(key).where(key.c.kid.in_(retired)), repeatable=True)
    return total


def purge_audit(database: Database, up_to: int, *, batch: int) -> int:
    """Delete the entries of the audit trail up to a number, the oldest first; returns how many."""
    total = 0
    first = database.first(select(func.min(audit.c.id).label("id")))
    start = up_to + 1 if first is None or first.id is None else first.id
    for _ in _taking_turns():
        if start > up_to:
            break
        end = min(start + batch - 1, up_to)
        total += database.run(delete(audit).where(audit.c.id.between(start, end)), repeatable=True)
        start = end + 1
    return total


def _delete_some(database: Database, table: Table, before: int, batch: int) -> int:
    (column,) = table.primary_key.columns
    oldest = select(column).where(table.c.expires_at < before).order_by(table.c.expires_at).limit(batch)
    rows = database.all(oldest)
    if not rows:
        return 0
    return database.run(delete(table).where(column.in_([row[0] for row in rows])), repeatable=True)


def _taking_turns() -> Iterator[None]:
    """Between two batches as long a rest as the last one took: on SQLite writers wait for each other, and not in a queue."""
    while True:
        started = time.monotonic()
        yield
        time.sleep(min(1.0, time.monotonic() - started))
