"""Stores revocation marks, for which every process refuses stateless tokens."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, union
from sqlalchemy.engine import Row

from ..database.engine import Database
from ..database.prepared import Prepared
from ..database.tables import revocation

FOREVER = 2**53
MAX_TOKEN_LIFETIME = 31 * 86400  # the longest life of a stateless token; a mark is kept as long
CACHE_SECONDS = 5  # for so long each process caches a client
OVERLAP_SECONDS = 30  # a row may become visible after one with a higher id: reads look back so far

_INSERT = Prepared(insert(revocation), ("mark", "issued_until", "revoked_at", "expires_at"))
_LIVE = select(revocation).where(revocation.c.expires_at > bindparam("now"))
_SINCE = Prepared(
    union(  # without OR and ORDER BY, for either of which SQLite reads the whole table
        _LIVE.where(revocation.c.id > bindparam("after")), _LIVE.where(revocation.c.revoked_at >= bindparam("recent"))
    )
)


class RevocationStore:
    """Appends marks, and reads those that are new."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        kind: str,
        *names: str,
        issued_until: int = FOREVER,
        expires_at: int | None = None,
        connection: Connection | None = None,
    ) -> None:
        """Add a mark: tokens that were issued up to `issued_until` (seconds since 1970) are refused; 0 undoes an earlier mark.

        `expires_at`: when the last of these tokens has expired; by default after the longest life of a stateless token.
        """
        now = int(time.time())
        values = {
            "mark": mark_of(kind, *names),
            "issued_until": issued_until,
            "revoked_at": now,
            "expires_at": (now + MAX_TOKEN_LIFETIME if expires_at is None else expires_at) + 3600,
        }
        if connection is not None:
            _INSERT.execute(connection, values)
        else:
            self._database.run(_INSERT, values)

    def switch(self, client_ids: Sequence[str], *, enabled: bool, connection: Connection) -> None:
        """Stop all stateless tokens of clients, or let them work again, in the caller's transaction."""
        until = 0 if enabled else int(time.time()) + 2 * CACHE_SECONDS  # other processes may issue for as long
        for client_id in client_ids:
            self.add("disabled client", client_id, issued_until=until, connection=connection)

    def marker(self, kind: str, *names: str) -> Callable[[Connection, int], None]:
        """A function that adds this mark in the caller's transaction."""
        return lambda connection, until: self.add(kind, *names, issued_until=until, connection=connection)

    def since(self, after: int) -> list[Row[Any]]:
        """The marks with a higher id than `after`, and those of the last seconds again."""
        now = int(time.time())
        rows = self._database.all(_SINCE, {"after": after, "recent": now - OVERLAP_SECONDS, "now": now})
        return sorted(rows, key=attrgetter("id"))


def mark_of(kind: str, *names: str) -> bytes:
    """The hash by which a mark is found."""
    return hashlib.sha256("\0".join((kind, *names)).encode()).digest()
