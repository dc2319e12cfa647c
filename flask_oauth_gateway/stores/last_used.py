"""Stores when client secrets were last used, and clients that nobody registered by hand, without a statement at each request."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import Table, bindparam, update

from ..database.background import Later
from ..database.deadlocks import again_after_deadlock
from ..database.engine import Database
from ..database.sqlite.in_memory import InMemoryDatabase
from ..database.tables import client as client_table
from ..database.tables import client_secret
from ..errors import TemporarilyUnavailable
from .codes import FIRST_USE
from .registered_client import LAST_USED_SECONDS

if TYPE_CHECKING:
    from .registered_client import Client, ClientSecret

MAX_REMEMBERED = 10_000

CLIENT_SECONDS = 86400  # the stored time of a client's last use may be so many seconds old
AT_ONCE = 500  # rows that one statement touches

_TOUCH = {
    client_secret: update(client_secret)
    .where(client_secret.c.id.in_(bindparam("keys", expanding=True)))
    .values(last_used_at=bindparam("now")),
    client_table: update(client_table)
    .where(client_table.c.id.in_(bindparam("keys", expanding=True)))
    .values(used_at=bindparam("now")),
}


class LastUsed:
    """Notes uses, and writes them together, from another thread. Uses that can't be written are lost."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[tuple[Table, int], int] = {}  # by table and row
        self._unwritten: dict[tuple[Table, int], int] = {}
        self._later = Later(self._write, self._forget)

    def note(self, secret: ClientSecret, now: int) -> None:
        """Note that a secret was used, unless a use was noted within `LAST_USED_SECONDS`."""
        self._note((client_secret, secret.id), secret.last_used_at, now, LAST_USED_SECONDS)

    def note_client(self, client: Client) -> None:
        """Note that a client which nobody registered by hand is given a token, at most once in `CLIENT_SECONDS`.

        The first use is written at once: who deletes clients that were never used finds it before there is a token.
        """
        row, now = (client_table, client.key), int(time.time())
        if client.used_at is None and row not in self._noted:
            self._database.run(FIRST_USE, {"key": client.key, "moment": now}, repeatable=True)
            self._remember(row, now)
        else:
            self._note(row, client.used_at, now, CLIENT_SECONDS)

    def _note(self, row: tuple[Table, int], used_at: int | None, now: int, seconds: int) -> None:
        if now - max(used_at or 0, self._noted.get(row, 0)) < seconds:  # what was read may be an older copy
            return
        self._remember(row, now)
        self._unwritten[row] = now
        if isinstance(self._database, InMemoryDatabase):  # its one connection may be in one of the app's transactions
            self._later.now()
        else:
            self._later.start()

    def _remember(self, row: tuple[Table, int], now: int) -> None:
        if len(self._noted) >= MAX_REMEMBERED:
            self._noted.clear()
        self._noted[row] = now

    def close(self) -> None:
        """Write the uses that wait, and start no timer again."""
        self._later.close()

    def _write(self, last: bool) -> None:
        uses, self._unwritten = self._unwritten, {}
        if not uses:
            return
        with suppress(TemporarilyUnavailable):
            _touch(self._database, uses)

    def _forget(self) -> None:
        self._unwritten = {}


@again_after_deadlock
def _touch(database: Database, uses: Mapping[tuple[Table, int], int]) -> None:
    """Write the second of each row's last use. They are few seconds, and so few statements."""
    by_second: dict[tuple[str, int], list[tuple[Table, int]]] = {}
    for table, key in sorted(
        uses, key=lambda row: (row[0].name, row[1])
    ):  # always in the same order, so that seldom two
        by_second.setdefault((table.name, uses[table, key]), []).append(
            (table, key)
        )  # transactions wait for each other
    with database.transaction() as connection:
        for (_, now), rows in sorted(by_second.items(), key=lambda item: item[0]):
            table, keys = rows[0][0], [key for _, key in rows]
            for start in range(0, len(keys), AT_ONCE):
                connection.execute(_TOUCH[table], {"now": now, "keys": keys[start : start + AT_ONCE]})
