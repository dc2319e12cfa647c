"""Connects the gateway to its database: the app's, or one of its own."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask
from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.pool import StaticPool

from ..config.readers.database_uri import check_driver
from ..errors import TemporarilyUnavailable
from .app_engine import engine_beside
from .broken_off import drop_when_broken_off
from .engine import SQLITE_BUSY_SECONDS, Database, Foreseen, let_go_of
from .schema import add_columns, check_version
from .servers import mariadb, pooler
from .servers.standbys import drop_when_read_only, spread
from .sqlite.in_memory import InMemoryDatabase, UnopenedDatabase
from .sqlite.journal import switch_to_wal, warn_of_rollback_journal
from .tables import add_to, metadata
from .tables import schema as schema_table

if TYPE_CHECKING:
    from flask_sqlalchemy import SQLAlchemy

logger = logging.getLogger(__name__)


def database_of(app: Flask, db: SQLAlchemy | None, uri: str | None, *, prepared: bool | None) -> Database:
    """The app's database over connections of the gateway's own, or, where the app has no `db`, the gateway's own database.

    `uri`: that of the latter. `prepared`: whether statements may have names; `None`: it is found out.
    """
    return _embedded(app, uri, prepared) if db is None else _of_the_app(app, db, prepared)


def _of_the_app(app: Flask, db: SQLAlchemy, prepared: bool | None) -> Database:
    """The app's database. Puts the tables on `db.metadata`."""
    add_to(db.metadata)

    def connect() -> Engine:
        with app.app_context():
            engine = engine_beside(db, prepared=prepared)
        if not isinstance(engine.pool, StaticPool):
            with let_go_of(engine):
                check_version(engine)
                if not app.testing:
                    warn_of_rollback_journal(engine)
        return engine

    schema = db.metadata.schema
    foreseen = _foreseen(app.config.get("SQLALCHEMY_DATABASE_URI"), {schema_table.schema: schema} if schema else {})
    return UnopenedDatabase(connect, foreseen)


def _embedded(app: Flask, uri: str | None, prepared: bool | None) -> Database:
    """The gateway's own database, whose tables are made on first use."""

    def connect() -> Engine:
        if uri is None:
            folder = Path(app.instance_path)
            _make_folder(folder)
            url = URL.create("sqlite", database=str(folder / "oauth.db"))
        else:
            url = make_url(uri)
        options: dict[str, Any] = {"poolclass": StaticPool} if in_memory else {}
        engine = make_engine(url, options, prepared=prepared)
        if url.get_backend_name() == "sqlite":
            event.listen(engine, "connect", _set_synchronous_normal)
        with let_go_of(engine):
            if not check_version(engine, complete=False):  # another process may be making the tables
                if engine.dialect.name == "sqlite" and not in_memory:
                    switch_to_wal(engine)
                create_tables(engine)
                check_version(engine)
        return engine

    if uri is not None:
        check_driver(uri)
    in_memory = uri is not None and _is_in_memory(make_url(uri))
    foreseen = _foreseen("sqlite://" if uri is None else uri, {})
    return InMemoryDatabase(connect, foreseen) if in_memory else Database(connect, foreseen)


def _foreseen(uri: Any, schemas: dict[str | None, str]) -> Foreseen | None:
    """The dialect of a URL, and the schemas; `None` where nothing can be told before it is connected to."""
    try:
        dialect: Any = make_url(uri).get_dialect()
        return dialect(dbapi=dialect.import_dbapi()), schemas
    except Exception:  # noqa: BLE001, of whatever class: what connects says what is wrong with it
        return None


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        logger.error(
            "The folder of the gateway's database can't be made: %s. Make it, or set OAUTH_DATABASE_URI.", error
        )
        raise TemporarilyUnavailable from error


def make_engine(url: URL, options: dict[str, Any], *, prepared: bool | None = None) -> Engine:
    """An engine in autocommit mode, as BEGIN and ROLLBACK around a single statement cost two more round trips."""
    options = {"hide_parameters": True, "skip_autocommit_rollback": True, **options, "isolation_level": "AUTOCOMMIT"}
    if url.get_backend_name() == "sqlite":
        options["connect_args"] = {
            "timeout": SQLITE_BUSY_SECONDS, "check_same_thread": False, **options.get("connect_args", {})
        }  # fmt: skip
    threshold = url.query.get("prepare_threshold")
    if threshold is not None:  # psycopg takes no text
        given = {"prepare_threshold": None if threshold == "None" else int(str(threshold))}
        options["connect_args"] = {**given, **options.get("connect_args", {})}
        url = url.difference_update_query(["prepare_threshold"])
    engine = create_engine(spread(url), **options)
    drop_when_read_only(engine.dialect)
    drop_when_broken_off(engine.dialect)

    def make_ready(connection: Any, record: object) -> None:
        pooler.make_ready(engine.dialect, connection, prepared)
        mariadb.make_ready(engine, connection)

    event.listen(engine, "connect", make_ready)
    return engine


def create_tables(engine: Engine) -> None:
    """Make the tables and columns that are missing, even while other processes do the same."""
    with engine.connect():  # raises at once, without the tries below, where the database can't be reached
        pass
    for attempt in range(5):
        try:
            metadata.create_all(engine)
            add_columns(engine)
        except (IntegrityError, OperationalError, ProgrammingError):  # another process has made a table in between
            if attempt == 4:
                raise
            time.sleep(0.1 * (attempt + 1))
        else:
            return


def _set_synchronous_normal(connection: Any, record: object) -> None:
    """Write without waiting for the disk: with WAL, only a power cut can lose the last transactions, and it tears none."""
    connection.execute("PRAGMA synchronous=NORMAL")


def _is_in_memory(url: URL) -> bool:
    name = url.database or ""
    return url.get_backend_name() == "sqlite" and (
        name in ("", ":memory:", "file::memory:") or url.query.get("mode") == "memory"
    )
