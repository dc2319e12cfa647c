"""Stores approvals, which hold what a user allowed once, and their refresh tokens. One statement ends all tokens of one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, func, or_, select, update
from sqlalchemy.engine import Row

from ..database.deadlocks import again_after_deadlock
from ..database.engine import Database
from ..database.prepared import Prepared
from ..database.tables import access_token, approval, client, refresh_token
from .issuance import Spend
from .registered_client import Client
from .revocations import RevocationStore

_A, _R = approval.c, refresh_token.c
_REFRESH_TOKEN = Prepared(
    select(refresh_token, _A.client, _A.subject, _A.scope, _A.audience, _A.grant_type, _A.attributes, _A.claims)
    .add_columns(_A.created_at.label("approved_at"))
    .add_columns(_A.expires_at.label("approval_expires_at"), _A.revoked_at, client.c.client_id, client.c.enabled)
    .join(approval, _A.id == _R.family)
    .outerjoin(client, client.c.id == _A.client)
    .where(_R.token_hash == bindparam("hash"))
)
# What was read before is checked again: the approval may have ended in between.
_IS_ALLOWED = exists().where(_A.id == _R.family, _A.revoked_at.is_(None)).correlate(refresh_token)
_SPEND = Prepared(
    update(refresh_token)
    .where(_R.token_hash == bindparam("hash"), _R.spent_at.is_(None), _IS_ALLOWED)
    .values(spent_at=bindparam("now"), salt=bindparam("new_salt"))
)
_USE = Prepared(
    update(refresh_token)
    .where(_R.token_hash == bindparam("hash"), _IS_ALLOWED, or_(_R.salt.is_(None), _R.salt == bindparam("bound_to")))
    .values(last_used_at=bindparam("now"), salt=bindparam("bound_to"))
)
_SPENT = select(func.count()).select_from(refresh_token).where(_R.family == bindparam("key"), _R.spent_at.is_not(None))
_REVOKE = update(approval).where(_A.id == bindparam("key"), _A.revoked_at.is_(None)).values(revoked_at=bindparam("now"))

_WITH_CLIENT = select(approval, client.c.client_id).join(client, client.c.id == _A.client)


class ApprovalStore:
    """Reads and writes approvals and their refresh tokens."""

    def __init__(self, database: Database, revocations: RevocationStore) -> None:
        self._database = database
        self._revocations = revocations

    @staticmethod
    def spending(token_hash: bytes, salt: bytes | None, now: int) -> Spend:
        """The statement that spends a refresh token; from `salt`, the token and `now` its successors can be derived again."""
        return Spend(_SPEND, {"hash": token_hash, "now": now, "new_salt": salt})

    @staticmethod
    def using(token_hash: bytes, now: int, bound_to: bytes | None) -> Spend:
        """The statement that notes the use of a refresh token that stays valid, where it isn't bound to another key.

        `bound_to`: the hash of the key to which it is bound from now on, by which the first of two requests wins.
        """
        return Spend(_USE, {"hash": token_hash, "now": now, "bound_to": bound_to})

    def find_refresh_token(self, token_hash: bytes) -> Row[Any] | None:
        """A refresh token with its approval and client; `None` where there is none."""
        return self._database.first(_REFRESH_TOKEN, {"hash": token_hash})

    def refreshed(self, key: bytes) -> int:
        """How often an approval's refresh token was replaced, as far as the spent tokens are still stored."""
        row = self._database.first(_SPENT, {"key": key})
        return 0 if row is None else int(row[0])

    @again_after_deadlock
    def take_back(self, spent: bytes, successor: bytes, token: bytes) -> None:
        """Undo a rotation whose tokens nobody has got: drop them, and let the refresh token that was spent for them go on.

        By the hashes of the spent refresh token, of its successor and of the access token.
        """
        with self._database.transaction() as connection:
            connection.execute(delete(access_token).where(access_token.c.token_hash == token))
            unused = delete(refresh_token).where(_R.token_hash == successor, _R.spent_at.is_(None))
            if connection.execute(unused).rowcount == 1:
                connection.execute(update(refresh_token).where(_R.token_hash == spent).values(spent_at=None, salt=None))

    @again_after_deadlock
    def revoke(self, key: bytes) -> bool:
        """Revoke an approval with all its tokens; False where it was revoked before, or doesn't exist."""
        with self._database.transaction() as connection:
            revoked = connection.execute(_REVOKE, {"key": key, "now": int(time.time())}).rowcount == 1
            if revoked:
                self._revocations.refuse("family", key.hex(), connection=connection)
        return revoked

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
        """For each client to which a user has live approvals: since when, and when one of them was last used."""
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

    def are_bound(self, subject: str, owner: Client) -> bool:
        """Whether each of a user's live approvals of a client is bound to a key, as a public client's is (RFC 9449 section 5)."""
        live = (
            _A.subject == subject,
            _A.client == owner.key,
            _A.revoked_at.is_(None),
            _A.expires_at > int(time.time()),
        )
        rows = self._database.all(select(_A.claims).where(*live))
        return bool(rows) and all(row.claims and row.claims.get("cnf") for row in rows)

    def scopes_of_subject(self, subject: str, owner: Client) -> frozenset[str]:
        """The scopes that a user's live approvals give a client."""
        rows = self._database.all(select(_A.scope).where(*_live(subject, owner)).distinct())
        return frozenset(name for row in rows for name in row.scope.split())

    def claims_of_subject(self, subject: str, owner: Client, *, most: int = 100) -> list[Mapping[str, Any]]:
        """What is kept with a user's live approvals for a client, of `most` of them, the last ones first."""
        with_claims = select(_A.claims).where(*_live(subject, owner), _A.claims.is_not(None))
        return [row.claims for row in self._database.all(with_claims.order_by(_A.created_at.desc()).limit(most))]


def _live(subject: str, owner: Client) -> tuple[ColumnElement[bool], ...]:
    return (
        _A.subject == subject,
        _A.client == owner.key,
        _A.revoked_at.is_(None),
        _A.expires_at > int(time.time()),
    )
