"""The gateway's own connections: a single statement runs in autocommit mode, several that belong together in a transaction.

The gateway never touches the app's session: a commit there would commit the app's half-done work.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import attrgetter, methodcaller
from typing import Any, NoReturn, TypeVar, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import Dialect, Row
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.sql import Executable

from ..errors import TemporarilyUnavailable, without_secrets
from .compiled import kind_of
from .deadlocks import Deadlock, again_after_deadlock, is_deadlock
from .prepared import Kept, Lent, Prepared, command

logger = logging.getLogger(__name__)

SQLITE_BUSY_SECONDS = 30  # how long a statement waits for another's lock

Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]]
Statement = Executable | Prepared
Foreseen = tuple[Dialect, Mapping[str | None, str] | None]
Found = TypeVar("Found")


class Database:
    """One app's connections for the gateway, opened on first use and anew after a fork.

    Every method raises `TemporarilyUnavailable` where the database can't be reached.
    """

    begin = "BEGIN"
    commit = "COMMIT"
    rollback: tuple[str, ...] = ("ROLLBACK",)

    def __init__(self, connect: Callable[[], Engine], foreseen: Foreseen | None = None) -> None:
        """`foreseen`: the dialect and schemas that the engine will have, for statements that are compiled before."""
        self._connect = connect
        self._foreseen = foreseen
        self._engine: Engine | None = None
        self._kept = Kept()
        self._lock = threading.RLock()
        _every_database.add(self)

    @property
    def engine(self) -> Engine:
        """The engine, made on first use."""
        if self._engine is None:
            with self._lock:
                if self._engine is None:
                    engine = self._connect()
                    self._suit(engine)
                    self._engine = engine
        return self._engine

    def compile_ahead(self, statements: Iterable[Prepared]) -> None:
        """Compile statements now, without a connection, so that the first request that needs one needn't."""
        if self._foreseen is not None and kind_of(*self._foreseen) is not None:
            for statement in statements:
                statement.compiled_for(*self._foreseen)

    def connect(self) -> Connection:
        """A connection of the pool's, in autocommit mode, for what takes a while; close it. Raises SQLAlchemy's errors."""
        engine = self.engine
        self._kept.release()  # a pool that makes no more would have it wait for those that are only kept
        return engine.connect()

    def first(self, statement: Statement, parameters: Parameters | None = None) -> Row[Any] | None:
        """The first row of a query, or `None`."""
        return self._execute(statement, parameters, _first, repeatable=True)

    def first_once(self, statement: Statement, parameters: Parameters | None = None) -> Row[Any] | None:
        """The first row of a statement that also writes, and that is therefore never sent a second time."""
        return self._execute(statement, parameters, _first, repeatable=False)

    def all(self, statement: Statement, parameters: Parameters | None = None) -> list[Row[Any]]:
        """Every row of a query."""
        return list(self._execute(statement, parameters, _all, repeatable=True))

    def run(self, statement: Statement, parameters: Parameters | None = None, *, repeatable: bool = False) -> int:
        """Run one statement that writes; returns the number of rows that it touched.

        `repeatable`: running the statement twice does no harm, so it may be sent again where the connection has died in
        the pool. Never use it for a statement that spends something: the second try would take the first for a theft.
        """
        try:
            return self._execute(statement, parameters, _row_count, repeatable=repeatable)
        except IntegrityError:
            if not repeatable:
                raise
            return 1  # the first try had reached the database before its connection died

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction: all of its statements take effect, or none."""
        with as_unavailable():
            lent = self._begun()
            connection = lent.connection
            try:
                try:
                    yield connection
                    command(connection, self.commit)
                except BaseException:
                    self._roll_back(connection)
                    raise
            except BaseException as error:
                self._kept.drop(lent, error)
                raise
            self._kept.give_back(lent)

    def dispose(self) -> None:
        """Close every connection; the next statement opens new ones."""
        self._kept.close()
        if self._engine is not None:
            self._engine.dispose()

    def _execute(
        self, statement: Statement, parameters: Parameters | None, take: Callable[[Any], Found], *, repeatable: bool
    ) -> Found:
        try:
            lent = self._kept.lend(self._engine or self.engine)
            try:
                found = take(executed(lent.connection, statement, parameters))
            except BaseException as error:
                self._kept.drop(lent, error)
                raise
            self._kept.give_back(lent)
        except DBAPIError as error:
            if not (repeatable and error.connection_invalidated) and not is_deadlock(error):
                raise_unavailable(error)
        except PoolTimeout as error:
            raise_unavailable(error)
        else:
            return found
        return self._execute_again(statement, parameters, take)

    @again_after_deadlock
    def _execute_again(
        self, statement: Statement, parameters: Parameters | None, take: Callable[[Any], Found]
    ) -> Found:
        with as_unavailable(), self.connect() as connection:  # the pool has dropped its dead connections by now
            return take(executed(connection, statement, parameters))

    def _begun(self) -> Lent:
        """A connection with its transaction begun; another connection where the first has died in the pool."""
        for attempt in range(2):
            lent = self._kept.lend(self.engine)
            try:
                command(lent.connection, self.begin)
            except BaseException as error:
                self._kept.drop(lent, error)
                if attempt or not getattr(error, "connection_invalidated", False):
                    raise
            else:
                break
        return lent

    def _roll_back(self, connection: Connection) -> None:
        if connection.invalidated:  # it would connect anew
            return
        try:
            for text in self.rollback:
                command(connection, text)
        except SQLAlchemyError:  # the connection is lost, and the transaction with it
            connection.invalidate()

    def _suit(self, engine: Engine) -> None:
        if engine.dialect.name == "sqlite":
            # A lock that is taken only at the first write can fail at once, whatever the timeout.
            self.begin = "BEGIN IMMEDIATE"
        elif engine.dialect.name == "postgresql":
            self.begin = "BEGIN ISOLATION LEVEL READ COMMITTED"  # whatever the server's default is

    def reopen_after_fork(self) -> None:
        """Drop the parent's connections without closing them."""
        self._lock = threading.RLock()
        self._kept.leave_to_the_parent()
        if self._engine is not None:
            self._engine.dispose(close=False)


