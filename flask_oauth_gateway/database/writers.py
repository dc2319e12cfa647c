"""Waits until whoever is writing to some tables at this moment has committed, so that the next statement sees all of it.

PostgreSQL alone needs this. An INSERT there decides by what was committed when it began: a revocation that commits while it
runs neither sees the new row nor is seen by it. On MariaDB such an INSERT locks what it decides by, and SQLite has one
writer at a time. (PostgreSQL's own CREATE INDEX CONCURRENTLY waits in the same way.)
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Table, column, func, select, table

from ..errors import TemporarilyUnavailable

if TYPE_CHECKING:
    from .engine import Database

MAX_SECONDS = 30
_LOCKS = table(
    "pg_locks", *map(column, ("virtualtransaction", "relation", "mode", "granted", "pid")), schema="pg_catalog"
)
_CLASSES = table("pg_class", *map(column, ("oid", "relname", "relnamespace")), schema="pg_catalog")


def wait_for_writers(database: Database, tables: Sequence[Table], *, but_for: Table) -> None:
    """Wait until every transaction that is writing to one of these tables now has ended; later ones don't count.

    `but_for`: nobody waits for those that write to this table too.
    Raises `TemporarilyUnavailable` where one goes on for longer than `MAX_SECONDS`.
    """
    if database.engine.dialect.name != "postgresql":
        return
    ends, pause, still = time.monotonic() + MAX_SECONDS, 0.001, None
    while still is None or still:
        found = _writers(database, tables) - _writers(database, [but_for])
        still = found if still is None else still & found
        if still and time.monotonic() > ends:
            raise TemporarilyUnavailable(
                "Another transaction is writing to the gateway's tables for too long. What was asked is only done in part:"
                " ask once more."
            )
        if still:
            time.sleep(pause)
            pause = min(pause * 2, 0.1)


def _writers(database: Database, tables: Sequence[Table]) -> set[str]:
    """The transactions that write to a table: each has this lock before it looks at what is there, and until it has ended."""
    schema = database.engine.get_execution_options().get("schema_translate_map", {}).get(None)
    ours = _CLASSES.c.relnamespace == func.to_regnamespace(func.quote_ident(schema))
    if schema is None:
        ours = func.pg_table_is_visible(_CLASSES.c.oid)
    named = select(_CLASSES.c.oid).where(_CLASSES.c.relname.in_([each.name for each in tables]), ours)
    writing = (_LOCKS.c.mode == "RowExclusiveLock", _LOCKS.c.relation.in_(named), _LOCKS.c.granted)
    statement = select(_LOCKS.c.virtualtransaction).where(*writing, _LOCKS.c.pid != func.pg_backend_pid())
    return {row.virtualtransaction for row in database.all(statement.distinct())}
