"""A mark's hash, its bucket, and the conditions by which a statement sees that nothing has changed since it was read."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, and_, bindparam, exists
from sqlalchemy.sql import ColumnElement

from ...database.tables import client, mark

FOREVER = 2**53
MAX_TOKEN_LIFETIME = 31 * 86400  # the longest life of a stateless token; a mark is kept as long
BUCKETS = 256
MISSED = -1  # the bucket of a count alone: how often a process couldn't tell its news to the others
NO_NUMBERS: Mapping[bytes, int] = {}
DISABLED = "disabled client"
CHANGED = "changed client"  # refuses nothing


def mark_of(kind: str, *names: str) -> bytes:
    """The hash by which a mark is found."""
    return hashlib.sha256("\0".join((kind, *names)).encode()).digest()


def bucket_of(hashed: bytes) -> int:
    """The bucket in which a mark stands."""
    return hashed[0] % BUCKETS


def is_live(key: Any, version: Any) -> ColumnElement[bool]:
    """The condition that a client is enabled, and unchanged since it proved who it is."""
    return and_(client.c.id == key, client.c.version == version, client.c.enabled)


def unchanged(count: int) -> list[ColumnElement[bool]]:
    """The conditions that so many marks have not changed since they were read; `standing` makes their parameters."""
    now = bindparam("standing_now", type_=BigInteger)
    return [
        ~exists().where(
            mark.c.mark == bindparam(f"standing_mark_{place}", type_=mark.c.mark.type),
            mark.c.number > bindparam(f"standing_number_{place}", type_=BigInteger),
            mark.c.expires_at > now,
        )
        for place in range(count)
    ]


def standing(numbers: Mapping[bytes, int]) -> dict[str, Any]:
    """The parameters of `unchanged`: the number of each mark, as a process knows it; 0 where the mark isn't set."""
    if not numbers:
        return {}
    parameters: dict[str, Any] = {"standing_now": int(time.time())}
    for place, (hashed, number) in enumerate(numbers.items()):
        parameters |= {f"standing_mark_{place}": hashed, f"standing_number_{place}": number}
    return parameters
