"""Deletes expired rows, in small batches that don't hold up other requests."""

from __future__ import annotations

import time
from collections.abc import Iterator

from sqlalchemy import MetaData, Table, delete, func, select

from .engine import Database
from .partitions.state import REST, is_partitioned
from .tables import (
    access_token,
    approval,
    audit,
    client_document,
    code,
    device_code,
    key,
    logout,
    mark,
    once,
    personal_token,
    pushed_request,
    refresh_token,
    session,
)

#: The tables with rows that expire, and how many seconds longer rows are kept: a code that is used twice must still be
#: known, a session that has just expired lets its last code be exchanged, and a request that was pushed lets a user finish whose
#: last form came in time.
EXPIRING = {
    access_token: 0, personal_token: 0, refresh_token: 0, approval: 0, code: 86400, device_code: 0, once: 0, mark: 0,
    session: 86400, logout: 0, client_document: 3600, pushed_request: 600,
}  # fmt: skip
#: The columns that say when, where they aren't called `expires_at`.
ENDS = {logout: logout.c.give_up_at, client_document: client_document.c.held_until}
MAX_BATCH = 10_000  # a statement takes 32,766 parameters on SQLite, 65,535 on PostgreSQL
RETIRED_SECONDS = 86400

_NEWEST = select(
    func.max(key.c.generation)
).scalar_subquery()  # the newest key stays, so that no generation is used twice
_RETIRED = select(key.c.kid).where(key.c.generation < _NEWEST)


def purge_expired(database: Database, *, batch: int) -> int:
    """Delete all expired rows, `batch` at a time, and keys that retired a day ago; returns how many.

    Those in partitions are left to `partitions.run`, which drops them as a whole.
    """
    now = int(time.time())
    total = 0
    partitioned = is_partitioned(database)
    for each, longer in EXPIRING.items():
        # Partitions are dropped as a whole.
        table = access_token.to_metadata(MetaData(), name=REST) if each is access_token and partitioned else each
        for _ in _taking_turns():
            deleted = _delete_some(database, table, now - longer, min(batch, MAX_BATCH))
            total += deleted
            if not deleted:
                break
    retired = [row.kid for row in database.all(_RETIRED.where(key.c.retired_at < now - RETIRED_SECONDS))]
    if retired:
        total += database.run(delete(key).where(key.c.kid.in_(retired)), repeatable=True)
    return total


def oldest_expired(database: Database) -> int | None:
    """Since when the oldest row waits that a purge would delete, in seconds since 1970; `None` where none does.

    One statement, which reads the beginning of an index of each table. Partitions are left out.
    """
    tables = [table for table in EXPIRING if table is not access_token or not is_partitioned(database)]
    ends = [table.c.expires_at if ENDS.get(table) is None else ENDS[table] for table in tables]
    row = database.first(select(*(select(func.min(column)).scalar_subquery() for column in ends)))
    times = (
        [] if row is None else [at + EXPIRING[table] for table, at in zip(tables, row, strict=True) if at is not None]
    )
    oldest = min(times, default=None)
    return None if oldest is None or oldest > time.time() else int(oldest)


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
    expires_at = ENDS.get(table)
    expires_at = table.c.expires_at if expires_at is None else expires_at
    oldest = select(column).where(expires_at < before).order_by(expires_at).limit(batch)
    rows = database.all(oldest)
    if not rows:
        return 0
    # What was read before is checked again: a mark may have been renewed in between.
    expired = delete(table).where(column.in_([row[0] for row in rows]), expires_at < before)
    return database.run(expired, repeatable=True)


def _taking_turns() -> Iterator[None]:
    """Rest after each batch for as long as it took: on SQLite, writers wait for each other, and not in a queue."""
    while True:
        started = time.monotonic()
        yield
        time.sleep(min(1.0, time.monotonic() - started))
