"""Stores access tokens, by their `token_key` (refresh tokens: `approvals.py`). The statements are built once, here."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.engine import Row

from ..database.deadlocks import again_after_deadlock
from ..database.engine import Database
from ..database.prepared import Prepared
from ..database.servers.mariadb import IS_GALERA
from ..database.tables import access_token, approval, client, consent, epoch
from ..database.writers import wait_for_writers
from .ending import ENDED, end
from .registered_client import Client
from .revocations.mark import NO_NUMBERS, is_live, standing, unchanged

MAX_COUNTED = 10_000
_T = access_token.c
COLUMNS = (
    "token_hash", "client", "family", "subject", "scope", "audience", "grant_type", "attributes", "claims",
    "issued_at", "expires_at",
)  # fmt: skip


@lru_cache
def _insert(marks: int) -> Prepared:
    """The INSERT of a token, if its client is live and so many marks (`revocations.unchanged`) stand as they were."""
    values = select(*(bindparam(f"p_{name}", type_=_T[name].type) for name in COLUMNS))
    of_a_live_client = is_live(bindparam("p_client"), bindparam("p_version"))
    return Prepared(insert(access_token).from_select(COLUMNS, values.where(of_a_live_client, *unchanged(marks))))


@lru_cache
def client_is_live(marks: int) -> Select[Any]:
    """Selects the client `owner`, if it is live at its `version`, and so many marks stand as they were."""
    return select(client.c.id).where(is_live(bindparam("owner"), bindparam("version")), *unchanged(marks))


@lru_cache
def _client_is_live(marks: int) -> Prepared:
    return Prepared(client_is_live(marks))


_FIND = (
    select(*(_T[name] for name in COLUMNS), _T.revoked_at, client.c.client_id, client.c.enabled)
    .add_columns(approval.c.revoked_at.label("approval_revoked_at"))
    .outerjoin(client, client.c.id == _T.client)
    .outerjoin(approval, approval.c.id == _T.family)
)
_ONE = _FIND.where(_T.token_hash == bindparam("hash"))
_BY_HASH = Prepared(_ONE)
_ASKED_BY = Prepared(
    _ONE.add_columns(
        exists().where(is_live(bindparam("asker"), bindparam("version"))).correlate(None).label("asker_is_live")
    )
)
_REVOKE = Prepared(
    update(access_token)
    .where(_T.token_hash == bindparam("hash"), _T.client == bindparam("owner"), _T.revoked_at.is_(None))
    .where(exists().where(is_live(bindparam("owner"), bindparam("version"))))
    .values(revoked_at=bindparam("now", type_=BigInteger))
)
_TAKE_BACK = Prepared(delete(access_token).where(_T.token_hash == bindparam("hash")))
_ENDS = Prepared(select(_T.expires_at).where(_T.token_hash == bindparam("hash")))
_ATTRIBUTES = select(_T.attributes).where(_T.token_hash == bindparam("hash")).with_for_update()
_SET_ATTRIBUTES = (
    update(access_token)
    .where(_T.token_hash == bindparam("hash"), _T.revoked_at.is_(None), _T.expires_at > bindparam("now"))
    .values(attributes=bindparam("value", type_=_T.attributes.type))
)


def token_id_of(token_hash: bytes) -> str:
    """A token's id in lists, signals and the audit trail: half of its key, with which nobody can use the token."""
    return bytes(token_hash[:16]).hex()


def why_dead(row: Row[Any], now: float) -> str | None:
    """Why a stored token is no longer valid; `None` where it still is."""
    if not row.enabled:  # None where the client was deleted
        return "The client of this access token was disabled or deleted."
    if row.revoked_at is not None or row.approval_revoked_at is not None:
        return "The access token was revoked."
    if row.expires_at <= now:
        return "The access token expired."
    return None


def ordinary() -> tuple[Prepared, ...]:
    """The statements about tokens of the requests that come most often."""
    return _BY_HASH, _ASKED_BY, _REVOKE, _insert(0), _client_is_live(0)


