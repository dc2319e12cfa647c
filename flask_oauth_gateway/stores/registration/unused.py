"""Deletes clients that nobody registered by hand and nobody uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection, and_, delete, select

from ...database.deadlocks import again_after_deadlock
from ...database.tables import client as client_table
from ...database.tables import client_secret as secret_table
from ...database.tables import consent as consent_table
from ..registered_client import DOCUMENT, REGISTRATION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.sql import ColumnElement

    from ...database.engine import Database
    from ..revocations import RevocationStore

AT_ONCE = 500
_C = client_table.c


def _never_used(origin: str) -> ColumnElement[bool]:
    return and_(_C.origin == origin, _C.used_at.is_(None))


def delete_beyond(database: Database, most: int, origin: str = REGISTRATION) -> int:
    """Delete clients of this origin that no user has allowed anything yet, the oldest first, so that `most` remain.

    Returns how many. What was read before is checked again by the statement that deletes: nobody has used these.
    """
    unused = _never_used(origin)
    newest = select(_C.id).where(unused).order_by(_C.id.desc()).offset(most).limit(1)
    total = 0
    last = database.first(newest)
    while last is not None:
        oldest = database.all(select(_C.id).where(unused, _C.id <= last.id).order_by(_C.id).limit(AT_ONCE))
        deleted = _delete_some(database, [row.id for row in oldest], unused) if oldest else 0
        total += deleted
        if not deleted:
            break
    return total


@again_after_deadlock
def _delete_some(database: Database, keys: Sequence[int], unused: ColumnElement[bool]) -> int:
    """Delete those of these clients that are still unused, with their secrets. None of them has a code or a token."""
    with database.transaction() as connection:
        return _delete_in(connection, keys, unused)


def _delete_in(connection: Connection, keys: Sequence[int], unused: ColumnElement[bool]) -> int:
    still = [row.id for row in connection.execute(select(_C.id).where(_C.id.in_(keys), unused).with_for_update())]
    if not still:
        return 0
    for table in (secret_table, consent_table):
        connection.execute(delete(table).where(table.c.client.in_(still)))
    return connection.execute(delete(client_table).where(_C.id.in_(still), unused)).rowcount


def purge_unused(database: Database, revocations: RevocationStore, before: int, *, batch: int) -> int:
    """Delete clients that nobody registered by hand, and that were last used, or made, before this time; returns how many.

    Their tokens are dead at once.
    """
    total = 0
    for origin in (REGISTRATION, DOCUMENT):  # each of these is a part of the index
        for unused in (
            and_(_C.origin == origin, _C.used_at < before),
            and_(_never_used(origin), _C.created_at < before),
        ):
            total += _purge(database, revocations, unused, min(batch, AT_ONCE))
    return total


def _purge(database: Database, revocations: RevocationStore, unused: ColumnElement[bool], batch: int) -> int:
    total = 0
    while True:
        some = select(_C.id, _C.client_id).where(unused).order_by(_C.used_at, _C.id).limit(batch)
        deleted = 0
        for row in database.all(some):  # one by one: each raises the counts of its marks, for which others wait
            deleted += _purge_one(database, revocations, row.id, row.client_id, unused)
        total += deleted
        if not deleted:
            return total


@again_after_deadlock
def _purge_one(
    database: Database, revocations: RevocationStore, key: int, client_id: str, unused: ColumnElement[bool]
) -> int:
    with database.transaction() as connection:
        deleted = _delete_in(connection, [key], unused)
        if deleted:
            revocations.remove([client_id], connection=connection)
    return deleted
