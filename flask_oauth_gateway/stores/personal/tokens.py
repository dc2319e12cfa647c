"""Stores personal access tokens: each is an access token like others, with a row beside it that has its name."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select
from sqlalchemy.engine import Row

from ...database.deadlocks import again_after_deadlock
from ...database.engine import Database
from ...database.tables import access_token, client, personal_token
from ..registered_client import Client
from ..tokens import TokenStore

_P, _T = personal_token.c, access_token.c
_LIVE = (_P.subject == bindparam("subject"), _P.expires_at > bindparam("now"), _T.revoked_at.is_(None))
#: With the client: tokens of one that was deleted are dead for good.
_JOINED = personal_token.join(access_token, _T.token_hash == _P.token_hash).join(client, client.c.id == _T.client)
_COUNT = select(func.count()).select_from(_JOINED).where(*_LIVE)
#: So that two who count at once don't both find room for one more. They are made by hand, so nobody waits for long.
_ONE_AT_A_TIME = select(client.c.id).where(client.c.id == bindparam("owner")).with_for_update()
_LIST = (
    select(_P.token_id, _P.name, _P.last_used_at, _P.last_used_network)
    .add_columns(_T.scope, _T.audience, _T.issued_at, _T.expires_at, client.c.enabled)
    .select_from(_JOINED)
    .where(*_LIVE)
    .order_by(_T.issued_at.desc(), _P.token_id)
)
_ONE = select(_P.token_hash).where(_P.token_id == bindparam("id"), _P.subject == bindparam("subject"))


class TooManyTokens(Exception):
    """The user has as many live tokens as one may have."""


class PersonalTokenStore:
    """Reads and writes personal access tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self, values: Mapping[str, Any], name: str, owner: Client, numbers: Mapping[bytes, int], *, most: int
    ) -> bool:
        """Store a token and its name, if its client and these marks stand as they were read: both, or nothing.

        `values`: those of the access token. Raises `TooManyTokens` where its user has `most` live ones.
        """
        if not self._add(values, name, owner, numbers, most):
            return False
        if TokenStore(self._database).still_stands(owner, numbers):
            return True
        self._take_back(values["token_hash"])
        return False

    @again_after_deadlock
    def _add(
        self, values: Mapping[str, Any], name: str, owner: Client, numbers: Mapping[bytes, int], most: int
    ) -> bool:
        with self._database.transaction() as connection:
            connection.execute(_ONE_AT_A_TIME, {"owner": owner.key})
            given = {"subject": values["subject"], "now": int(time.time())}
            if connection.execute(_COUNT, given).scalar_one() >= most:
                raise TooManyTokens
            if not TokenStore.add_in(connection, values, owner, numbers):
                return False
            row = {"token_id": values["token_hash"][:16], "name": name}
            row |= {column: values[column] for column in ("token_hash", "subject", "expires_at")}
            connection.execute(insert(personal_token), row)
        return True

    @again_after_deadlock
    def _take_back(self, token_hash: bytes) -> None:
        with self._database.transaction() as connection:
            for table in (personal_token, access_token):
                connection.execute(delete(table).where(table.c.token_hash == token_hash))

    def of_subject(self, subject: str) -> Sequence[Row[Any]]:
        """A user's live tokens, the newest first. `enabled` is false where their client is off, so that none works."""
        return self._database.all(_LIST, {"subject": subject, "now": int(time.time())})

    def find(self, token_id: bytes, subject: str) -> bytes | None:
        """The hash of a user's token, live or not; `None` where it isn't one of theirs."""
        row = self._database.first(_ONE, {"id": token_id, "subject": subject})
        return None if row is None else bytes(row.token_hash)
