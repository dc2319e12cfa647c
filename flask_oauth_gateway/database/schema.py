"""Checks the version of the tables. The gateway works only on tables of its own version, and refuses others at the start.

`oauth_schema` has one row. Where the row is missing or older, all tables are checked once: they may have been made by
hand, by `db.create_all()` or by a migration, none of which writes the row.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from sqlalchemy import Column, Connection, Engine, MetaData, Table, insert, inspect, select, update
from sqlalchemy.engine.reflection import Inspector
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.schema import CreateColumn

from ..errors import TemporarilyUnavailable
from .tables import SCHEMA_VERSION, client, metadata, schema
from .upgrades import bring_over

logger = logging.getLogger(__name__)


class WrongTables(Exception):
    """The tables are not of the version that this package works on."""


def check_version(engine: Engine, *, complete: bool = True) -> bool:
    """Whether the tables are of this version; False where there are none, and, unless `complete`, where they are older.

    Raises `TemporarilyUnavailable` where the tables are newer, or, if `complete`, where one of them lacks something.
    """
    with engine.connect() as connection:
        try:
            row = connection.execute(select(schema.c.version)).first()
        except DBAPIError as error:
            where = connection.schema_for_object(client)
            if error.connection_invalidated or not inspect(connection).has_table(client.name, where):
                return False  # no tables yet, or no database: the first statement will fail
            row = None
        found = None if row is None else int(row[0])
        if found == SCHEMA_VERSION:
            return True
        if found is not None and found > SCHEMA_VERSION:
            _refuse(
                f"The tables are of version {found}, which a newer flask-oauth-gateway has made; this one knows version"
                f" {SCHEMA_VERSION}. Install the newer one again, or restore the backup from before the upgrade."
            )
        if not complete:
            return False
        missing = _missing(connection)
        if missing:
            _refuse(
                f"The tables are older than this flask-oauth-gateway: {missing} is missing. Bring them up to date"
                " (flask db migrate, flask db upgrade; or flask oauth init-db); see docs/upgrading.md."
            )
        bring_over(connection, found)
        _record(connection, found)
    return True


def _refuse(why: str) -> None:
    logger.error("%s", why)
    raise TemporarilyUnavailable from WrongTables(why)


def add_columns(engine: Engine) -> None:
    """Add the columns that tables of an older version lack, all of which may be empty. Raises SQLAlchemy's errors.

    A column that another process adds at the same moment is one of these errors: look again.
    """
    with engine.connect() as connection:
        inspector, where = inspect(connection), connection.schema_for_object(schema)
        for table, column in _missing_columns(inspector, where):
            if not column.nullable:  # a table of no version that there was
                continue
            named = connection.dialect.identifier_preparer.format_table(table.to_metadata(MetaData(schema=where)))
            defined = CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {named} ADD COLUMN {defined}")


def _missing_columns(inspector: Inspector, where: str | None) -> Iterator[tuple[Table, Column[Any]]]:
    for table in metadata.sorted_tables:
        columns = {column["name"] for column in inspector.get_columns(table.name, where)}
        yield from ((table, column) for column in table.columns if column.name not in columns)


def _missing(connection: Connection) -> str | None:
    """The first table or column that should be there and isn't."""
    inspector = inspect(connection)
    where = connection.schema_for_object(schema)
    there = set(inspector.get_table_names(where))
    for table in metadata.sorted_tables:
        if table.name not in there:
            return f"the table {table.name}"
    missing = next(_missing_columns(inspector, where), None)
    return None if missing is None else f"the column {missing[0].name}.{missing[1].name}"


def _record(connection: Connection, found: int | None) -> None:
    if found is not None:
        connection.execute(update(schema).where(schema.c.version == found).values(version=SCHEMA_VERSION))
    else:
        with suppress(IntegrityError):  # another process was faster
            connection.execute(insert(schema).values(id=1, version=SCHEMA_VERSION))
