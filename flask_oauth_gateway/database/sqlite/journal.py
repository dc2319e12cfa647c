"""How SQLite keeps a file safe from a crash: by a rollback journal, which is its default, or a write-ahead log (WAL).

With a rollback journal each write waits for the disk several times, and nobody reads meanwhile. A file stays in the mode that
it was switched to, for everybody who opens it; so an app's own file is only switched when its owner asks.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import StaticPool

logger = logging.getLogger(__name__)

SLOW = (
    "its SQLite file has a rollback journal: a new token takes three times as long as with WAL, and readers wait for it"
)
SWITCH = "flask oauth init-db --wal switches the file, for the app too"
ROLLBACK = ("delete", "truncate", "persist")
_is_examined = ContextVar("_is_examined", default=False)


@contextmanager
def examined() -> Iterator[None]:
    """Have the log say nothing of the journal, as who examines the database says it."""
    token = _is_examined.set(True)
    try:
        yield
    finally:
        _is_examined.reset(token)


def warn_of_rollback_journal(engine: Engine) -> None:
    """Say in the log that the app's file has a rollback journal."""
    if not _is_examined.get() and has_rollback_journal(engine):
        logger.warning("The app's db: %s. %s.", SLOW, SWITCH)


def has_rollback_journal(engine: Engine) -> bool:
    """Whether this is a SQLite file in one of the modes with a rollback journal."""
    if engine.dialect.name != "sqlite" or isinstance(engine.pool, StaticPool):
        return False
    with engine.connect() as connection:
        connection.exec_driver_sql(
            "SELECT count(*) FROM sqlite_master"
        )  # a connection learns of a switch when it reads
        return str(connection.exec_driver_sql("PRAGMA journal_mode").scalar()).lower() in ROLLBACK


def switch_to_wal(engine: Engine) -> None:
    """Turn on write-ahead logging, for good, so that readers and a writer don't wait for each other."""
    for attempt in range(50):
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode=WAL")
        except OperationalError as error:  # this one change doesn't wait for SQLite's busy timeout
            if attempt == 49 or "locked" not in str(error.orig):
                raise
            time.sleep(0.1)
        else:
            return
