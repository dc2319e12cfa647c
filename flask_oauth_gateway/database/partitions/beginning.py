"""Makes an ordinary table a partitioned one, without rewriting it and while requests go on.

1. The table is put aside, and is a child of a new, empty one of its name: what asks for tokens finds both, what stores one
   writes to the new one. So nothing is written to the old one that its later bounds don't allow.
2. What is in the old one and yet not within these bounds (by chance: tokens of before have random keys) goes to "rest", in
   small portions. Then PostgreSQL checks that nothing else is there, while requests go on.
3. The old one, the new one and "rest" become partitions of a third, in a moment, as nothing has to be looked through.

A run that was killed in between is begun anew: what was written since is put aside too.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text
from sqlalchemy.schema import CreateIndex

from ..tables import access_token
from .days import attach, moving
from .locking import attempts
from .state import REST, TABLE, Part, day_of, key, midnight_after, quoted

if TYPE_CHECKING:
    from ..engine import Database

_ASIDE = f"{TABLE}_until_"
_BATCH = 5000
_BOUNDS = "oauth_issued_within"


def begin(database: Database, now: int, *, dry_run: bool) -> Iterator[str]:
    """Partition the table; yields what was done."""
    if dry_run:
        yield f"The table {TABLE} would become partitioned."
        return
    attempts(database, partial(_put_aside, now=now))
    with database.connect() as connection:
        aside = _aside(connection)
    moved = 0
    for part in aside:
        while True:
            count = attempts(database, partial(_move_some, part=part, now=now))
            if not count:
                break
            moved += count
        attempts(database, partial(_bind, part=part))
        attempts(database, partial(_validate, part=part))
    attempts(database, partial(_join, now=now))
    yield f"The table {TABLE} is partitioned now."
    if moved:
        yield f"{moved} tokens in the form of an older version went to the partition {REST}, or had expired."


def end_of_first(since: int) -> int:
    """When the first partition of a day ends, which begins with this second: not a moment later, as the next has to be made."""
    return midnight_after(since + 3600)


def _aside(connection: Connection) -> list[Part]:
    """The tables that were put aside, the oldest first. Each one's name ends in the second until which it was written to."""
    names = text(
        "SELECT c.relname FROM pg_catalog.pg_inherits JOIN pg_catalog.pg_class AS c ON c.oid = inhrelid"
        " WHERE inhparent = to_regclass(:name) AND starts_with(c.relname, :start) ORDER BY c.relname"
    )
    given = {"name": quoted(connection, TABLE), "start": _ASIDE}
    found: list[Part] = []
    for (name,) in connection.execute(names, given):
        found.append(Part(name, found[-1].until if found else None, int(name.removeprefix(_ASIDE), 16)))
    return found


