"""Waits until whoever is writing to some tables at this moment has committed, so that the next statement sees all of it.

PostgreSQL alone needs this. An INSERT there decides by what was committed when it began: a revocation that commits while it
runs neither sees the new row nor is seen by it. On MariaDB such an INSERT locks what it decides by, and SQLite has one
writer at a time. (PostgreSQL's own CREATE INDEX CONCURRENTLY waits in the same way.)
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Table, column, func, select, table

from ..errors import TemporarilyUnavailable

if TYPE_CHECKING:
    from .engine import Database

logger = logging.getLogger(__name__)

MAX_SECONDS = 10  # less than servers give a request
_LOCKS = table(
    "pg_locks",
    *map(column, ("virtualtransaction", "database", "relation", "mode", "granted", "pid")),
    schema="pg_catalog",
)
_DATABASES = table("pg_database", column("oid"), column("datname"), schema="pg_catalog")
_CLASSES = table("pg_class", *map(column, ("oid", "relname", "relnamespace")), schema="pg_catalog")


def wait_for_writers(database: Database, tables: Sequence[Table], *, but_for: Table) -> None:
    """Wait until every transaction that is writing to one of these tables now has ended; later ones don't count.

    `but_for`: nobody waits for those that write to this table too.
    Raises `TemporarilyUnavailable` where one goes on for longer than `MAX_SECONDS`.
    """
    if database.engine.dialect.name != "postgresql":
        return
    ends, pause = time.monotonic() + MAX_SECONDS, 0.001
    still: dict[str, int] | None = None
    while still is None or still:
        found, exempt = _writers(database, tables), _writers(database, [but_for])
        still = {
            each: found[each] for each in (found if still is None else still) if each in found and each not in exempt
        }
        if still and time.monotonic() > ends:
            logger.error(
                "A revocation waited %d seconds for the transactions of PostgreSQL's processes %s, which write to the gateway's"
                " tables: select * from pg_stat_activity shows whose they are.",
                MAX_SECONDS,
                ", ".join(map(str, sorted(set(still.values())))),
            )
            raise TemporarilyUnavailable(
                "Another transaction is writing to the gateway's tables for too long. What was asked is only done in part:"
                " ask once more."
            )
        if still:
            time.sleep(pause)
            pause = min(pause * 2, 0.1)


def _writers(database: Database, tables: Sequence[Table]) -> dict[str, int]:
    """The transactions that write to a table, each with its server process.

    Each has this lock before it looks at what is there, and until it has ended.
    """
    schema = database.engine.get_execution_options().get("schema_translate_map", {}).get(None)
    ours = _CLASSES.c.relnamespace == func.to_regnamespace(func.quote_ident(schema))
    if schema is None:
        ours = func.pg_table_is_visible(_CLASSES.c.oid)
    named = select(_CLASSES.c.oid).where(_CLASSES.c.relname.in_([each.name for each in tables]), ours)
    this = select(_DATABASES.c.oid).where(_DATABASES.c.datname == func.current_database()).scalar_subquery()
    writing = (_LOCKS.c.mode == "RowExclusiveLock", _LOCKS.c.granted, _LOCKS.c.pid != func.pg_backend_pid())
    there = (
        _LOCKS.c.database == this,
        _LOCKS.c.relation.in_(named),
    )  # a copy of a database has the same numbers of relations
    statement = select(_LOCKS.c.virtualtransaction, _LOCKS.c.pid).where(*writing, *there)
    return {row.virtualtransaction: row.pid for row in database.all(statement.distinct())}
