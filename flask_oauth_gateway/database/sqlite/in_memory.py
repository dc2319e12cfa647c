"""SQLite in memory: one connection, in which threads take turns, and the app's database before it shows what it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.pool import StaticPool

from ..engine import Database, Parameters, Statement, as_unavailable, executed

Found = TypeVar("Found")


class InMemoryDatabase(Database):
    """An in-memory SQLite database, with one connection: threads take turns, and a savepoint stands for a transaction.

    Outside a transaction, releasing a savepoint commits. Inside one of the app's, it leaves that transaction open.
    """

    begin = "SAVEPOINT oauth_gateway"
    commit = "RELEASE SAVEPOINT oauth_gateway"
    rollback = ("ROLLBACK TO SAVEPOINT oauth_gateway", "RELEASE SAVEPOINT oauth_gateway")

    def _suit(self, engine: Engine) -> None:
        pass

    def _execute(
        self, statement: Statement, parameters: Parameters | None, take: Callable[[Any], Found], *, repeatable: bool
    ) -> Found:
        with self.transaction() as connection:
            return take(executed(connection, statement, parameters))

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self._lock, super().transaction() as connection:
            yield connection

    def reopen_after_fork(self) -> None:
        """Keep the connection that the fork copied: a new one would open a new, empty database."""
        self._lock = threading.RLock()


class BorrowedDatabase(InMemoryDatabase):
    """An in-memory SQLite database over the app's one connection."""

    def dispose(self) -> None:
        """Do nothing: the app closes its connection."""


class UnopenedDatabase(Database):
    """The app's database before its first use, which shows what it is: every store holds this very object, so it turns."""

    def _suit(self, engine: Engine) -> None:
        this: Database = self
        if isinstance(engine.pool, StaticPool):
            this.__class__ = BorrowedDatabase
        else:
            super()._suit(engine)
            this.__class__ = Database

    def _open(self) -> None:
        with as_unavailable():
            self.engine  # noqa: B018, makes it

    def _execute(
        self, statement: Statement, parameters: Parameters | None, take: Callable[[Any], Found], *, repeatable: bool
    ) -> Found:
        self._open()
        return self._execute(statement, parameters, take, repeatable=repeatable)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        self._open()
        with self.transaction() as connection:
            yield connection
