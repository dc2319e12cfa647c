"""Revocation marks: what stateless tokens are refused for, wherever they are checked."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, bindparam, insert, or_, select
from sqlalchemy.engine import Row

from .database import Database
from .tables import revocation

FOREVER = 2**53
MAX_TOKEN_LIFETIME = 31 * 86400  # of a stateless token; a mark is kept for as long
OVERLAP_SECONDS = 30  # an id may be given out before one that is seen first: look back a little

_INSERT = insert(revocation)
_SINCE = (
    select(revocation)
    .where(or_(revocation.c.id > bindparam("after"), revocation.c.revoked_at >= bindparam("recent")))
    .where(revocation.c.expires_at > bindparam("now"))
    .order_by(revocation.c.id)
)


class RevocationStore:
    """Appends marks, and reads those that are new."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, kind: str, *names: str, issued_until: int = FOREVER, connection: Connection | None = None) -> None:
        """Refuse what was issued up to a time (seconds since 1970; left out: all of it); 0 takes an earlier mark back."""
        now = int(time.time())
        values = {
            "mark": mark_of(kind, *names),
            "issued_until": issued_until,
            "revoked_at": now,
            "expires_at": now + MAX_TOKEN_LIFETIME + 3600,
        }
        if connection is not None:
            connection.execute(_INSERT, values)
        else:
            self._database.run(_INSERT, values)

    def marker(self, kind: str, *names: str) -> Callable[[Connection, int], None]:
        """A function that adds this mark in a transaction of somebody else's."""
        return lambda connection, until: self.add(kind, *names, issued_until=until, connection=connection)

    def since(self, after: int) -> list[Row[Any]]:
        """The marks with a higher id than `after`, and those of the last seconds again."""
        now = int(time.time())
        return self._database.all(_SINCE, {"after": after, "recent": now - OVERLAP_SECONDS, "now": now})


def mark_of(kind: str, *names: str) -> bytes:
    """What a mark is found by."""
    return hashlib.sha256("\0".join((kind, *names)).encode()).digest()
