"""Stores authorization codes, by their `token_key`."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, exists, insert, select, update
from sqlalchemy.engine import Row

from ..database.engine import Database
from ..database.prepared import Prepared
from ..database.tables import client, code, session
from .issuance import Deed, Outcome, Spend, do
from .revocations.mark import NO_NUMBERS

if TYPE_CHECKING:
    from .registered_client import Client

_INSERT = Prepared(insert(code), set(code.c.keys()) - {"spent_at"})
_FIND = Prepared(
    select(code, client.c.client_id)
    .outerjoin(client, client.c.id == code.c.client)
    .where(code.c.code_hash == bindparam("hash"))
)
_SPENDING = (
    update(code)
    .where(code.c.code_hash == bindparam("hash"), code.c.spent_at.is_(None))
    .values(spent_at=bindparam("now"))
)
_SPEND = Prepared(_SPENDING)
FIRST_USE = (
    update(client)
    .where(client.c.id == bindparam("key"), client.c.used_at.is_(None))
    .values(used_at=bindparam("moment"))
)
# A logout waits for whoever holds the session's row, and an exchange for a logout that has deleted it.
_IS_LIVE = exists(select(session.c.sid).where(session.c.sid == bindparam("in_session")).with_for_update(read=True))
_SPEND_IN_SESSION = Prepared(_SPENDING.where(_IS_LIVE))


class CodeStore:
    """Reads, writes and spends authorization codes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, values: Mapping[str, Any]) -> None:
        """Store a new code."""
        self._database.run(_INSERT, dict(values), repeatable=True)

    def add_for(self, spend: Spend, values: Mapping[str, Any], client: Client) -> Outcome:
        """Store a new code and spend what it is given for, both or neither, if the client is as it was read."""
        return do(self._database, Deed(client=client, numbers=NO_NUMBERS, spend=spend, code=values))

    def note_first_use(self, used: Client) -> None:
        """Note, before there is a code, that a user allowed something to a client which nobody registered by hand.

        Who deletes clients that no user has allowed anything leaves this one.
        """
        if used.used_at is None:
            self._database.run(FIRST_USE, {"key": used.key, "moment": int(time.time())}, repeatable=True)

    def find(self, code_hash: bytes) -> Row[Any] | None:
        """A code, spent or not, with its client's `client_id`; `None` where there is none."""
        return self._database.first(_FIND, {"hash": code_hash})

    def spend(self, code_hash: bytes) -> bool:
        """Spend a code without giving a token; of two callers at once, exactly one gets True."""
        return self._database.run(_SPEND, self.spending(code_hash).parameters) == 1

    @staticmethod
    def spending(code_hash: bytes, sid: str | None = None) -> Spend:
        """The statement that spends a code, for the statement or transaction that stores the token.

        Where the code belongs to a session, it is spent only while that lasts, and the session until the end of the transaction.
        """
        parameters = {"hash": code_hash, "now": int(time.time())}
        return Spend(_SPEND, parameters) if sid is None else Spend(_SPEND_IN_SESSION, {**parameters, "in_session": sid})
