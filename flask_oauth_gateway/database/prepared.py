"""Runs the statements of the request path: SQLAlchemy compiles them once, and they run on the driver's own cursor.

SQLAlchemy's own execution of a statement takes three times as long as SQLite's: without it, a protected view is a sixth
quicker, and a refresh a third. With psycopg 3, libpq runs them without a cursor (`libpq.py`). Connections, pool and
errors stay SQLAlchemy's. This is not for statements that are built for one call, each of which would be compiled anew.
Listeners on the engine's cursor events don't hear of these statements.

To check a connection out of the pool costs as much as a look-up on SQLite. So one that has run a statement is kept for
the next, by whichever thread, for a second at most: then the pool does what it does at a checkout, such as recycling.
"""

from __future__ import annotations

import time
import weakref
from collections import namedtuple
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn, cast

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import Dialect, Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool
from sqlalchemy.sql import Executable
from sqlalchemy.sql.dml import Insert

from .broken_off import is_broken_off
from .compiled import Processor, compile_statement, kind_of
from .servers.standbys import drop_connections

# Only members of its own tell how a pool is set.
# ruff: noqa: SLF001

KEPT_SECONDS = 1.0
MOST_KEPT = 4  # more threads seldom meet within one statement


class Outcome(NamedTuple):
    """A statement's result: the number of rows that it touched, and the rows that it returned."""

    rowcount: int
    rows: list[Row[Any]]

    def first(self) -> Row[Any] | None:
        """The first row, or `None`."""
        return self.rows[0] if self.rows else None

    def all(self) -> list[Row[Any]]:
        """Every row."""
        return self.rows


class Prepared:
    """A statement that is run again and again. A SELECT returns rows. `columns`: the columns that an INSERT sets.

    It is compiled once for a kind of dialect and a schema, at the start where these are known by then.
    """

    def __init__(self, statement: Executable, columns: Iterable[str] | None = None) -> None:
        self.statement = statement.inline() if isinstance(statement, Insert) else statement  # inline: no new id is read
        self._columns = None if columns is None else tuple(columns)
        self._compiled: weakref.WeakKeyDictionary[Dialect, Compiled] = weakref.WeakKeyDictionary()
        self._by_kind: dict[Any, Compiled] = {}

    def execute(self, connection: Connection, parameters: Mapping[str, Any]) -> Outcome:
        """Run the statement on a connection, in its transaction if it is in one. Raises SQLAlchemy's `DBAPIError`s."""
        dialect = connection.dialect
        compiled = self._compiled.get(dialect)
        if compiled is None:
            schemas = connection.get_execution_options().get("schema_translate_map")
            # No two engines with different schemas share a dialect (`app_engine.py`).
            compiled = self._compiled[dialect] = self.compiled_for(dialect, schemas)
        return _run(connection, compiled.text, compiled, parameters)

    def compiled_for(self, dialect: Dialect, schemas: Mapping[str | None, str] | None) -> Compiled:
        """The statement as a dialect has it, which may not have connected yet. `schemas`: a `schema_translate_map`."""
        kind = kind_of(dialect, schemas)
        if kind is None:
            return Compiled(self.statement, self._columns, dialect, schemas)
        known = self._by_kind.get(kind)
        if known is None:
            known = self._by_kind[kind] = Compiled(self.statement, self._columns, dialect, schemas)
        return known


def command(connection: Connection, text: str) -> None:
    """Run a statement without parameters, such as BEGIN. Raises SQLAlchemy's `DBAPIError`s."""
    _run(connection, text, None, {})


class Compiled:
    """A statement in one dialect and for one schema: its text, and the conversions of its parameters and rows."""

    def __init__(
        self,
        statement: Executable,
        columns: Sequence[str] | None,
        dialect: Dialect,
        schemas: Mapping[str | None, str] | None,
    ) -> None:
        parts = compile_statement(statement, columns, dialect, schemas)
        self.text, self._order, self._fixed, self._to_driver, self._types, self._by_libpq = parts
        self._dialect = dialect
        self._row_of: Any = namedtuple("Row", self._types) if self._types else None
        self._from_driver: list[tuple[int, Processor]] | None = None

    def run(self, connection: Connection, parameters: Mapping[str, Any]) -> Outcome | None:
        """Run it by libpq. `None` where it hasn't been run, and is left to the driver's cursor."""
        if self._by_libpq is None:
            return None
        found = self._by_libpq.run(connection, {**self._fixed, **parameters} if self._fixed else parameters)
        return None if found is None else Outcome(found[0], [self._row_of._make(values) for values in found[1]])

    def arguments(self, parameters: Mapping[str, Any]) -> Mapping[str, Any] | Sequence[Any]:
        """The parameters as the driver takes them."""
        given = {**self._fixed, **parameters}
        for name, process in self._to_driver.items():
            given[name] = process(given[name])
        return given if self._order is None else tuple(given[name] for name in self._order)

    def row(self, values: Sequence[Any], description: Sequence[Sequence[Any]]) -> Row[Any]:
        """A row of the driver's cursor, with every value converted to its column's type."""
        if self._from_driver is None:
            self._from_driver = self._processors(description)
        found = list(values)
        for place, process in self._from_driver:
            found[place] = process(found[place])
        return cast("Row[Any]", self._row_of._make(found))

    def _processors(self, description: Sequence[Sequence[Any]]) -> list[tuple[int, Processor]]:
        found: list[tuple[int, Processor]] = []
        for place, kind in enumerate(self._types.values()):
            process = kind.dialect_impl(self._dialect).result_processor(self._dialect, description[place][1])
            if process is not None:
                found.append((place, process))
        return found


