"""Authorization codes, keyed by the SHA-256 of their value."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.engine import Row

from .database import Database
from .tables import client, code

_INSERT = insert(code)
_FIND = (
    select(code, client.c.client_id)
    .outerjoin(client, client.c.id == code.c.client)
    .where(code.c.code_hash == bindparam("hash"))
)
_SPEND = (
    update(code)
    .where(code.c.code_hash == bindparam("hash"), code.c.spent_at.is_(None))
    .values(spent_at=bindparam("now"))
)


class CodeStore:
    """Reads, writes and spends authorization codes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, values: Mapping[str, Any]) -> None:
        """Store a new code."""
        self._database.run(_INSERT, dict(values), repeatable=True)

    def find(self, code_hash: bytes) -> Row[Any] | None:
        """A code, spent or not, with its client's `client_id`; `None` where there is none."""
        return self._database.first(_FIND, {"hash": code_hash})

    def spend(self, code_hash: bytes, connection: Connection | None = None) -> bool:
        """Spend a code, in the caller's transaction where one is given; of two at once exactly one gets True."""
        parameters = {"hash": code_hash, "now": int(time.time())}
        if connection is not None:
            return connection.execute(_SPEND, parameters).rowcount == 1
        return self._database.run(_SPEND, parameters) == 1