def _put_aside(connection: Connection, now: int) -> None:
    table, rest = quoted(connection, TABLE), quoted(connection, REST)
    connection.exec_driver_sql(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    before = _aside(connection)
    until = max([now, *(part.until for part in before if part.until is not None)]) + 1
    name = f"{_ASIDE}{until:08x}"
    aside = quoted(connection, name)
    children = [part.name for part in before] + ([REST] if before else [])
    for child in children:
        connection.exec_driver_sql(f"ALTER TABLE {quoted(connection, child)} NO INHERIT {table}")
    _rename(connection, name, f"_{until:08x}")
    connection.exec_driver_sql(f"CREATE TABLE {table} (LIKE {aside} INCLUDING ALL)")
    if not before:
        connection.exec_driver_sql(f"CREATE TABLE {rest} (LIKE {aside} INCLUDING ALL)")
    for child in (name, *(children or [REST])):
        connection.exec_driver_sql(f"ALTER TABLE {quoted(connection, child)} INHERIT {table}")


def _rename(connection: Connection, name: str, suffix: str) -> None:
    """Give the table another name, and its indexes theirs with a suffix, so that the next table may have them."""
    table = quoted(connection, TABLE)
    indexes = text("SELECT c.relname FROM pg_catalog.pg_index JOIN pg_catalog.pg_class AS c ON c.oid = indexrelid"
                   " WHERE indrelid = to_regclass(:name)")  # fmt: skip
    for (index,) in connection.execute(indexes, {"name": table}).all():
        new = connection.dialect.identifier_preparer.quote(index[: 63 - len(suffix)] + suffix)
        connection.exec_driver_sql(f"ALTER INDEX {quoted(connection, index)} RENAME TO {new}")
    connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO {name}")


def _move_some(connection: Connection, part: Part, now: int) -> int:
    """Move some rows that are not within a table's bounds to "rest", and delete those that have expired; returns how many."""
    table, rest = quoted(connection, part.name), quoted(connection, REST)
    outside = f"token_hash >= {key(part.until or 0)}"
    if part.since is not None:
        outside += f" OR token_hash < {key(part.since)}"
    # Who is changing one of these rows is waited for, and who comes next waits: else a revocation would miss its row.
    connection.exec_driver_sql(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
    move = text(
        f"WITH chosen AS (SELECT token_hash FROM ONLY {table} WHERE {outside} LIMIT {_BATCH}),"  # noqa: S608, our own names
        f" gone AS (DELETE FROM ONLY {table} AS t USING chosen WHERE t.token_hash = chosen.token_hash RETURNING t.*),"
        f" kept AS (INSERT INTO {rest} SELECT * FROM gone WHERE expires_at > :now)"
        " SELECT count(*) FROM gone"
    )
    return int(connection.execute(move, {"now": now}).scalar_one())


def _bind(connection: Connection, part: Part) -> None:
    """Say what bounds a table has: only now, as PostgreSQL holds an UPDATE of a row against them too."""
    table = quoted(connection, part.name)
    since = "" if part.since is None else f"token_hash >= {key(part.since)} AND "
    connection.exec_driver_sql(
        f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {_BOUNDS},"
        f" ADD CONSTRAINT {_BOUNDS} CHECK ({since}token_hash < {key(part.until or 0)}) NOT VALID"
    )


def _validate(connection: Connection, part: Part) -> None:
    table = quoted(connection, part.name)
    connection.exec_driver_sql(f"ALTER TABLE {table} VALIDATE CONSTRAINT {_BOUNDS}")


def _join(connection: Connection, now: int) -> None:
    """Make all of them partitions of a new table."""
    table, rest = quoted(connection, TABLE), quoted(connection, REST)
    connection.exec_driver_sql(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    aside = _aside(connection)
    since = aside[-1].until or 0
    until = end_of_first(max(since, now))
    for child in (*(part.name for part in aside), REST):
        connection.exec_driver_sql(f"ALTER TABLE {quoted(connection, child)} NO INHERIT {table}")
    newest = f"{TABLE}_{day_of(until - 1)}"
    _rename(connection, newest, f"_{day_of(until - 1)}")
    new = quoted(connection, newest)
    connection.exec_driver_sql(
        f"CREATE TABLE {table} (LIKE {new} INCLUDING DEFAULTS INCLUDING STORAGE) PARTITION BY RANGE (token_hash)"
    )
    connection.exec_driver_sql(f"ALTER TABLE {table} ADD CONSTRAINT {TABLE}_pkey PRIMARY KEY (token_hash)")
    for index in sorted(access_token.indexes, key=lambda index: str(index.name)):
        connection.execute(CreateIndex(index))
    for part in aside:
        attach(connection, part)
        connection.exec_driver_sql(f"ALTER TABLE {quoted(connection, part.name)} DROP CONSTRAINT {_BOUNDS}")
    strays = f"token_hash < {key(since)} OR token_hash >= {key(until)}"
    with moving(connection, {new: strays, rest: f"token_hash < {key(until)}"}):
        attach(connection, Part(newest, since, until))
        connection.exec_driver_sql(f"ALTER TABLE {table} ATTACH PARTITION {rest} DEFAULT")