def _run(connection: Connection, text: str, compiled: Compiled | None, parameters: Mapping[str, Any]) -> Outcome:
    """Run a statement, or a command where it isn't `compiled`."""
    cursor = None
    try:
        found = _command_by_libpq(connection, text) if compiled is None else compiled.run(connection, parameters)
        if found is not None:
            return found
        cursor = connection.connection.cursor()
        cursor.execute(text, () if compiled is None else compiled.arguments(parameters))
        description = cursor.description
        if compiled is None or description is None:
            return Outcome(cursor.rowcount, [])
        return Outcome(cursor.rowcount, [compiled.row(values, description) for values in cursor.fetchall()])
    except connection.dialect.loaded_dbapi.Error as error:
        raise_as_sqlalchemy(error, connection, cursor, text)
    except BaseException as error:
        if is_broken_off(error, connection.dialect):
            connection.invalidate(error)
        raise
    finally:
        if cursor is not None:
            cursor.close()


def _command_by_libpq(connection: Connection, text: str) -> Outcome | None:
    if connection.dialect.driver != "psycopg":
        return None
    from .libpq import link_of

    link = link_of(connection)
    if link is None:
        return None
    link.command(text)
    return Outcome(-1, [])


def raise_as_sqlalchemy(error: Any, connection: Connection, cursor: Any, text: str) -> NoReturn:
    """Raise an error as SQLAlchemy does. A lost connection is dropped, with those of the pool that are as old."""
    dialect = connection.dialect
    lost = dialect.is_disconnect(error, cast("Any", connection.connection.dbapi_connection), cursor)
    if lost:
        drop_connections(connection, error)
    raise DBAPIError.instance(
        text,
        None,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=lost,
        dialect=dialect,
    ) from error


@dataclass(frozen=True, slots=True, eq=False)
class Lent:
    """A connection, until when it may be kept, and where."""

    connection: Connection
    until: float
    idle: list[Lent]


class Kept:
    """The connections of one engine that are kept out of its pool. Each has one user at a time."""

    def __init__(self) -> None:
        self._idle: list[Lent] = []

    def lend(self, engine: Engine) -> Lent:
        """A connection that nobody else uses until `give_back` or `drop`. Raises as `engine.connect()`."""
        idle = self._idle
        while idle:
            try:
                lent = idle.pop()
            except IndexError:  # another thread was faster
                break
            if time.monotonic() < lent.until:
                return lent
            lent.connection.close()
        may_keep = _may_keep(engine)
        return Lent(engine.connect(), time.monotonic() + KEPT_SECONDS if may_keep else 0.0, idle)

    def give_back(self, lent: Lent) -> None:
        """Keep a connection on which nothing failed, or hand it back to the pool."""
        idle, connection = lent.idle, lent.connection
        if idle is not self._idle:  # `close` was called meanwhile, and the connection may be another pool's by now
            connection.detach()
            connection.close()
            return
        is_over = time.monotonic() >= lent.until
        if is_over or connection.in_transaction() or len(idle) >= MOST_KEPT or _somebody_waits(connection.engine.pool):
            connection.close()
            return
        idle.append(lent)
        if idle is not self._idle:
            _close(idle)

    def drop(self, lent: Lent, error: BaseException) -> None:
        """Hand a connection on which this failed back to the pool; where it was lost, the others too, which may be as dead."""
        lent.connection.close()
        if getattr(error, "connection_invalidated", False):
            self.close()

    def close(self) -> None:
        """Hand every connection back to the pool; one that is in use is closed when it is given back."""
        idle, self._idle = self._idle, []
        _close(idle)

    def release(self) -> None:
        """Hand those that nobody uses back to the pool, for whoever asks the pool itself."""
        _close(self._idle)

    def leave_to_the_parent(self) -> None:
        """Touch none of them any more, after a fork: not even the garbage collector may, as it would take the pool's lock."""
        if self._idle:
            _of_the_parent.append(self._idle)
            self._idle = []


_of_the_parent: list[list[Lent]] = []


def _close(idle: list[Lent]) -> None:
    while idle:
        try:
            lent = idle.pop()
        except IndexError:  # another thread closes them too
            return
        lent.connection.close()


def _may_keep(engine: Engine) -> bool:
    """Whether the pool keeps connections anyway, and nobody wants to hear of each checkout or have it checked."""
    pool = engine.pool
    if type(pool) is not QueuePool or pool.size() <= MOST_KEPT or pool._pre_ping:
        return False
    listeners = pool.dispatch
    return not (listeners.checkout or listeners.checkin or listeners.reset or engine.dispatch.engine_connect)


def _somebody_waits(pool: Any) -> bool:
    """Whether somebody may be waiting for a connection: the pool makes no more."""
    return bool(-1 < pool._max_overflow <= pool.overflow())  # -1: it always makes one more