_row_count = cast("Callable[[Any], int]", attrgetter("rowcount"))
_first = cast("Callable[[Any], Row[Any] | None]", methodcaller("first"))
_all = cast("Callable[[Any], list[Row[Any]]]", methodcaller("all"))
_every_database: weakref.WeakSet[Database] = weakref.WeakSet()


def _after_fork() -> None:
    for database in _every_database:
        database.reopen_after_fork()


os.register_at_fork(after_in_child=_after_fork)


def executed(connection: Connection, statement: Statement, parameters: Parameters | None) -> Any:
    """Run a statement on this connection, and return its result."""
    if isinstance(statement, Prepared):
        return statement.execute(connection, cast("Mapping[str, Any]", parameters))
    return connection.execute(statement, parameters)


@contextmanager
def as_unavailable() -> Iterator[None]:
    """Turn the errors of a database that can't be used into `TemporarilyUnavailable`, and log what is wrong."""
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        raise_unavailable(error)


def raise_unavailable(error: DBAPIError | PoolTimeout) -> NoReturn:
    """Raise what stands for this error of a database, as `as_unavailable` does."""
    if isinstance(error, (DataError, IntegrityError, NotSupportedError)) and not error.connection_invalidated:
        raise error  # the database is there, but can't store this
    advice = what_to_do(error)
    why = f"{_first_line(error)}." + (f" Better: {advice}." if advice else "")
    if isinstance(error, DBAPIError) and is_deadlock(error):
        raise Deadlock(why) from error
    logger.error("The database did not answer: %s", why)
    raise TemporarilyUnavailable from error


@contextmanager
def let_go_of(engine: Engine) -> Iterator[None]:
    """Close the connections of an engine that can't be used."""
    try:
        with as_unavailable():
            yield
    except TemporarilyUnavailable:
        engine.dispose()
        raise


_MAKE_TABLES = "make the tables (flask oauth init-db, flask db upgrade)"
_ALLOW_FILE = "make its folder, and let this process read and write the file and make files there"
_NEW_FILE = "put the file aside, or restore it from a backup"
_POOLER = "leave out OAUTH_DATABASE_PREPARED or set it to False, as a pooler gives one connection to many"
_WHAT_TO_DO = {  # by SQLSTATE; by text for SQLite, which has one class of error for all of these
    **dict.fromkeys(("42P05", "26000", "08P01"), _POOLER),  # a statement's name is taken, unknown, or another's
    "25006": "name the primary, or every host with target_session_attrs=read-write (docs/engines/standby.md)",
    "must be owner": "let the database's user own the tables (ALTER TABLE … OWNER TO)",  # has 42501 too
    "42501": "let the database's user make tables there, and read and write them (GRANT)",
    "no such table": _MAKE_TABLES,
    "no such column": _MAKE_TABLES,
    "unable to open database file": _ALLOW_FILE,
    "attempt to write a readonly database": _ALLOW_FILE,
    "file is not a database": _NEW_FILE,
    "database disk image is malformed": _NEW_FILE,
    "database is locked": "end the transaction, maybe the app's own, that holds the file's one write lock for too long",
}


def what_to_do(error: BaseException) -> str | None:
    """What may help where the database answers with this error; `None`: nobody knows."""
    orig = getattr(error, "orig", None)
    starts = f"{getattr(orig, 'sqlstate', None)}", f"{orig}"
    known = next((advice for start, advice in _WHAT_TO_DO.items() if any(s.startswith(start) for s in starts)), None)
    return known or (_MAKE_TABLES if isinstance(error, ProgrammingError) else None)


def _first_line(error: Exception) -> str:
    return without_secrets(getattr(error, "orig", None) or error).strip().split("\n", 1)[0]
