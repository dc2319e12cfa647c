"""A rehearsal: requests run with all that they look up and write, and in the end nothing of it has happened."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection

from .engine import Database, InMemoryDatabase, Parameters, Statement, as_unavailable, executed

Found = TypeVar("Found")


class Rehearsal(InMemoryDatabase):
    """One connection inside a transaction that is rolled back: what belongs together stands inside a savepoint."""

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
    """Everything that goes through this database meanwhile is undone. For a process of its own: others' work would go too."""
    with as_unavailable(), database.engine.connect() as connection:
        connection.exec_driver_sql(database.begin)
        kind, kept = database.__class__, database.__dict__
        # Every store holds this very object, so that it has to become the other one.
        database.__class__, database.__dict__ = Rehearsal, Rehearsal(connection).__dict__
        try:
            yield
        finally:
            database.__class__, database.__dict__ = kind, kept
            for command in database.rollback:
                connection.exec_driver_sql(command)
