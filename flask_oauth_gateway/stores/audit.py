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
from sqlalchemy.exc import DBAPIError

from ..errors import TemporarilyUnavailable
from .database import Database, InMemoryDatabase
from .tables import audit

logger = logging.getLogger(__name__)

COLUMNS = ("at", "event", "outcome", "client_id", "subject", "actor", "address", "details")
FLUSH_SECONDS = 1.0
RETRY_SECONDS = 10.0  # where the database is away
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
        self._timer: threading.Timer | None = None
        _every_store.add(self)

    def add(self, entry: Mapping[str, Any]) -> None:
        """Append an entry at once."""
        self._database.run(_INSERT, _row(entry))

    def add_soon(self, entry: Mapping[str, Any]) -> None:
        """Append an entry within `FLUSH_SECONDS`, from another thread."""
        if isinstance(self._database, InMemoryDatabase):  # one connection, maybe in a transaction of the app's
            self.add(entry)
            return
        with self._lock:
            self._waiting.append(_row(entry))
            if self._timer is None:
                self._start_timer(FLUSH_SECONDS)
            full = len(self._waiting) >= FLUSH_ROWS
        if full:
            self.flush()

    def flush(self, *, last: bool = False) -> None:
        """Write what waits. Where the database is away it waits on, up to `MAX_WAITING` entries, unless this is the end."""
        with self._lock:
            entries, self._waiting, self._timer = self._waiting, [], None
        if not entries:
            return
        try:
            self._write(entries)
        except TemporarilyUnavailable:
            with self._lock:
                kept = [] if last else (entries + self._waiting)[-MAX_WAITING:]
                lost = len(entries) + len(self._waiting) - len(kept)
                self._waiting = kept
                if kept and self._timer is None:
                    self._start_timer(RETRY_SECONDS)
            logger.error("%d entries of the audit trail wait for the database, %d are lost.", len(kept), lost)

    def forget(self) -> None:
        """After a fork: what waits here is the parent's to write, and so is its lock."""
        self._waiting, self._timer, self._lock = [], None, threading.Lock()

    def _write(self, entries: list[dict[str, Any]]) -> None:
        try:
            with self._database.transaction() as connection:
                connection.execute(_INSERT, entries)
        except DBAPIError as error:  # one of them can't be written: that must not take the others with it
            if len(entries) == 1:
                logger.error("An entry of the audit trail (%s) can't be written: %s", entries[0]["event"], error.orig)
                return
            for entry in entries:
                self._write([entry])

    def _start_timer(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self.flush)
        self._timer.daemon = True
        self._timer.start()

    def newest(self, limit: int, filters: Mapping[str, Any] | None = None) -> list[Row[Any]]:
        """The newest entries that fit the filters (column to value), newest first."""
        self.flush()
        statement = select(audit).order_by(audit.c.id.desc()).limit(limit)
        for name, value in (filters or {}).items():
            statement = statement.where(audit.c[name] == value)
        return self._database.all(statement)


_every_store: weakref.WeakSet[AuditStore] = weakref.WeakSet()


def _after_fork() -> None:
    for store in _every_store:
        store.forget()


@atexit.register
def _flush_all() -> None:
    for store in list(_every_store):
        store.flush(last=True)


os.register_at_fork(after_in_child=_after_fork)


def _row(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {name: entry.get(name) for name in COLUMNS}
