"""Recognises a server that is no longer the primary, or never was: to a standby, nothing can be written.

What such a server refuses counts as a lost connection, so that the pool opens new ones. Nothing of the statement, or of its
transaction, has happened there: it begins anew on another connection (`database/deadlocks.py`). A URL with several hosts and
`target_session_attrs=read-write` leads that one to the new primary.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import URL, Connection
from sqlalchemy.engine import Dialect

READ_ONLY = "25006"  # read_only_sql_transaction


def is_read_only(error: Any) -> bool:
    """Whether a driver's error says that the server takes no writes."""
    return READ_ONLY in (getattr(error, "sqlstate", None), getattr(error, "pgcode", None))


def drop_when_read_only(dialect: Dialect) -> None:
    """Have a dialect take a connection for lost where the server takes no writes. A second time it changes nothing."""
    is_lost = dialect.is_disconnect
    if isinstance(is_lost, _LostOrReadOnly):
        return
    dialect.is_disconnect = _LostOrReadOnly(is_lost)  # type: ignore[method-assign, assignment]


class _LostOrReadOnly:
    def __init__(self, is_lost: Callable[[Any, Any, Any], bool]) -> None:
        self._is_lost = is_lost

    def __call__(self, error: Any, connection: Any, cursor: Any) -> bool:
        return is_read_only(error) or self._is_lost(error, connection, cursor)


def drop_connections(connection: Connection, error: Any) -> None:
    """Drop a connection, and with it those of the pool that are as old: they lead to the same server."""
    if not connection.invalidated:
        connection.engine.pool._invalidate(connection.connection, error)  # noqa: SLF001 (as SQLAlchemy itself does)
    connection.invalidate(error)


def spread(url: URL) -> URL:
    """The same URL, with hosts that are separated by commas, as libpq has them, given as SQLAlchemy reads them."""
    hosts = url.query.get("host")
    if not isinstance(hosts, str) or "," not in hosts or ":" not in hosts:
        return url
    return url.set(query={**url.query, "host": tuple(hosts.split(","))})
