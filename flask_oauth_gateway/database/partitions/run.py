"""Partitions the table, makes the partitions of the next days, and drops those that are past.

A partition that is past, and whose tokens have expired, is dropped as a whole, where deleting its rows would take minutes.
What was issued on a day stands in the partition of that day, what fits nowhere in the one called "rest". Each step is a
transaction that looks first at what is there, and waits for its locks for two seconds at most: so a run that is killed is
gone on with by the next one, and requests wait for a moment only.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from ..engine import Database, as_unavailable
from .beginning import begin, end_of_first
from .days import drop_past, end_of_newest, make_ahead
from .locking import transaction
from .state import is_partitioned

_ONE_RUN = 7_021_735_411_968_310_120  # of pg_advisory_xact_lock; any number that nobody else has


class NotPostgreSQL(Exception):
    """Only PostgreSQL has such partitions."""


class AnotherRun(Exception):
    """Another process is doing the same at this moment."""


def partition(database: Database, *, ahead: int, dry_run: bool) -> Iterator[str]:
    """Partition the table if it isn't yet, make the partitions of the next days, and drop those that are past.

    `ahead`: for how many days. Yields a sentence for each thing done, or for each that would be done with `dry_run`.
    Raises `NotPostgreSQL`, `AnotherRun`, and `TemporarilyUnavailable` where a lock isn't to be had.
    """
    if database.engine.dialect.name != "postgresql":
        raise NotPostgreSQL
    with _alone(database):
        now = int(time.time())
        if not is_partitioned(database):
            yield from begin(database, now, dry_run=dry_run)
            if dry_run:
                yield from make_ahead(database, now, ahead, end_of_first(now + 1), dry_run=True)
                return
        yield from make_ahead(database, now, ahead, end_of_newest(database), dry_run=dry_run)
        yield from drop_past(database, now, dry_run=dry_run)


@contextmanager
def _alone(database: Database) -> Iterator[Connection]:
    """Hold a lock for the whole run: in a transaction of its own, as behind a pooler nothing else stays."""
    with as_unavailable(), transaction(database) as connection:
        connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
        if not connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({_ONE_RUN})").scalar():
            raise AnotherRun
        yield connection
