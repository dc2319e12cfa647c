"""Stores clients that are in metadata documents, and who is reading which document, so that one reads at a time everywhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, BindParameter, Connection, and_, bindparam, delete, insert, or_, select, update
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError

from ...crypto.hashing import sha256
from ...database.tables import client as client_table
from ...database.tables import client_document
from ...database.tables import consent as consent_table
from ..clients import CHANGE
from ..registered_client import DOCUMENT, Client
from .unused import delete_beyond

if TYPE_CHECKING:
    from ...database.engine import Database
    from ..clients import ClientStore
    from ..revocations import RevocationStore

READING_SECONDS = 8  # after which a reader that doesn't say how it ended has died: longer than any reading takes
KEPT_SECONDS, LOOK_SECONDS = 3600, 60  # how long troubles are remembered, and how often a process looks for older ones
MOST_HELD = 60  # seconds for which a document is held off that can't be read: 1 at first, then twice as long each time

_D = client_document.c
_NOW: BindParameter[int] = bindparam("now", type_=BigInteger)
_HERE = _D.client_id_hash == bindparam("hash")
#: Nobody reads it, and it isn't held off. What is further ahead than anybody may set it comes from another clock, which must
#: lock nobody out: where the clocks of hosts differ by that much, a document is read twice at once at worst.
_FREE = or_(
    _D.held_until <= _NOW,
    and_(_D.reader.is_(None), _D.held_until > _NOW + MOST_HELD),
    and_(_D.reader.is_not(None), _D.held_until > _NOW + READING_SECONDS),
)
_STATE = select(_D.reader, _D.failures, _D.held_until, _FREE.label("is_free")).where(_HERE)
_BEGIN = update(client_document).where(_HERE, _FREE).values(reader=bindparam("who"), held_until=_NOW + READING_SECONDS)
_MINE = (_HERE, _D.reader == bindparam("who"))
_HOLD = (
    update(client_document)
    .where(*_MINE)
    .values(reader=None, failures=bindparam("count"), held_until=bindparam("until"))
)
_FRESH = (
    update(client_table)
    .where(client_table.c.id == bindparam("key"), client_table.c.version == bindparam("seen"))
    .values(fresh_until=bindparam("until"))
)


class ClientDocumentStore:
    """What is stored of clients in metadata documents. `who` is a reader's random name of 16 bytes."""

    def __init__(self, database: Database, clients: ClientStore, revocations: RevocationStore, most: int) -> None:
        """`most`: how many clients there may be that no user has allowed anything yet."""
        self._database = database
        self._clients = clients
        self._revocations = revocations
        self._most = most
        self._next_look = 0.0

    def state(self, client_id: str) -> Row[Any] | None:
        """Who reads a document, until when it is held, and whether it `is_free`; `None`: nobody does, nor had trouble with it."""
        return self._database.first(_STATE, {"hash": sha256(client_id), "now": int(time.time())})

    def begin(self, client_id: str, who: bytes) -> bool:
        """Be the one who reads a document; False where somebody else is, or where it is held off."""
        now = int(time.time())
        if self._database.run(_BEGIN, {"hash": sha256(client_id), "now": now, "who": who}) == 1:
            return True
        values = {"client_id_hash": sha256(client_id), "client_id": client_id, "reader": who, "failures": 0}
        try:
            self._database.run(insert(client_document).values(**values, held_until=now + READING_SECONDS))
        except IntegrityError:
            return False
        return True

    def end(self, client_id: str, who: bytes) -> None:
        """Have read a document: what was wrong with it before is forgotten."""
        self._database.run(delete(client_document).where(*_MINE), {"hash": sha256(client_id), "who": who})

    def hold_off(self, client_id: str, who: bytes) -> int:
        """Have failed to read a document; returns for how many seconds nobody tries again."""
        state = self.state(client_id)
        failures = 0 if state is None else state.failures
        seconds: int = min(MOST_HELD, 2 ** min(failures, 6))
        until = int(time.time()) + seconds
        mine = {"hash": sha256(client_id), "who": who}
        self._database.run(_HOLD, {**mine, "count": failures + 1, "until": until})
        self._forget_troubles(until)
        return seconds

    def _forget_troubles(self, now: int) -> None:
        """Delete what is known of documents that nobody has asked for since an hour: anybody can make up URLs."""
        if time.monotonic() >= self._next_look:
            self._next_look = time.monotonic() + LOOK_SECONDS
            self._database.run(delete(client_document).where(_D.held_until < now - KEPT_SECONDS), repeatable=True)

    def add(self, client_id: str, values: Mapping[str, Any], fresh_until: int) -> bool:
        """Store the client of a document; False where there is one by now."""
        own = {"origin": DOCUMENT, "fresh_until": fresh_until}
        try:
            self._clients.add(client_id, {**values, **own}, [])
        except IntegrityError:
            return False
        delete_beyond(self._database, self._most, DOCUMENT)
        return True

    def renew(self, client: Client, fresh_until: int) -> bool:
        """Store that a client was found in its document as it was; False where it is gone, or was changed meanwhile."""
        values = {"key": client.key, "seen": client.version, "until": fresh_until}
        renewed = self._database.run(_FRESH, values, repeatable=True) == 1
        self._clients.forget(client.client_id)
        return renewed

    def change(self, client: Client, values: Mapping[str, Any], fresh_until: int, *, begins_anew: bool) -> bool:
        """Store what a document says now; False where the client is gone, or was changed meanwhile.

        `begins_anew`: it is another client of the same name from now on, to which nobody has consented, and all that the old
        one was given is dead.
        """
        changed = {**values, "fresh_until": fresh_until}
        if not begins_anew:
            return self._clients.change(client, changed)
        own = {"origin": DOCUMENT, "owner": client.owner, "application": client.application}
        try:
            self._clients.add(client.client_id, {**changed, **own}, [], first=partial(self._end, client))
        except _Changed:
            return False
        finally:
            self._clients.forget(client.client_id)
        return True

    def _end(self, client: Client, connection: Connection) -> None:
        """Delete a client with its consents, in the transaction that stores its successor. Raises `_Changed`.

        Codes, approvals and tokens name the row that is deleted, so that they are dead with it; JWTs are marked.
        """
        seen = CHANGE.where(client_table.c.version == client.version)
        if connection.execute(seen, {"key": client.key, "now": int(time.time())}).rowcount == 0:
            raise _Changed
        connection.execute(delete(consent_table).where(consent_table.c.client == client.key))
        connection.execute(delete(client_table).where(client_table.c.id == client.key))
        self._revocations.remove([client.client_id], connection=connection)


class _Changed(Exception):
    """The client is gone, or was changed meanwhile."""
