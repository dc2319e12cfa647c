"""Checks the version of the tables. The gateway works only on tables of its own version, and refuses others at the start.

`oauth_schema` has one row. Where the row is missing or older, all tables are checked once: they may have been made by
hand, by `db.create_all()` or by a migration, none of which writes the row.
"""

from __future__ import annotations

import logging
from contextlib import suppress

from sqlalchemy import Connection, Engine, insert, inspect, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

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


def _missing(connection: Connection) -> str | None:
    """The first table or column that should be there and isn't."""
    inspector = inspect(connection)
    where = connection.schema_for_object(schema)
    there = set(inspector.get_table_names(where))
    for table in metadata.sorted_tables:
        if table.name not in there:
            return f"the table {table.name}"
        columns = {column["name"] for column in inspector.get_columns(table.name, where)}
        for column in table.columns:
            if column.name not in columns:
                return f"the column {table.name}.{column.name}"
    return None


def _record(connection: Connection, found: int | None) -> None:
    if found is not None:
        connection.execute(update(schema).where(schema.c.version == found).values(version=SCHEMA_VERSION))
    else:
        with suppress(IntegrityError):  # another process was faster
            connection.execute(insert(schema).values(id=1, version=SCHEMA_VERSION))
