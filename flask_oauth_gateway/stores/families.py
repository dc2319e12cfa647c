"""Families: what one approval gave. Ending one ends every token of it, in one statement, wherever they are."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select, update
from sqlalchemy.engine import Row

from .clients import Client
from .database import Database
from .revocations import RevocationStore
from .tables import client, family, refresh_token

_F, _R = family.c, refresh_token.c
_INSERT = insert(family)
_INSERT_REFRESH = insert(refresh_token)
_REFRESH_TOKEN = (
    select(refresh_token, _F.client, _F.subject, _F.scope, _F.grant_type, _F.attributes, _F.claims)
    .add_columns(_F.expires_at.label("family_expires_at"), _F.revoked_at, client.c.client_id, client.c.enabled)
    .join(family, _F.id == _R.family)
    .outerjoin(client, client.c.id == _F.client)
    .where(_R.token_hash == bindparam("hash"))
)
_SPEND = (
    update(refresh_token)
    .where(_R.token_hash == bindparam("hash"), _R.spent_at.is_(None))
    .values(spent_at=bindparam("now"), salt=bindparam("new_salt"))
)
_USE = update(refresh_token).where(_R.token_hash == bindparam("hash")).values(last_used_at=bindparam("now"))
_TOUCH = update(family).where(_F.id == bindparam("key")).values(last_used_at=bindparam("now"))
_REVOKE = update(family).where(_F.id == bindparam("key"), _F.revoked_at.is_(None)).values(revoked_at=bindparam("now"))


class FamilyStore:
    """Reads and writes families and their refresh tokens."""

    def __init__(self, database: Database, revocations: RevocationStore) -> None:
        self._database = database
        self._revocations = revocations

    @staticmethod
    def add(connection: Connection, values: Mapping[str, Any]) -> None:
        """Store a new family, in the caller's transaction."""
        connection.execute(_INSERT, dict(values))

    @staticmethod
    def add_refresh_token(connection: Connection, values: Mapping[str, Any]) -> None:
        """Store a refresh token, in the caller's transaction."""
        connection.execute(_INSERT_REFRESH, dict(values))

    @staticmethod
    def spend(connection: Connection, token_hash: bytes, salt: bytes | None) -> bool:
        """Spend a refresh token; of two at the same moment exactly one gets True."""
        parameters = {"hash": token_hash, "now": int(time.time()), "new_salt": salt}
        return connection.execute(_SPEND, parameters).rowcount == 1

    @staticmethod
    def use(connection: Connection, token_hash: bytes) -> None:
        """Note that a refresh token which goes on was used."""
        connection.execute(_USE, {"hash": token_hash, "now": int(time.time())})

    @staticmethod
    def touch(connection: Connection, key: bytes) -> None:
        """Note that a family was used."""
        connection.execute(_TOUCH, {"key": key, "now": int(time.time())})

    def find_refresh_token(self, token_hash: bytes) -> Row[Any] | None:
        """A refresh token with its family and client; `None` where there is none."""
        return self._database.first(_REFRESH_TOKEN, {"hash": token_hash})

    def revoke(self, key: bytes) -> bool:
        """End a family, and with it every token it has; False where it was ended before, or isn't there."""
        with self._database.transaction() as connection:
            ended = connection.execute(_REVOKE, {"key": key, "now": int(time.time())}).rowcount == 1
            if ended:
                self._revocations.add("family", key.hex(), connection=connection)
        return ended

    def of_subject(self, subject: str) -> list[Row[Any]]:
        """What a user's live families amount to, by client: since when, and when last used."""
        now = int(time.time())
        return self._database.all(
            select(
                _F.client,
                func.min(_F.created_at).label("since"),
                func.max(func.coalesce(_F.last_used_at, _F.created_at)).label("last_used_at"),
            )
            .where(_F.subject == subject, _F.revoked_at.is_(None), _F.expires_at > now)
            .group_by(_F.client)
        )

    def scopes_of_subject(self, subject: str, owner: Client) -> frozenset[str]:
        """The scopes that a user's live families give a client."""
        live = (
            _F.subject == subject,
            _F.client == owner.key,
            _F.revoked_at.is_(None),
            _F.expires_at > int(time.time()),
        )
        rows = self._database.all(select(_F.scope).where(*live).distinct())
        return frozenset(name for row in rows for name in row.scope.split())
