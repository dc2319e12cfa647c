"""Stores clients, with their registrations and secrets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, or_, select, update
from sqlalchemy.engine import Row

from ..crypto.hashing import sha256
from ..database.deadlocks import again_after_deadlock
from ..database.engine import Database
from ..database.prepared import Prepared
from ..database.tables import application as application_table
from ..database.tables import client as client_table
from ..database.tables import client_secret as secret_table
from ..database.tables import consent as consent_table
from .applications import lock_application, works
from .registered_client import DEFAULTS, REGISTERED, Client, ClientSecret, may_be_tried
from .revocations import RevocationStore

# Every statement that acts sees another process's change at once; the cache sees it after these seconds.
CACHE_SECONDS = 5
RECHECKED_SECONDS = 300  # for whom a statement checks that the client is still as it was read
CACHE_SIZE = 10_000
NAME_LENGTH = 255

_SECRET_COLUMNS = ("id", "hint", "digest", "created_at", "expires_at", "last_used_at")
_APPLICATION_COLUMNS = {
    "application": "application_id", "application_status": "status", "application_plan": "plan",
    "application_attributes": "attributes",
}  # fmt: skip
_FIRST = len(client_table.c) + len(_APPLICATION_COLUMNS)  # where a secret's columns begin
_SECRET = slice(_FIRST, _FIRST + len(_SECRET_COLUMNS))
WITH_SECRETS = (
    select(
        client_table,
        *(application_table.c[name].label(f"its_{field}") for field, name in _APPLICATION_COLUMNS.items()),
        *(secret_table.c[name].label(f"secret_{name}") for name in _SECRET_COLUMNS),
    )
    .outerjoin(secret_table, secret_table.c.client == client_table.c.id)
    .outerjoin(application_table, application_table.c.id == client_table.c.application)
    .order_by(client_table.c.id, secret_table.c.id)
)
BY_CLIENT_ID = Prepared(WITH_SECRETS.where(client_table.c.client_id_hash == bindparam("hash")).order_by(None))
_BY_KEY = WITH_SECRETS.where(client_table.c.id == bindparam("key"))
CHANGE = (
    update(client_table)
    .where(client_table.c.id == bindparam("key"))
    .values(version=client_table.c.version + 1, updated_at=bindparam("now"))
)


class ClientStore:
    """Reads and writes clients. A client that was read is cached for a few seconds; statements that act check its version."""

    def __init__(self, database: Database, revocations: RevocationStore) -> None:
        self._database = database
        self._revocations = revocations
        self._cache: dict[str, tuple[float, Client]] = {}  # with the time at which each was read, the oldest first

    def get(self, client_id: str, *, rechecked: bool = False) -> Client | None:
        """A client as it was at most `CACHE_SECONDS` ago; where it is `rechecked`, at most `RECHECKED_SECONDS` ago.

        `rechecked`: the caller's own statement checks its version, and what would be refused is looked at anew. An
        application's plan and attributes have no part in the version.
        """
        return self.remembered(client_id, rechecked=rechecked) or self.load(client_id)

    def remembered(self, client_id: str, *, rechecked: bool = False) -> Client | None:
        """What `get` returns, where no statement is needed for it; else `None`."""
        found = self._cache.get(client_id)
        if found is not None:
            read_at, client = found
            kept = RECHECKED_SECONDS if rechecked and client.application is None else CACHE_SECONDS
            if time.monotonic() - read_at < kept:
                return client
        return None

    def load(self, client_id: str) -> Client | None:
        """A client as it is stored now."""
        read_at = time.monotonic()
        return self.remember(client_id, self._database.all(BY_CLIENT_ID, {"hash": sha256(client_id)}), read_at)

    def remember(self, client_id: str, rows: Sequence[Row[Any]], read_at: float) -> Client | None:
        """Remember a client, from the rows that were read of it at this time (`time.monotonic`)."""
        self._cache.pop(client_id, None)
        if not rows:
            return None
        client = _from_rows(rows)
        if len(self._cache) >= CACHE_SIZE:
            self._cache = dict(list(self._cache.items())[CACHE_SIZE // 2 :])
        self._cache[client_id] = (read_at, client)
        return client

    def load_by_key(self, key: int) -> Client | None:
        """A client by its row's key, as it is stored now."""
        rows = self._database.all(_BY_KEY, {"key": key})
        return _from_rows(rows) if rows else None

    def list(self, application: str | None = None) -> list[Client]:
        """All clients, or all of an application, the oldest first."""
        statement = WITH_SECRETS
        if application is not None:
            statement = statement.where(application_table.c.application_id == application)
        return _grouped(self._database.all(statement))

    def page(
        self, *, text: str | None, application: str | None, having: Mapping[str, str | None], after: int, limit: int
    ) -> Sequence[Client]:
        """The clients after a key, the oldest first; `text`: the beginning of the `client_id`, or a part of the name."""
        table = client_table.c
        page = select(table.id).where(table.id > after).order_by(table.id).limit(limit)
        if text is not None:
            named = table.name.contains(text.casefold(), autoescape=True)
            page = page.where(or_(table.client_id.startswith(text, autoescape=True), named))
        page = page.where(*(table[column] == value for column, value in having.items()))
        if application is not None:
            its = select(application_table.c.id).where(application_table.c.application_id == application)
            page = page.where(table.application == its.scalar_subquery())
        found = page.subquery()
        return _grouped(self._database.all(WITH_SECRETS.join(found, found.c.id == table.id)))

    @again_after_deadlock
    def add(
        self,
        client_id: str,
        values: Mapping[str, Any],
        secrets: Sequence[Mapping[str, Any]],
        first: Callable[[Connection], None] | None = None,
    ) -> int:
        """Store a new client, and its secrets; returns its `created_at`.

        `first` is called in the same transaction, before; what it raises undoes all.
        Raises `IntegrityError` where the `client_id` is taken, `ApplicationNotFound`.
        """
        now = int(time.time())
        switched_on = values.get("switched_on", True)
        with self._database.transaction() as connection:
            if first is not None:
                first(connection)
            application, status = lock_application(connection, values.get("application"))
            tried = may_be_tried(values.get("origin"), client_id, values.get("application"))
            key: int = connection.execute(
                insert(client_table).values(
                    client_id=client_id,
                    client_id_hash=sha256(client_id),
                    created_at=now,
                    updated_at=now,
                    application=application,
                    enabled=switched_on and works(status, may_be_tried=tried),
                    origin=values.get("origin"),
                    registration_digest=values.get("registration_digest"),
                    **to_columns(values),
                )
            ).inserted_primary_key[0]  # type: ignore[index]
            if secrets:
                connection.execute(insert(secret_table), [secret_columns(key, secret, now) for secret in secrets])
        return now

    @again_after_deadlock
    def change(self, client: Client, values: Mapping[str, Any]) -> bool:
        """Store changed fields of a client; False where it is gone, or another change came in between.

        Unless the values name `verified`, the mark goes where they change what it is about. Raises `ApplicationNotFound`.
        """
        own = ("owner", "switched_on", "application", "fresh_until")
        merged = {name: getattr(client, name) for name in (*REGISTERED, *own)} | dict(values)
        merged.setdefault("verified", client.keeps_mark(merged))
        statement = CHANGE.where(client_table.c.version == client.version).values(**to_columns(merged))
        parameters = {"key": client.key, "now": int(time.time())}
        # While the client's version is the same, so is the status of its application that was read with it.
        # One on trial that is switched on and not enabled was moved there, with tokens of others.
        tried = client.is_on_trial and (client.enabled or not client.switched_on)
        enabled = merged["switched_on"] and works(client.application_status, may_be_tried=tried)
        is_plain = merged["application"] == client.application and enabled == client.enabled
        if is_plain and not self._revocations.replicated:
            changed = self._database.run(statement, parameters)
        else:
            with self._database.transaction() as connection:
                if merged["application"] != client.application:
                    key, status = lock_application(connection, merged["application"])
                    enabled = merged["switched_on"] and works(status, may_be_tried=False)  # it may be in use
                    statement = statement.values(application=key)
                changed = connection.execute(statement.values(enabled=enabled), parameters).rowcount
                if changed and enabled != client.enabled:
                    self._revocations.switch([client.client_id], enabled=enabled, connection=connection)
                elif changed:
                    self._revocations.note_change(client.client_id, connection=connection)
        self._cache.pop(client.client_id, None)
        return changed == 1

    @again_after_deadlock
    def add_secret(
        self, client: Client, secret: Mapping[str, Any], *, overlap: int, version: int | None = None
    ) -> bool:
        """Add a secret; the others live for `overlap` seconds. False where the client is gone, or isn't of this `version`."""
        change = CHANGE if version is None else CHANGE.where(client_table.c.version == version)
        now = int(time.time())
        others_until = now + overlap
        with self._database.transaction() as connection:
            if connection.execute(change, {"key": client.key, "now": now}).rowcount == 0:
                return False
            live_longer = or_(secret_table.c.expires_at.is_(None), secret_table.c.expires_at > others_until)
            its = secret_table.c.client == client.key
            connection.execute(update(secret_table).where(its, live_longer).values(expires_at=others_until))
            connection.execute(delete(secret_table).where(its, secret_table.c.expires_at <= now))
            connection.execute(insert(secret_table).values(secret_columns(client.key, secret, now)))
            self._revocations.note_change(client.client_id, connection=connection)
        self._cache.pop(client.client_id, None)
        return True

    @again_after_deadlock
    def remove(self, client: Client, version: int | None = None) -> bool:
        """Delete a client (of this `version`), its secrets and consents. Its tokens are dead at once, and purged later."""
        its = select(client_table.c.id).where(client_table.c.id == client.key, client_table.c.version == version)
        with self._database.transaction() as connection:
            if version is not None and connection.execute(its.with_for_update()).first() is None:
                return False
            for table in (secret_table, consent_table):
                connection.execute(delete(table).where(table.c.client == client.key))
            removed = connection.execute(delete(client_table).where(client_table.c.id == client.key)).rowcount
            if removed:
                self._revocations.remove([client.client_id], connection=connection)
        self._cache.pop(client.client_id, None)
        return bool(removed)

    def note_change(self, client: Client, connection: Connection) -> None:
        """Note, at the end of a transaction, that it changes a client."""
        self._revocations.note_change(client.client_id, connection=connection)
        self._cache.pop(client.client_id, None)

    def forget(self, client_id: str) -> None:
        """Drop a client from the cache."""
        self._cache.pop(client_id, None)

    def forget_all(self) -> None:
        """Drop all clients from the cache, as the application of some of them was changed."""
        self._cache.clear()


