"""Rehearses requests: they read and write as usual, and in the end every write is rolled back."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection

from .engine import Database, Parameters, Statement, as_unavailable, executed
from .sqlite.in_memory import InMemoryDatabase

Found = TypeVar("Found")


class Rehearsal(InMemoryDatabase):
    """One connection in a transaction that is rolled back in the end; savepoints stand for the gateway's transactions."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(lambda: connection.engine)
        self._connection = connection
        self._lock = threading.RLock()

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self._lock, as_unavailable():
            self._connection.exec_driver_sql(self.begin)
            try:
                yield self._connection
            except BaseException:
                self._roll_back(self._connection)
                raise
            self._connection.exec_driver_sql(self.commit)

    def _execute(
        self, statement: Statement, parameters: Parameters | None, take: Callable[[Any], Found], *, repeatable: bool
    ) -> Found:
        with self.transaction() as connection:
            return take(executed(connection, statement, parameters))


@contextmanager
def rehearsing(database: Database) -> Iterator[None]:
    """Undo everything that is written to this database meanwhile, by any thread: only for a process of its own."""
    with as_unavailable(), database.connect() as connection:
        connection.exec_driver_sql(database.begin)
        kind, kept = database.__class__, database.__dict__
        # Every store holds this very object, so the object itself has to become a rehearsal.
        database.__class__, database.__dict__ = Rehearsal, Rehearsal(connection).__dict__
        try:
            yield
        finally:
            database.__class__, database.__dict__ = kind, kept
            for command in database.rollback:
                connection.exec_driver_sql(command)
