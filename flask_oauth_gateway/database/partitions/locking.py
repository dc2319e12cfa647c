"""Transactions that change tables: they ask for their locks for a short time, and again, so that no request waits behind them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from ..engine import as_unavailable

if TYPE_CHECKING:
    from ..engine import Database

LOCK_TIMEOUT = "2s"
ATTEMPTS = 20
_NOT_TO_BE_HAD = ("55P03", "40P01")  # lock_not_available, deadlock_detected

Done = TypeVar("Done")


@contextmanager
def transaction(database: Database) -> Iterator[Connection]:
    """A transaction that waits for no lock for longer than `LOCK_TIMEOUT`."""
    with database.connect() as plain:
        connection = plain.execution_options(isolation_level="READ COMMITTED")
        with connection.begin():
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            yield connection


def attempts(database: Database, work: Callable[[Connection], Done]) -> Done:
    """Do the work in a transaction, again where its locks aren't to be had. Raises `TemporarilyUnavailable`."""
    with as_unavailable():
        for attempt in range(ATTEMPTS):
            try:
                with transaction(database) as connection:
                    return work(connection)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in _NOT_TO_BE_HAD or attempt == ATTEMPTS - 1:
                    raise
                time.sleep(0.2 * (attempt + 1))  # those who waited behind go first
    raise AssertionError