class TokenStore:
    """Reads and writes access tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def close(self) -> None:
        """Do nothing: the database closes its connections."""

    def add(self, values: Mapping[str, Any], client: Client, numbers: Mapping[bytes, int] = NO_NUMBERS) -> bool:
        """Store a token if its client is still enabled and unchanged, and these marks have these numbers; one statement.

        `values` has all of `COLUMNS`.
        """
        parameters = _with(_parameters(values, client), numbers)
        if self._database.run(_insert(len(numbers)), parameters, repeatable=True) != 1:
            return False
        if self.still_stands(client, numbers):
            return True
        self._database.run(_TAKE_BACK, {"hash": values["token_hash"]}, repeatable=True)
        return False

    @staticmethod
    def add_in(
        connection: Connection, values: Mapping[str, Any] | None, client: Client, numbers: Mapping[bytes, int]
    ) -> bool:
        """Do what `add` does, in the caller's transaction; with `values=None`, for a token that isn't stored, only check."""
        if values is None:
            parameters = _with(_owner(client), numbers)
            return _client_is_live(len(numbers)).execute(connection, parameters).first() is not None
        parameters = _with(_parameters(values, client), numbers)
        return _insert(len(numbers)).execute(connection, parameters).rowcount == 1

    def client_is_live(self, client: Client, numbers: Mapping[bytes, int] = NO_NUMBERS) -> bool:
        """Whether a client is still enabled and unchanged, and these marks have these numbers.

        Nothing else checks this where a token isn't stored.
        """
        return self._database.first(_client_is_live(len(numbers)), _with(_owner(client), numbers)) is not None

    def still_stands(self, client: Client, numbers: Mapping[bytes, int]) -> bool:
        """Whether what was just stored still stands: on Galera, whether the client and the marks were as they had been read.

        There, a revocation at another node neither waits for what is being stored at this one, nor sees it. All nodes
        commit in one order, though: this sees a revocation that came first, and one that comes later finds what was stored.
        """
        is_galera = self._database.engine.get_execution_options().get(IS_GALERA)
        return not is_galera or self.client_is_live(client, numbers)

    def find(self, token_hash: bytes) -> Row[Any] | None:
        """A token with its client and approval, in one statement; `None` where there is none."""
        return self._database.first(_BY_HASH, {"hash": token_hash})

    def find_for(self, token_hash: bytes, asker: Client) -> Row[Any] | None:
        """What `find` returns, and `asker_is_live`: whether the client that asks is still enabled and unchanged."""
        parameters = {"hash": token_hash, "asker": asker.key, "version": asker.version}
        return self._database.first(_ASKED_BY, parameters)

    def revoke(self, token_hash: bytes, owner: Client) -> bool:
        """Revoke a client's token in one statement; False where there was nothing to revoke, or the client changed."""
        parameters = {"hash": token_hash, "owner": owner.key, "version": owner.version, "now": int(time.time())}
        return self._database.run(_REVOKE, parameters, repeatable=True) == 1

    @again_after_deadlock
    def revoke_and_mark(self, token_hash: bytes, owner: Client, mark: Callable[..., None]) -> bool:
        """Do what `revoke` does, and call `mark(connection=…, expires_at=…)` in the same transaction if it is done."""
        parameters = {"hash": token_hash, "owner": owner.key, "version": owner.version, "now": int(time.time())}
        with self._database.transaction() as connection:
            if _REVOKE.execute(connection, parameters).rowcount != 1:
                return False
            row = _ENDS.execute(connection, {"hash": token_hash}).first()
            mark(connection=connection, expires_at=None if row is None else row.expires_at)
        return True

    def revoke_one(
        self,
        token_hash: bytes,
        client: int | None,
        subject: str | None,
        issued_before: int | None,
        mark: Callable[..., None] | None,
    ) -> bool:
        """Revoke a token, if it is live and fits the other arguments. `mark`: as for `revoke_where`, if it is revoked."""
        given = {"token_hash": token_hash, "client": client, "subject": subject}
        return end(self._database, given, issued_before, mark, only_then=True) == 1

    def revoke_where(
        self, client: int | None, subject: str | None, issued_before: int | None, mark: Callable[..., None]
    ) -> int:
        """Revoke every live token and approval that fits all arguments; returns how many. Then: `revoke_late_ones`.

        Codes that were approved and not redeemed yet are spent first, as they would give new tokens afterwards. For
        tokens that aren't stored, `mark(connection=…)` is called at the end of the same transaction.
        """
        return end(self._database, {"client": client, "subject": subject}, issued_before, mark)

    def revoke_late_ones(
        self, client: int | None, subject: str | None, issued_before: int | None, mark: Callable[..., None] | None
    ) -> int:
        """Revoke what was just being stored while `revoke_where` looked, which it can't have seen; returns how many.

        What begins to be stored after `revoke_where` finds the mark. Raises `TemporarilyUnavailable` where somebody is
        storing for too long.
        """
        if self._database.engine.dialect.name == "sqlite":  # it has one writer at a time
            return 0
        wait_for_writers(self._database, ENDED, but_for=epoch)
        return end(self._database, {"client": client, "subject": subject}, issued_before, mark, only_then=True)

    def page(
        self,
        *,
        client: int | None,
        subject: str | None,
        live: bool,
        after: tuple[int, bytes] | None,
        limit: int,
    ) -> list[Row[Any]]:
        """Tokens, those that expire last first; `after` is the `expires_at` and hash of the last one seen."""
        statement = _FIND.order_by(_T.expires_at.desc(), _T.token_hash.desc()).limit(limit)
        if client is not None:
            statement = statement.where(_T.client == client)
        if subject is not None:
            statement = statement.where(_T.subject == subject)
        if live:
            statement = statement.where(
                _T.revoked_at.is_(None), _T.expires_at > int(time.time()), approval.c.revoked_at.is_(None)
            )
        if after is not None:
            statement = statement.where(
                or_(_T.expires_at < after[0], and_(_T.expires_at == after[0], _T.token_hash < after[1]))
            )
        return self._database.all(statement)

    def live_counts(self, client: int) -> dict[str, int]:
        """How many live tokens, approvals and remembered consents a client has, each counted up to `MAX_COUNTED`."""
        now = int(time.time())
        found = {}
        for name, table in (("tokens", access_token), ("approvals", approval), ("consents", consent)):
            few = select(table.c.client).where(table.c.client == client)
            if table is not consent:
                few = few.where(table.c.expires_at > now, table.c.revoked_at.is_(None))
            row = self._database.first(select(func.count()).select_from(few.limit(MAX_COUNTED).subquery()))
            found[name] = 0 if row is None else int(row[0])
        return found

    def hash_of(self, start: bytes) -> bytes | None:
        """The hash that begins with these 16 bytes, which are a token's id."""
        end = start + b"\xff" * 16
        row = self._database.first(select(_T.token_hash).where(_T.token_hash.between(start + b"\0" * 16, end)))
        return None if row is None else bytes(row.token_hash)

    @again_after_deadlock
    def change_attributes(self, token_hash: bytes, changes: Mapping[str, Any]) -> bool:
        """Merge changes into a live token's attributes; `None` removes one. Of two changes at once, neither gets lost."""
        with self._database.transaction() as connection:
            row = connection.execute(_ATTRIBUTES, {"hash": token_hash}).first()
            if row is None:
                return False
            merged = {name: value for name, value in {**(row.attributes or {}), **changes}.items() if value is not None}
            parameters = {"hash": token_hash, "value": merged or None, "now": int(time.time())}
            return connection.execute(_SET_ATTRIBUTES, parameters).rowcount == 1


def _owner(client: Client) -> dict[str, Any]:
    return {"owner": client.key, "version": client.version}


def _parameters(values: Mapping[str, Any], client: Client) -> dict[str, Any]:
    return {f"p_{name}": values[name] for name in COLUMNS} | {"p_version": client.version}


def _with(parameters: dict[str, Any], numbers: Mapping[bytes, int]) -> dict[str, Any]:
    return parameters | standing(numbers) if numbers else parameters
