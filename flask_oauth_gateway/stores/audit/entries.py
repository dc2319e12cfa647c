"""Stores the audit trail's entries, which are appended and read, never changed."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from operator import ge, lt
from typing import Any

from flask import has_request_context
from sqlalchemy import func, select
from sqlalchemy.engine import Row
from sqlalchemy.exc import DBAPIError

from ...database.background import Later
from ...database.engine import Database
from ...database.purge import purge_audit
from ...database.sqlite.in_memory import InMemoryDatabase
from ...database.tables import audit
from ...errors import TemporarilyUnavailable
from ...locks import Lock
from . import chain
from .chain import COLUMNS

logger = logging.getLogger(__name__)

RETRY_SECONDS = 10.0  # after which writing is tried again, while the database is away
MAX_WAITING = 20_000
MAX_WAIT_SECONDS = 1.0  # for entries to be written, before a page of a request shows the trail without them


class AuditStore:
    """Appends entries to the audit trail: at once, or together with others a little later.

    The entries of token requests are written together: one statement for each would cost as much as the token itself. A
    process that is killed within that second loses these entries, but no token: `oauth_access_token` has all that are stored.
    `keys` returns the keys of the chain (`chain`), first the one that writes.
    """

    def __init__(self, database: Database, keys: chain.Keys) -> None:
        self._database = database
        self._keys = keys
        self._waiting: list[dict[str, Any]] = []
        self._lost = 0  # entries that were dropped while the database was away
        self._lock = Lock()
        self._later = Later(self._flush, self._forget)

    def add(self, entry: Mapping[str, Any]) -> None:
        """Append an entry at once."""
        chain.append(self._database, self._keys, [_row(entry)])

    def add_soon(self, entry: Mapping[str, Any]) -> None:
        """Append an entry later, from another thread."""
        if isinstance(self._database, InMemoryDatabase):  # its one connection may be in one of the app's transactions
            self.add(entry)
            return
        with self._lock:
            self._waiting.append(_row(entry))
            if len(self._waiting) > MAX_WAITING:
                del self._waiting[0]
                self._lost += 1
        self._later.start()

    def flush(self) -> None:
        """Write the entries that wait. While the database is away, up to `MAX_WAITING` of them go on waiting.

        A request waits for that no longer than `MAX_WAIT_SECONDS`: on SQLite somebody may hold the write lock.
        """
        if has_request_context():
            self._later.now_within(MAX_WAIT_SECONDS)
        else:
            self._later.now()

    def close(self) -> None:
        """Write the entries that wait, if that is possible, and start no timer again."""
        self._later.close()

    def _flush(self, last: bool) -> None:
        with self._lock:
            entries, self._waiting = self._waiting, []
        if not entries:
            return
        try:
            self._write(entries)
        except TemporarilyUnavailable:
            with self._lock:
                kept = [] if last else (entries + self._waiting)[-MAX_WAITING:]
                lost, self._lost = self._lost + len(entries) + len(self._waiting) - len(kept), 0
                self._waiting = kept
            if kept:
                self._later.start(RETRY_SECONDS)
            logger.error("%d entries of the audit trail wait for the database, %d are lost.", len(kept), lost)

    def _forget(self) -> None:
        self._waiting = []

    def _write(self, entries: list[dict[str, Any]]) -> None:
        try:
            chain.append(self._database, self._keys, entries)
        except DBAPIError as error:  # one entry can't be written; the others still can
            if len(entries) == 1:
                logger.error("An entry of the audit trail (%s) can't be written: %s", entries[0]["event"], error.orig)
                return
            for entry in entries:
                self._write([entry])

    def purge(self, before: int, *, batch: int) -> int:
        """Delete the entries from before a time, and note that in the trail; returns how many were deleted."""
        self.flush()
        up_to = chain.trim(self._database, self._keys, before)
        return purge_audit(self._database, up_to, batch=batch) if up_to else 0

    def verify(self) -> chain.Verdict:
        """Check that every entry is as it was written, and none is missing."""
        self.flush()
        return chain.verify(self._database, self._keys)

    def newest(self, limit: int, filters: Mapping[str, Any] | None = None) -> list[Row[Any]]:
        """The newest entries that fit the filters (column to value), the newest first."""
        return self.page(filters or {}, limit=limit)

    def page(
        self,
        filters: Mapping[str, Any],
        *,
        since: int | None = None,
        until: int | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> list[Row[Any]]:
        """The newest entries that fit the filters (column to value, or to a tuple of values), from `since` until before `until`.

        `before` is the number of the last entry that was seen.
        """
        if before is None:
            self.flush()
        statement = select(audit.c.id, *(audit.c[name] for name in COLUMNS)).order_by(audit.c.id.desc()).limit(limit)
        for name, value in filters.items():
            column = audit.c[name]
            statement = statement.where(column.in_(value) if isinstance(value, tuple) else column == value)
            if name == "client_id":
                statement = statement.where(audit.c.client_hash == chain.client_hash(value))
        for column, compare, value in ((audit.c.at, ge, since), (audit.c.at, lt, until), (audit.c.id, lt, before)):
            if value is not None:
                statement = statement.where(compare(column, value))
        return self._database.all(statement)

    def counts_by_hour(self, since: int, events: Sequence[str]) -> list[Row[Any]]:
        """The number of entries of each event in each hour from `since` on: `hour` (its beginning), `event`, `entries`."""
        self.flush()
        hour = (audit.c.at - audit.c.at % 3600).label("hour")
        return self._database.all(
            select(hour, audit.c.event, func.count().label("entries"))
            .where(audit.c.at >= since, audit.c.event.in_(events))
            .group_by(hour, audit.c.event)
        )


def _row(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry.get(name) for name in COLUMNS}
