"""Stores initial access tokens, with which programs register clients (RFC 7591 section 3), by their SHA-256."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, insert, or_, select, update

from ...crypto.hashing import new_secret, sha256
from ...database.engine import Database
from ...database.tables import registration_token

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

HINT_LENGTH = 4
_T = registration_token.c
_COLUMNS = (_T.id, _T.hint, _T.scope, _T.owner, _T.uses_left, _T.created_at, _T.expires_at)
_IS_LIVE = (
    or_(_T.uses_left.is_(None), _T.uses_left > 0),
    or_(_T.expires_at.is_(None), _T.expires_at > bindparam("now")),
)
_FIND = select(*_COLUMNS).where(_T.digest == bindparam("digest"), *_IS_LIVE)
# One that is good for any number of clients is counted too: NULL less 1 is NULL. The update waits for who revokes it.
_SPEND = update(registration_token).where(_T.id == bindparam("token"), *_IS_LIVE).values(uses_left=_T.uses_left - 1)


class RegistrationTokenSpent(Exception):
    """An initial access token was used up, has expired or was revoked since it was found good."""


@dataclass(frozen=True, slots=True)
class RegistrationToken:
    """An initial access token, without the token itself. `scope`: the most that its clients may have, if it says so."""

    id: int
    hint: str
    scope: str | None
    owner: str | None
    uses_left: int | None  # None: any number
    created_at: int
    expires_at: int | None

    def state(self, now: float) -> str:
        """`live`, `used up` or `expired`."""
        if self.uses_left == 0:
            return "used up"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "live"


class RegistrationTokenStore:
    """Makes, finds, spends and revokes initial access tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def make(
        self, prefix: str, *, scope: str | None, owner: str | None, uses: int | None, expires_at: int | None
    ) -> tuple[str, RegistrationToken]:
        """A new one, in plain and as it is stored. `expires_at`: seconds since 1970."""
        token = new_secret(prefix)
        hint, now = token[-HINT_LENGTH:], int(time.time())
        with self._database.transaction() as connection:
            made = connection.execute(
                insert(registration_token).values(
                    digest=sha256(token), hint=hint, scope=scope, owner=owner, uses_left=uses, created_at=now,
                    expires_at=expires_at,
                )
            )  # fmt: skip
            key: int = made.inserted_primary_key[0]  # type: ignore[index]
        return token, RegistrationToken(key, hint, scope, owner, uses, now, expires_at)

    def find(self, token: str) -> RegistrationToken | None:
        """The one that this text is, where it is good now; `spending` asks again."""
        row = self._database.first(_FIND, {"digest": sha256(token), "now": int(time.time())})
        return None if row is None else RegistrationToken(**row._asdict())

    @staticmethod
    def spending(found: RegistrationToken) -> Callable[[Connection], None]:
        """What spends one use of it in the transaction that stores the client; raises `RegistrationTokenSpent` there.

        So a client that is refused costs no use, and of many at once exactly as many are registered as there are uses.
        """
        return partial(_spend, token=found.id)

    def list(self) -> Sequence[RegistrationToken]:
        """All of them, the oldest first, with those that are used up or have expired."""
        return [RegistrationToken(**row._asdict()) for row in self._database.all(select(*_COLUMNS).order_by(_T.id))]

    def revoke(self, token: int) -> bool:
        """Delete one by its number; False where there is none. Clients that it has registered stay."""
        return self._database.run(delete(registration_token).where(_T.id == token)) > 0


def _spend(connection: Connection, token: int) -> None:
    if connection.execute(_SPEND, {"token": token, "now": int(time.time())}).rowcount != 1:
        raise RegistrationTokenSpent
