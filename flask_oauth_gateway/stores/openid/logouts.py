"""Stores the logouts that clients must still be told (OpenID Connect Back-Channel Logout section 2.5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, insert

from ...crypto.hashing import time_ordered_key
from ...database.tables import logout


def add_in(connection: Connection, rows: Iterable[Mapping[str, Any]], now: int, give_up_at: int) -> int:
    """Note, in the caller's transaction, that clients must be told of a logout: of each the `client`, `subject` and `sid`.

    Returns how many there are.
    """
    times = {"created_at": now, "next_try_at": now, "give_up_at": give_up_at, "tries": 0}
    found = [{"id": time_ordered_key(), **row, **times} for row in rows]
    if found:
        connection.execute(insert(logout), found)
    return len(found)
