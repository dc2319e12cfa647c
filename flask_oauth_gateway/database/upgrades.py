"""What an upgrade brings over from the tables of older versions, beside the tables and columns that are made for it.

Whoever finds tables of an older version does it, once, before their version is counted up. Each step may be done twice, and by
two processes at once.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import Connection, column, func, inspect, select, table
from sqlalchemy.exc import IntegrityError

from .tables import epoch, mark, schema

_REVOCATION = table("oauth_revocation", *map(column, ("id", "mark", "issued_until", "expires_at")))


def bring_over(connection: Connection, found: int | None) -> None:
    """Do what leads from the version that was found to this one; `None`: no version is noted, so it may be any."""
    for version, step in _STEPS:
        if found is None or found <= version:
            step(connection)


def _revocations(connection: Connection) -> None:
    """Bring over the revocations of JWTs, of which each was a row of `oauth_revocation`; the last one of a mark counts."""
    where = connection.schema_for_object(schema)
    if not inspect(connection).has_table(_REVOCATION.name, where):
        return
    old = table(_REVOCATION.name, *(column(each.name) for each in _REVOCATION.c), schema=where)
    last = select(func.max(old.c.id)).group_by(old.c.mark)
    rows = connection.execute(select(old).where(old.c.id.in_(last), old.c.issued_until > 0)).all()
    for row in rows:
        bucket = bytes(row.mark)[0]
        values = {"mark": bytes(row.mark), "issued_until": row.issued_until, "expires_at": row.expires_at}
        with suppress(IntegrityError):  # it has changed since
            connection.execute(epoch.insert().values(bucket=bucket, number=1))
        with suppress(IntegrityError):
            connection.execute(mark.insert().values(**values, bucket=bucket, number=1, epoch=0))


_STEPS: tuple[tuple[int, Callable[[Connection], None]], ...] = ((1, _revocations),)
