"""Makes the partitions of the next days, and drops those that are past."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from .locking import attempts
from .state import DAY, REST, TABLE, Part, day_of, key, midnight_after, quoted, state_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..engine import Database

FEW = 10_000  # live tokens that a partition may have when it is dropped: they go to "rest"


def attach(connection: Connection, part: Part) -> None:
    """Make a table a partition of the table of access tokens."""
    since = "MINVALUE" if part.since is None else key(part.since)
    table, name = quoted(connection, TABLE), quoted(connection, part.name)
    connection.exec_driver_sql(
        f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({since}) TO ({key(part.until or 0)})"
    )


@contextmanager
def moving(connection: Connection, rows: Mapping[str, str]) -> Iterator[None]:
    """Take rows out of tables (by a table's name, the condition), and put them where they belong after what is done within."""
    table = quoted(connection, TABLE)
    connection.exec_driver_sql(f"CREATE TEMPORARY TABLE oauth_moving (LIKE {table}) ON COMMIT DROP")
    for name, condition in rows.items():
        connection.exec_driver_sql(
            f"WITH gone AS (DELETE FROM ONLY {name} WHERE {condition} RETURNING *)"  # noqa: S608, our own names
            " INSERT INTO oauth_moving SELECT * FROM gone"
        )
    yield
    connection.exec_driver_sql(f"INSERT INTO {table} SELECT * FROM oauth_moving")  # noqa: S608


def end_of_newest(database: Database) -> int:
    """The second at which the newest partition ends; 0 where there is none but "rest"."""
    return max((part.until or 0 for part in attempts(database, state_of)), default=0)


def make_ahead(database: Database, now: int, ahead: int, newest: int, *, dry_run: bool) -> Iterator[str]:
    """Make the partitions that are missing from the end of the newest one until so many days from now; yields what was done."""
    end = midnight_after(now) + ahead * DAY
    # After a pause that was too long, what is issued until midnight is in "rest", and stays there: it may be millions of rows.
    since = newest if newest > now else midnight_after(now)
    while since < end:
        part = Part(f"{TABLE}_{day_of(since)}", since, midnight_after(since))
        if not dry_run:
            attempts(database, partial(_make, part=part))
        yield f"The partition {part.name} {'would be' if dry_run else 'is'} made."
        since = midnight_after(since)


def _make(connection: Connection, part: Part) -> None:
    table, name, rest = (quoted(connection, each) for each in (TABLE, part.name, REST))
    connection.exec_driver_sql(f"LOCK TABLE {rest} IN ACCESS EXCLUSIVE MODE")
    connection.exec_driver_sql(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
    within = f"token_hash >= {key(part.since or 0)} AND token_hash < {key(part.until or 0)}"
    with moving(connection, {rest: within}):
        attach(connection, part)


def drop_past(database: Database, now: int, *, dry_run: bool) -> Iterator[str]:
    """Drop the partitions that are past and have few live tokens or none; yields what was done."""
    past = [part for part in attempts(database, state_of) if part.until is not None and part.until <= now]
    for part in past:
        count = attempts(database, partial(_live, part=part, now=now))
        if count <= FEW and not dry_run:
            found = attempts(database, partial(_drop, part=part, now=now))
            if found is None:  # many more were issued just now
                continue
            count = found
        if count > FEW:
            yield f"The partition {part.name} stays: more than {FEW} of its tokens are live."
        else:
            also = f"; {count} live tokens {'would go' if dry_run else 'went'} to {REST}" if count else ""
            yield f"The partition {part.name} {'would be' if dry_run else 'is'} dropped{also}."


def _live(connection: Connection, part: Part, now: int) -> int:
    """How many tokens of a partition have not expired, counted up to one more than `FEW`."""
    # By the index on the expiry: requests wait, and a table that was never analysed would be read from end to end.
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    few = f"SELECT 1 FROM {quoted(connection, part.name)} WHERE expires_at > :now LIMIT {FEW + 1}"  # noqa: S608
    return int(connection.execute(text(f"SELECT count(*) FROM ({few}) AS few"), {"now": now}).scalar_one())  # noqa: S608


def _drop(connection: Connection, part: Part, now: int) -> int | None:
    table, name = quoted(connection, TABLE), quoted(connection, part.name)
    connection.exec_driver_sql(f"LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE")
    count = _live(connection, part, now)
    if count > FEW:
        return None
    connection.exec_driver_sql(f"ALTER TABLE {table} DETACH PARTITION {name}")
    connection.execute(
        text(f"INSERT INTO {table} SELECT * FROM {name} WHERE expires_at > :now"),  # noqa: S608
        {"now": now},
    )
    connection.exec_driver_sql(f"DROP TABLE {name}")
    return count