def _grouped(rows: Iterable[Row[Any]]) -> list[Client]:
    by_key: dict[int, list[Row[Any]]] = {}
    for row in rows:
        by_key.setdefault(row.id, []).append(row)
    return [_from_rows(group) for group in by_key.values()]


def _from_rows(rows: Sequence[Row[Any]]) -> Client:
    """A client, from its row, which is repeated for each of its secrets."""
    row = rows[0]
    values: dict[str, Any] = {name: value for name, value in row.metadata.items() if name in DEFAULTS}
    secrets = (ClientSecret(*each[_SECRET]) for each in rows if each.secret_id)
    return Client(
        key=row.id,
        client_id=row.client_id,
        version=row.version,
        enabled=row.enabled,
        verified=bool(row.verified),
        switched_on=row.switched_on,
        owner=row.owner,
        origin=row.origin,
        registration_digest=row.registration_digest and bytes(row.registration_digest),
        used_at=row.used_at,
        fresh_until=row.fresh_until,
        created_at=row.created_at,
        updated_at=row.updated_at,
        secrets=tuple(sorted(secrets, key=lambda secret: secret.id)),
        **{field: getattr(row, f"its_{field}") for field in _APPLICATION_COLUMNS},
        **values,
    )


def to_columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """A client's columns, of which `metadata` holds all registered values that differ from their defaults."""
    metadata = {
        name: values[name] for name in REGISTERED if values.get(name, DEFAULTS[name]) not in (None, DEFAULTS[name])
    }
    return {
        "owner": values.get("owner"),
        "switched_on": values.get("switched_on", True),
        "verified": values.get("verified", False),
        "fresh_until": values.get("fresh_until"),
        "name": metadata.get("client_name", "").casefold()[:NAME_LENGTH] or None,
        "metadata": metadata,
    }


def secret_columns(client: int, secret: Mapping[str, Any], now: int) -> dict[str, Any]:
    """A new secret's columns."""
    expires_in = secret["expires_in"]
    return {
        "client": client,
        "hint": secret["hint"],
        "digest": secret["digest"],
        "created_at": now,
        "expires_at": None if expires_in is None else now + expires_in,
    }
