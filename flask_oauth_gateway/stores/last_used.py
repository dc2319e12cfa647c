"""Stores when each client secret was last used, without a statement at every request."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, update

from ..database.background import Later
from ..database.deadlocks import again_after_deadlock
from ..database.engine import Database
from ..database.sqlite.in_memory import InMemoryDatabase
from ..database.tables import client_secret
from ..errors import TemporarilyUnavailable
from .registered_client import LAST_USED_SECONDS

if TYPE_CHECKING:
    from .registered_client import ClientSecret

MAX_REMEMBERED = 10_000

AT_ONCE = 500  # secrets that one statement touches

_TOUCH = (
    update(client_secret)
    .where(client_secret.c.id.in_(bindparam("keys", expanding=True)))
    .values(last_used_at=bindparam("now"))
)


class LastUsed:
    """Notes uses of secrets, and writes them together, from another thread. Uses that can't be written are lost."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._noted: dict[int, int] = {}  # by the secret's id
        self._unwritten: dict[int, int] = {}
        self._later = Later(self._write, self._forget)

    def note(self, secret: ClientSecret, now: int) -> None:
        """Note that a secret was used, unless a use was noted within `LAST_USED_SECONDS`."""
        noted = max(secret.last_used_at or 0, self._noted.get(secret.id, 0))  # the client may be an older copy
        if now - noted < LAST_USED_SECONDS:
            return
        if len(self._noted) >= MAX_REMEMBERED:
            self._noted.clear()
        self._noted[secret.id] = self._unwritten[secret.id] = now
        if isinstance(self._database, InMemoryDatabase):  # its one connection may be in one of the app's transactions
            self._later.now()
        else:
            self._later.start()

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
def _touch(database: Database, uses: Mapping[int, int]) -> None:
    """Write the second of each secret's last use. They are few seconds, and so few statements."""
    by_second: dict[int, list[int]] = {}
    for key in sorted(uses):  # always in the same order, so that seldom two transactions wait for each other
        by_second.setdefault(uses[key], []).append(key)
    with database.transaction() as connection:
        for now, keys in sorted(by_second.items()):
            for start in range(0, len(keys), AT_ONCE):
                connection.execute(_TOUCH, {"now": now, "keys": keys[start : start + AT_ONCE]})
