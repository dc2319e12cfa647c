"""What there is: the table of access tokens, its partitions, and what they are called."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, text

from ..engine import as_unavailable
from ..tables import access_token

if TYPE_CHECKING:
    from ..engine import Database

DAY = 86400
TABLE = access_token.name
REST = f"{TABLE}_rest"
_BOUND = re.compile(r"\('\\x([0-9a-f]{8})'\)")


class Part(NamedTuple):
    """A partition, or a table that is to become one: the seconds of issue that it is for. None: without an end there."""

    name: str
    since: int | None
    until: int | None


def is_partitioned(database: Database) -> bool:
    """Whether the table is partitioned, with one statement; on other databases False without any."""
    if database.engine.dialect.name != "postgresql":
        return False
    kind = text("SELECT relkind::text FROM pg_catalog.pg_class WHERE oid = to_regclass(:name)")
    with as_unavailable(), database.connect() as connection:
        return bool(connection.execute(kind, {"name": quoted(connection, TABLE)}).scalar() == "p")


def state_of(connection: Connection) -> list[Part]:
    """The partitions but for "rest", the oldest first. Call it in a transaction."""
    connection.exec_driver_sql("SET LOCAL bytea_output = hex")  # bounds are told as it says, too
    bounds = text(
        "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_catalog.pg_inherits"
        " JOIN pg_catalog.pg_class AS c ON c.oid = inhrelid WHERE inhparent = to_regclass(:name)"
    )
    found = []
    for name, bound in connection.execute(bounds, {"name": quoted(connection, TABLE)}):
        start, _, end = (bound or "").partition(" TO ")
        if end:
            found.append(Part(str(name), _second(start), _second(end)))
    return sorted(found, key=lambda part: part.until or 0)


def _second(bound: str) -> int | None:
    found = _BOUND.search(bound)
    return None if found is None else int(found[1], 16)


def quoted(connection: Connection, name: str) -> str:
    """A table's name as SQL has it, in the schema of the gateway's tables."""
    quote = connection.dialect.identifier_preparer.quote
    schema = connection.schema_for_object(access_token)
    return quote(name) if schema is None else f"{quote(schema)}.{quote(name)}"


def key(second: int) -> str:
    """The first key of a second, as SQL has it."""
    return f"'\\x{second:08x}'::bytea"


def day_of(second: int) -> str:
    """The day of a second, in UTC, as names and sentences have it."""
    return time.strftime("%Y%m%d", time.gmtime(second))


def midnight_after(second: int) -> int:
    """The next beginning of a day in UTC."""
    return second // DAY * DAY + DAY
