"""Approvals: what a user allowed, once, and its refresh tokens. Ending one ends every token of it, in one statement."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import and_, bindparam, func, or_, select, update
from sqlalchemy.engine import Row

from ..database.engine import Database
from ..database.prepared import Prepared
from ..database.tables import approval, client, refresh_token
from .clients import Client
from .issuance import Spend
from .revocations import RevocationStore

_A, _R = approval.c, refresh_token.c
_REFRESH_TOKEN = Prepared(
    select(refresh_token, _A.client, _A.subject, _A.scope, _A.audience, _A.grant_type, _A.attributes, _A.claims)
    .add_columns(_A.expires_at.label("approval_expires_at"), _A.revoked_at, client.c.client_id, client.c.enabled)
    .join(approval, _A.id == _R.family)
    .outerjoin(client, client.c.id == _A.client)
    .where(_R.token_hash == bindparam("hash"))
)
_SPEND = Prepared(
    update(refresh_token)
    .where(_R.token_hash == bindparam("hash"), _R.spent_at.is_(None))
    .values(spent_at=bindparam("now"), salt=bindparam("new_salt"))
)
_USE = Prepared(update(refresh_token).where(_R.token_hash == bindparam("hash")).values(last_used_at=bindparam("now")))
_SPENT = select(func.count()).select_from(refresh_token).where(_R.family == bindparam("key"), _R.spent_at.is_not(None))
_REVOKE = update(approval).where(_A.id == bindparam("key"), _A.revoked_at.is_(None)).values(revoked_at=bindparam("now"))

_WITH_CLIENT = select(approval, client.c.client_id).join(client, client.c.id == _A.client)


class ApprovalStore:
    """Reads and writes approvals and their refresh tokens."""

    def __init__(self, database: Database, revocations: RevocationStore) -> None:
        self._database = database
        self._revocations = revocations

    @staticmethod
    def spending(token_hash: bytes, salt: bytes | None) -> Spend:
        """What spends a refresh token; `salt` is what its successors can be had again from."""
        return Spend(_SPEND, {"hash": token_hash, "now": int(time.time()), "new_salt": salt})

    @staticmethod
    def using(token_hash: bytes) -> Spend:
        """What notes that a refresh token which goes on was used."""
        return Spend(_USE, {"hash": token_hash, "now": int(time.time())})

    def find_refresh_token(self, token_hash: bytes) -> Row[Any] | None:
        """A refresh token with its approval and client; `None` where there is none."""
        return self._database.first(_REFRESH_TOKEN, {"hash": token_hash})

    def refreshed(self, key: bytes) -> int:
        """How often an approval's refresh token was replaced, as far as the spent ones are still there."""
        row = self._database.first(_SPENT, {"key": key})
        return 0 if row is None else int(row[0])

    def revoke(self, key: bytes) -> bool:
        """End an approval, and with it every token of it; False where it was ended before, or isn't there."""
        with self._database.transaction() as connection:
            ended = connection.execute(_REVOKE, {"key": key, "now": int(time.time())}).rowcount == 1
            if ended:
                self._revocations.add("family", key.hex(), connection=connection)
        return ended

    def find(self, key: bytes) -> Row[Any] | None:
        """An approval with its client's `client_id`."""
        return self._database.first(_WITH_CLIENT.where(_A.id == key))

    def page(
        self, *, client: int | None, subject: str | None, after: tuple[int, bytes] | None, limit: int
    ) -> list[Row[Any]]:
        """Live approvals, those that expire last first; `after` is the `expires_at` and key of the last one seen."""
        statement = _WITH_CLIENT.where(_A.revoked_at.is_(None), _A.expires_at > int(time.time()))
        if client is not None:
            statement = statement.where(_A.client == client)
        if subject is not None:
            statement = statement.where(_A.subject == subject)
        if after is not None:
            statement = statement.where(
                or_(_A.expires_at < after[0], and_(_A.expires_at == after[0], _A.id < after[1]))
            )
        return self._database.all(statement.order_by(_A.expires_at.desc(), _A.id.desc()).limit(limit))

    def of_subject(self, subject: str) -> list[Row[Any]]:
        """What a user's live approvals amount to, by client: since when, and when last used."""
        now = int(time.time())
        return self._database.all(
            select(
                _A.client,
                func.min(_A.created_at).label("since"),
                func.max(func.coalesce(_R.last_used_at, _R.issued_at, _A.created_at)).label("last_used_at"),
            )
            .outerjoin(refresh_token, _R.family == _A.id)
            .where(_A.subject == subject, _A.revoked_at.is_(None), _A.expires_at > now)
            .group_by(_A.client)
        )

    def scopes_of_subject(self, subject: str, owner: Client) -> frozenset[str]:
        """The scopes that a user's live approvals give a client."""
        live = (
            _A.subject == subject,
            _A.client == owner.key,
            _A.revoked_at.is_(None),
            _A.expires_at > int(time.time()),
        )
        rows = self._database.all(select(_A.scope).where(*live).distinct())
        return frozenset(name for row in rows for name in row.scope.split())
