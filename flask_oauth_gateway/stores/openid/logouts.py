"""Stores the logouts that clients must still be told of. Whoever ends a session writes them, in the same transaction.

A process claims a row before it sends it, with the time until which nobody else may; a row whose process has died is claimed
again after that. So a client is told at least once, and never twice at the same moment.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, bindparam, case, delete, func, insert, or_, select, update
from sqlalchemy.engine import Row

from ...crypto.hashing import time_ordered_key
from ...database.deadlocks import again_after_deadlock
from ...database.engine import Database
from ...database.tables import client, logout

_L = logout.c
MANY = 200  # rows that are looked at together

_IS_FREE = or_(_L.claimed_until.is_(None), _L.claimed_until <= bindparam("now"))
_DUE = select(logout).where(_L.next_try_at <= bindparam("now"), _IS_FREE).order_by(_L.next_try_at, _L.id).limit(MANY)
_CLAIM = (
    update(logout)
    .where(_L.id == bindparam("key"), _L.tries == bindparam("tried"), _L.next_try_at <= bindparam("now"), _IS_FREE)
    .values(claimed_until=bindparam("until"), tries=_L.tries + 1)
)
# Who claimed it last has the highest number of tries: a process that comes to itself too late changes nothing.
_IS_MINE = and_(_L.id == bindparam("key"), _L.tries == bindparam("tried"))
_PUT_BACK = update(logout).where(_IS_MINE).values(claimed_until=None, next_try_at=bindparam("at"))
_DELETE = delete(logout).where(_L.id == bindparam("key"))
_GIVE_UP = delete(logout).where(_IS_MINE)
_FREE_AT = case((_L.claimed_until > _L.next_try_at, _L.claimed_until), else_=_L.next_try_at)
_SOONEST = select(func.min(_FREE_AT).label("at"))
_WAITING = (
    select(_L.subject, _L.created_at, _L.give_up_at, _L.next_try_at, _L.tries, client.c.client_id)
    .outerjoin(client, client.c.id == _L.client)
    .order_by(_L.id)
    .limit(bindparam("most"))
)
_HOW_MANY = select(func.count().label("number")).select_from(logout)


class Claimed(NamedTuple):
    """A logout that this process sends now; no other does, until `until`. `tries` counts this one too."""

    key: bytes
    client: int
    subject: str
    sid: str | None
    give_up_at: int
    tries: int
    until: int


def add_in(connection: Connection, rows: Iterable[Mapping[str, Any]], now: int, give_up_at: int) -> None:
    """Note, in the caller's transaction, that clients must be told of a logout: of each the `client`, `subject` and `sid`."""
    times = {"created_at": now, "next_try_at": now, "give_up_at": give_up_at, "tries": 0}
    found = [{"id": time_ordered_key(), **row, **times} for row in rows]
    if found:
        connection.execute(insert(logout), found)


class LogoutStore:
    """Reads, claims and deletes logouts. Times are seconds since 1970."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def due(self, now: int, without: Collection[int] = ()) -> list[Row[Any]]:
        """The next `MANY` logouts to be sent, the longest due first; none of the clients `without` (their keys)."""
        statement = _DUE.where(_L.client.not_in(without)) if without else _DUE
        return self._database.all(statement, {"now": now})

    @again_after_deadlock
    def claim(self, rows: Collection[Row[Any]], now: int, until: int) -> list[Claimed]:
        """Claim logouts that are due; returns those that no other process had claimed."""
        claimed = []
        with self._database.transaction() as connection:
            for row in sorted(rows, key=lambda row: bytes(row.id)):  # always in the same order, so that no two deadlock
                parameters = {"key": bytes(row.id), "tried": row.tries, "now": now, "until": until}
                if connection.execute(_CLAIM, parameters).rowcount == 1:
                    of_client = (row.client, row.subject, row.sid, row.give_up_at)
                    claimed.append(Claimed(bytes(row.id), *of_client, row.tries + 1, until))
        return claimed

    def told(self, claimed: Claimed) -> None:
        """Delete a logout of which its client was told, or will never be."""
        self._database.run(_DELETE, {"key": claimed.key}, repeatable=True)

    def put_back(self, claimed: Claimed, at: int) -> None:
        """Let a logout be sent again at a time, by whichever process is there; nothing where another claimed it meanwhile."""
        self._database.run(_PUT_BACK, {"key": claimed.key, "tried": claimed.tries, "at": at}, repeatable=True)

    def give_up(self, claimed: Claimed) -> None:
        """Delete a logout that can't be sent; nothing where another process claimed it meanwhile."""
        self._database.run(_GIVE_UP, {"key": claimed.key, "tried": claimed.tries}, repeatable=True)

    def soonest(self) -> int | None:
        """When the next one may be sent; `None` where there is none."""
        row = self._database.first(_SOONEST)
        return None if row is None or row.at is None else int(row.at)

    def waiting(self, most: int) -> list[Row[Any]]:
        """The oldest logouts that wait, with their `client_id` (`None` where the client is gone)."""
        return self._database.all(_WAITING, {"most": most})

    def how_many(self) -> int:
        """How many logouts wait."""
        row = self._database.first(_HOW_MANY)
        return 0 if row is None else int(row.number)
