"""Reads from replicas, which may be late, and may be away: whoever reads here asks the primary where a replica can't tell.

A replica that can't be reached is left alone for some seconds. Then one request tries it again, and the others go on without.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ...config.checks import ConfigurationError
from ...errors import TemporarilyUnavailable, without_secrets
from ..app_engine import tell_as_the_driver
from ..connect import make_engine
from ..engine import Database, Statement, executed

AWAY_SECONDS = 5
POOL_SECONDS = 1  # for which a request waits for a connection, instead of asking the primary
LOG_SECONDS = 60
#: What connecting to a replica and waiting for it may take, where its URL doesn't say: the primary can answer instead.
IMPATIENT: Mapping[str, Mapping[str, Any]] = {
    "psycopg": {"connect_timeout": 2, "tcp_user_timeout": 3000},
    "psycopg2": {"connect_timeout": 2, "tcp_user_timeout": 3000},
    "pymysql": {"connect_timeout": 2, "read_timeout": 3},
}
#: The server has ended the statement alone, as it got in the way of what the primary sent: it is well.
CANCELLED = ("40001", "57014")

logger = logging.getLogger(__name__)

Found = TypeVar("Found")
#: Makes of a connection, and the first row that it gave, what the asker wants; `None` where that has to be asked of the primary.
Judge = Callable[[Connection, Any], Found | None]


class Replica(Database):
    """One server that is read from. `place`: its number among `OAUTH_DATABASE_READ_URIS`, as its URL may hold a password."""

    def __init__(self, primary: Database, uri: str, place: int, *, prepared: bool | None) -> None:
        super().__init__(lambda: _engine(primary, uri, place, prepared=prepared))
        self.place = place
        self.away_until = 0.0  # 0: it answers
        self._complained_at = -1e9

    def ask(self, statement: Statement, parameters: Mapping[str, Any], judge: Judge[Found]) -> Found | None:
        """What `judge` makes of the first row. Raises SQLAlchemy's errors, and `TemporarilyUnavailable`."""
        for is_last in (False, True):
            try:
                lent = self._kept.lend(self._engine or self.engine)
                try:
                    found = judge(lent.connection, executed(lent.connection, statement, parameters).first())
                except BaseException as error:
                    self._kept.drop(lent, error)
                    raise
                self._kept.give_back(lent)
                return found
            except DBAPIError as error:
                if is_last or not error.connection_invalidated:  # else it has died in the pool
                    raise
        raise AssertionError  # never reached

    def leave(self, error: Exception) -> None:
        """Leave it alone for a while, and say why, but at most once a minute."""
        now = time.monotonic()
        self.away_until = now + AWAY_SECONDS
        if now - self._complained_at >= LOG_SECONDS:
            self._complained_at = now
            why = without_secrets(getattr(error, "orig", None) or error).strip().split("\n", 1)[0]
            logger.warning("OAUTH_DATABASE_READ_URIS[%d] is left out: %s", self.place, why)


class Replicas:
    """All of an app's replicas, which take turns."""

    def __init__(self, primary: Database, uris: Sequence[str], *, prepared: bool | None) -> None:
        self.every = [Replica(primary, uri, place, prepared=prepared) for place, uri in enumerate(uris)]
        self._turn = count()

    def first(self, statement: Statement, parameters: Mapping[str, Any], judge: Judge[Found]) -> Found | None:
        """What `judge` makes of the first row, at the replica whose turn it is; `None` where the primary has to be asked."""
        start, size = next(self._turn), len(self.every)
        for step in range(size):
            replica = self.every[(start + step) % size]
            was_away = replica.away_until
            if was_away:
                now = time.monotonic()
                if now < was_away:
                    continue
                replica.away_until = now + AWAY_SECONDS  # the others go on without it meanwhile
            try:
                found = replica.ask(statement, parameters, judge)
            except PoolTimeout:
                return None
            except (SQLAlchemyError, TemporarilyUnavailable) as error:
                if getattr(getattr(error, "orig", None), "sqlstate", None) in CANCELLED:
                    return None
                replica.leave(error)
                continue
            if was_away:
                replica.away_until = 0.0
            return found
        return None

    def dispose(self) -> None:
        """Close every connection; the next look-up opens new ones."""
        for replica in self.every:
            replica.dispose()


def _engine(primary: Database, uri: str, place: int, *, prepared: bool | None) -> Engine:
    """An engine as the primary's, which finds the tables in the same schema."""
    url = make_url(uri)
    ours, theirs = url.get_backend_name(), primary.engine.dialect.name
    if (ours == "postgresql") != (theirs == "postgresql"):  # what the start can't see, as of a `db` with a creator
        raise _cannot_connect(ConfigurationError("OAUTH_DATABASE_READ_URIS", ours, f"a replica of {theirs}"))
    patience = {
        name: value for name, value in IMPATIENT.get(url.get_driver_name(), {}).items() if name not in url.query
    }
    options: dict[str, Any] = {
        "connect_args": patience,
        "pool_timeout": POOL_SECONDS,
        "execution_options": dict(primary.engine.get_execution_options()),
    }
    try:
        engine = make_engine(url, options, prepared=prepared)
    except Exception as error:  # an option of the URL that can't be read: of whatever class
        raise _cannot_connect(error) from error
    tell_as_the_driver(engine.pool, engine.dialect)
    return engine


def _cannot_connect(error: Exception) -> Exception:
    """What stands for this error, as for a server that can't be reached."""
    return cast("Exception", DBAPIError.instance(None, None, error, Exception))
