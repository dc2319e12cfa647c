"""The audit trail's rows: appended and read, never changed."""

from __future__ import annotations

import atexit
import logging
import os
import threading
import weakref
from collections.abc import Mapping
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.engine import Row

from ..errors import TemporarilyUnavailable
from .database import Database, InMemoryDatabase
from .tables import audit

logger = logging.getLogger(__name__)

COLUMNS = ("at", "event", "outcome", "client_id", "subject", "actor", "address", "details")
FLUSH_SECONDS = 1.0
FLUSH_ROWS = 200
MAX_WAITING = 20_000
_INSERT = insert(audit)


class AuditStore:
    """Appends to the audit trail: at once, or together with others within a second.

    What every token request writes goes together: one statement for each would cost as much as the token itself. A
    process that is killed in that second loses those entries, and no token: `oauth_access_token` has them all.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._timer: threading.Timer | None = None

    def add(self, entry: Mapping[str, Any]) -> None:
        """Append an entry at once."""
        self._database.run(_INSERT, _row(entry))

    def add_soon(self, entry: Mapping[str, Any]) -> None:
        """Append an entry within `FLUSH_SECONDS`, from another thread."""
        if isinstance(self._database, InMemoryDatabase):  # one connection, maybe in a transaction of the app's
            self.add(entry)
            return
        with self._lock:
            if self._pid != os.getpid():  # after a fork: what waits here is the parent's to write
                self._waiting, self._timer, self._pid = [], None, os.getpid()
            self._waiting.append(_row(entry))
            if self._timer is None:
                self._timer = threading.Timer(FLUSH_SECONDS, self.flush)
                self._timer.daemon = True
                self._timer.start()
                _waiting_somewhere.add(self)
            full = len(self._waiting) >= FLUSH_ROWS
        if full:
            self.flush()

    def flush(self) -> None:
        """Write what waits. Where the database is away it waits on, up to `MAX_WAITING` entries."""
        with self._lock:
            entries, self._waiting, self._timer = self._waiting, [], None
        if not entries or self._pid != os.getpid():
            return
        try:
            self._database.run(_INSERT, entries)
        except TemporarilyUnavailable:
            with self._lock:
                kept = (entries + self._waiting)[-MAX_WAITING:]
                lost = len(entries) + len(self._waiting) - len(kept)
                self._waiting = kept
            logger.error("%d entries of the audit trail wait for the database, %d are lost.", len(kept), lost)

    def newest(self, limit: int, filters: Mapping[str, Any] | None = None) -> list[Row[Any]]:
        """The newest entries that fit the filters (column to value), newest first."""
        self.flush()
        statement = select(audit).order_by(audit.c.id.desc()).limit(limit)
        for name, value in (filters or {}).items():
            statement = statement.where(audit.c[name] == value)
        return self._database.all(statement)


_waiting_somewhere: weakref.WeakSet[AuditStore] = weakref.WeakSet()


@atexit.register
def _flush_all() -> None:
    for store in _waiting_somewhere:
        store.flush()


def _row(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry.get(name) for name in COLUMNS}
