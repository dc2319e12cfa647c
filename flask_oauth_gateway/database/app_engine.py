"""The gateway's engine in an app that has a `db`: the app's own once more, with connections of its own in autocommit mode.

How the app connects is the app's business: a creator, credentials that a listener hands out, TLS, a pool class. All of it is
in the app's engine, however that was made, so ours is made from it and from no setting.
"""

from __future__ import annotations

import threading
from copy import copy
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import (
    AssertionPool,
    ConnectionPoolEntry,
    NullPool,
    Pool,
    QueuePool,
    SingletonThreadPool,
    StaticPool,
)

from ..errors import TemporarilyUnavailable
from .broken_off import drop_when_broken_off
from .engine import SQLITE_BUSY_SECONDS, let_go_of, logger
from .servers import mariadb, pooler
from .servers.standbys import drop_when_read_only
from .tables import schema

if TYPE_CHECKING:
    from flask_sqlalchemy import SQLAlchemy

# What SQLAlchemy's own `Pool.recreate` and `create_engine` do needs the members that they do it with.
# ruff: noqa: SLF001

_SQLITE_DEFAULT = 5000  # milliseconds: the busy timeout of a connection for which the app names none
_FOR_ONE_AT_A_TIME = (StaticPool, SingletonThreadPool, AssertionPool)


def engine_beside(db: SQLAlchemy, *, prepared: bool | None) -> Engine:
    """An engine that reaches the tables that `db.create_all()` makes. Needs the app's context.

    `prepared`: whether statements may have names; `None`: it is found out.
    It is one on the app's own connection, in a `StaticPool`, where the app's database is in memory. Raises
    `TemporarilyUnavailable` where the database can't be reached, or `db` has none for its tables.
    """
    if None not in db.engines:
        logger.error("The app's db has binds, but no database for tables without one: set SQLALCHEMY_DATABASE_URI.")
        raise TemporarilyUnavailable
    theirs = db.engine.engine  # the app's tests may have put a connection there
    options = _options(db, theirs)
    if isinstance(theirs.pool, StaticPool) and _is_in_memory(theirs.dialect, theirs.pool.connection.dbapi_connection):
        return _borrow(theirs, options)
    pool = _pool(QueuePool, theirs.pool) if isinstance(theirs.pool, _FOR_ONE_AT_A_TIME) else theirs.pool.recreate()
    ours = _engine(theirs, pool, options, prepared)
    with let_go_of(ours), ours.connect() as connection:
        ours.dialect.initialize(connection)
        dbapi_connection = connection.connection.dbapi_connection
        in_memory = _is_in_memory(ours.dialect, dbapi_connection)
        of_one_thread = ours.dialect.name == "sqlite" and _is_of_one_thread(dbapi_connection)
    if in_memory:
        ours.dispose()
        return _borrow(theirs, options)
    if of_one_thread:  # each statement then has a connection of its own
        ours.dispose()
        return _engine(theirs, _pool(NullPool, theirs.pool), options, prepared)
    return ours


def _options(db: SQLAlchemy, theirs: Engine) -> dict[str, Any]:
    """What is said for each statement: the schema of the app's tables alone. An isolation level would end autocommit."""
    translated = theirs.get_execution_options().get("schema_translate_map") or {}
    name = translated.get(db.metadata.schema, db.metadata.schema)
    return {"schema_translate_map": {schema.schema: name}} if name else {}


def _engine(theirs: Engine, pool: Pool, options: dict[str, Any], prepared: bool | None) -> Engine:
    """An engine on a pool of its own, which connects as theirs does, and speaks their dialect."""
    dialect = copy(theirs.dialect)
    dialect.skip_autocommit_rollback = True
    dialect._on_connect_isolation_level = "AUTOCOMMIT"
    drop_when_read_only(dialect)
    drop_when_broken_off(dialect)

    def make_ready(dbapi_connection: Any, record: object) -> None:
        """Turn to autocommit: the last listener, after those of the app."""
        dialect.do_commit(dbapi_connection)  # what a listener has begun
        dialect.set_isolation_level(dbapi_connection, "AUTOCOMMIT")
        pooler.make_ready(dialect, dbapi_connection, prepared)
        mariadb.make_ready(ours, dbapi_connection)
        if dialect.name == "sqlite":
            _make_sqlite_ready(dbapi_connection)

    event.listen(pool, "connect", make_ready)
    tell_as_the_driver(pool, dialect)
    pool._dialect = dialect
    ours = Engine(pool, dialect, theirs.url, hide_parameters=True, execution_options=options)
    return ours


def _make_sqlite_ready(dbapi_connection: Any) -> None:
    if getattr(dbapi_connection, "autocommit", None) is False:  # Python 3.12 has two settings
        dbapi_connection.autocommit = True
    if _value(dbapi_connection, "PRAGMA busy_timeout") == _SQLITE_DEFAULT:
        dbapi_connection.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_SECONDS * 1000}")


def tell_as_the_driver(pool: Pool, dialect: Dialect) -> None:
    """Have errors of what connects (no credentials or certificates to be had) told as the driver tells that it can't connect."""
    create = pool._invoke_creator

    def connect(rec: ConnectionPoolEntry) -> DBAPIConnection:
        try:
            return create(rec)
        except dialect.loaded_dbapi.Error:
            raise
        except Exception as error:
            raise dialect.loaded_dbapi.OperationalError(f"{type(error).__name__}: {error}") from error

    pool._creator = connect


def _pool(kind: type[Pool], theirs: Pool) -> Pool:
    """A pool of another class, otherwise like theirs."""
    return kind(
        theirs._creator,
        recycle=theirs._recycle,
        pre_ping=theirs._pre_ping,
        reset_on_return=theirs._reset_on_return,
        _dispatch=theirs.dispatch,
    )


def _is_in_memory(dialect: Dialect, dbapi_connection: Any) -> bool:
    return dialect.name == "sqlite" and not _value(dbapi_connection, "PRAGMA database_list", column=2)


def _value(dbapi_connection: Any, query: str, column: int = 0) -> Any:
    return dbapi_connection.execute(query).fetchone()[column]


def _is_of_one_thread(dbapi_connection: Any) -> bool:
    """Whether SQLite's driver refuses the connection in every other thread, as it does unless a creator says otherwise."""
    refused = []

    def use() -> None:
        try:
            dbapi_connection.cursor().close()
        except Exception as error:  # noqa: BLE001, its class depends on the driver
            refused.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    return bool(refused)


def _borrow(theirs: Engine, options: dict[str, Any]) -> Engine:
    """An engine on the app's one connection, which leaves its transactions to the app."""
    connection = theirs.raw_connection()  # never given back to the pool, which would roll the app's work back
    borrowed = create_engine(
        "sqlite://", creator=lambda: connection.dbapi_connection, poolclass=StaticPool, execution_options=options
    )
    borrowed.dialect.do_commit = _leave_to_the_app  # type: ignore[method-assign]
    borrowed.dialect.do_rollback = _leave_to_the_app  # type: ignore[method-assign]
    return borrowed


def _leave_to_the_app(dbapi_connection: object) -> None:
    """Do nothing: the app ends its transaction itself."""
