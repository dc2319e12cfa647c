"""The client registry's rows: a client, its registration and its secrets."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any

from sqlalchemy import bindparam, delete, insert, or_, select, update
from sqlalchemy.engine import Row

from ..hashing import sha256
from .database import Database
from .tables import client as client_table
from .tables import client_secret as secret_table
from .tables import consent as consent_table

CACHE_SECONDS = 5  # a change made by another process is seen by every statement that acts, and here after this long
CACHE_SIZE = 10_000
LAST_USED_SECONDS = 300  # how far behind "last used" may lag, so that it isn't written at every request


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """One of a client's secrets, as far as it is known after it was shown."""

    id: int
    hint: str
    digest: str = field(repr=False)
    created_at: int
    expires_at: int | None
    last_used_at: int | None

    def is_live(self, now: float) -> bool:
        return self.expires_at is None or self.expires_at > now


LISTED: Mapping[str, Any] = {"registered": True, "default": []}


def registered(default: Any) -> Any:
    """A field that stands in the `metadata` column."""
    metadata = {"registered": True, "default": default}
    return (
        field(default_factory=list, metadata=metadata) if default == [] else field(default=default, metadata=metadata)
    )


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class Client:
    """A registered client: RFC 7591's members and our own. Its plain `client_secret` is there when it was just made."""

    key: int
    client_id: str
    version: int
    enabled: bool
    owner: str | None
    created_at: int
    updated_at: int
    secrets: tuple[ClientSecret, ...] = ()
    client_secret: str | None = None

    client_name: str = registered("")
    grant_types: list[str] = field(default_factory=list, metadata=LISTED)
    redirect_uris: list[str] = field(default_factory=list, metadata=LISTED)
    scope: str = registered("")
    default_scope: str = registered("")
    token_endpoint_auth_method: str = registered("client_secret_basic")
    jwks: Mapping[str, Any] | None = registered(None)
    jwks_uri: str | None = registered(None)
    contacts: list[str] = field(default_factory=list, metadata=LISTED)
    logo_uri: str | None = registered(None)
    client_uri: str | None = registered(None)
    policy_uri: str | None = registered(None)
    tos_uri: str | None = registered(None)
    skip_consent: bool = registered(False)
    access_token_format: str | None = registered(None)
    access_token_lifetime: int | None = registered(None)
    refresh_token_lifetime: int | None = registered(None)
    certificate: str | None = registered(None)
    attributes: Mapping[str, Any] | None = registered(None)
    resource_server: bool = registered(False)

    scopes: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scopes", frozenset(self.scope.split()))

    def __repr__(self) -> str:
        return f"<Client {self.client_id!r}>"

    def with_secret(self, client_secret: str) -> Client:
        """The same client, with the secret that was just made for it."""
        return replace(self, client_secret=client_secret)

    @property
    def is_public(self) -> bool:
        """Whether it can't keep a secret (RFC 6749 section 2.1)."""
        return self.token_endpoint_auth_method == "none"

    # What Authlib's grants ask of a client.

    def get_client_id(self) -> str:
        return self.client_id

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grant_types


REGISTERED = tuple(item.name for item in fields(Client) if item.metadata.get("registered"))
_DEFAULTS = {item.name: item.metadata["default"] for item in fields(Client) if item.metadata.get("registered")}

_SECRET_COLUMNS = ("id", "hint", "digest", "created_at", "expires_at", "last_used_at")
_WITH_SECRETS = (
    select(client_table, *(secret_table.c[name].label(f"secret_{name}") for name in _SECRET_COLUMNS))
    .outerjoin(secret_table, secret_table.c.client == client_table.c.id)
    .order_by(client_table.c.id, secret_table.c.id)
)
_BY_CLIENT_ID = _WITH_SECRETS.where(client_table.c.client_id_hash == bindparam("hash"))
_BY_KEY = _WITH_SECRETS.where(client_table.c.id == bindparam("key"))
_CHANGE = (
    update(client_table)
    .where(client_table.c.id == bindparam("key"))
    .values(version=client_table.c.version + 1, updated_at=bindparam("now"))
)
_TOUCH_SECRET = update(secret_table).where(secret_table.c.id == bindparam("key")).values(last_used_at=bindparam("now"))


class ClientStore:
    """Reads and writes clients. What it read lately it remembers for a few seconds, for the statements that check it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cache: dict[str, tuple[float, Client]] = {}
        self._touched: dict[int, int] = {}  # when a secret's last use was noted, by its id

    def get(self, client_id: str) -> Client | None:
        """A client as it was at most `CACHE_SECONDS` ago: for callers whose own statement checks its version."""
        found = self._cache.get(client_id)
        if found is not None and found[0] > time.monotonic():
            return found[1]
        return self.load(client_id)

    def load(self, client_id: str) -> Client | None:
        """A client as it is now."""
        rows = self._database.all(_BY_CLIENT_ID, {"hash": sha256(client_id)})
        if not rows:
            self._cache.pop(client_id, None)
            return None
        client = _from_rows(rows)
        if len(self._cache) >= CACHE_SIZE:
            self._cache.clear()
        self._cache[client_id] = (time.monotonic() + CACHE_SECONDS, client)
        return client

    def load_by_key(self, key: int) -> Client | None:
        """A client by its row's key, as it is now."""
        rows = self._database.all(_BY_KEY, {"key": key})
        return _from_rows(rows) if rows else None

    def list(self) -> list[Client]:
        """Every client, the oldest first."""
        rows: dict[int, list[Row[Any]]] = {}
        for row in self._database.all(_WITH_SECRETS):
            rows.setdefault(row.id, []).append(row)
        return [_from_rows(group) for group in rows.values()]

    def add(self, client_id: str, values: Mapping[str, Any], secret: Mapping[str, Any] | None) -> None:
        """Store a new client, and its first secret. Raises `IntegrityError` where the `client_id` is taken."""
        now = int(time.time())
        with self._database.transaction() as connection:
            key: int = connection.execute(
                insert(client_table).values(
                    client_id=client_id,
                    client_id_hash=sha256(client_id),
                    created_at=now,
                    updated_at=now,
                    **_to_columns(values),
                )
            ).inserted_primary_key[0]  # type: ignore[index]
            if secret is not None:
                connection.execute(insert(secret_table).values(_secret_columns(key, secret, now)))

    def change(self, client: Client, values: Mapping[str, Any]) -> bool:
        """Store changed fields of a client; False where it is gone or another change came in between."""
        merged = {name: getattr(client, name) for name in (*REGISTERED, "owner", "enabled")} | dict(values)
        statement = _CHANGE.where(client_table.c.version == client.version).values(**_to_columns(merged))
        changed = self._database.run(statement, {"key": client.key, "now": int(time.time())})
        self._cache.pop(client.client_id, None)
        return changed == 1

    def add_secret(self, client: Client, secret: Mapping[str, Any], *, overlap: int) -> bool:
        """Add a secret, and let the client's other ones live for `overlap` seconds; False where the client is gone."""
        now = int(time.time())
        others_until = now + overlap
        with self._database.transaction() as connection:
            if connection.execute(_CHANGE, {"key": client.key, "now": now}).rowcount == 0:
                return False
            live_longer = or_(secret_table.c.expires_at.is_(None), secret_table.c.expires_at > others_until)
            connection.execute(
                update(secret_table)
                .where(secret_table.c.client == client.key, live_longer)
                .values(expires_at=others_until)
            )
            connection.execute(
                delete(secret_table).where(secret_table.c.client == client.key, secret_table.c.expires_at <= now)
            )
            connection.execute(insert(secret_table).values(_secret_columns(client.key, secret, now)))
        self._cache.pop(client.client_id, None)
        return True

    def touch_secret(self, secret: ClientSecret, now: int) -> None:
        """Note that a secret was used, where that wasn't noted lately."""
        noted = max(secret.last_used_at or 0, self._touched.get(secret.id, 0))  # the client may be an older copy
        if now - noted >= LAST_USED_SECONDS:
            if len(self._touched) >= CACHE_SIZE:
                self._touched.clear()
            self._touched[secret.id] = now
            self._database.run(_TOUCH_SECRET, {"key": secret.id, "now": now}, repeatable=True)

    def remove(self, client: Client) -> bool:
        """Delete a client, its secrets and consents. Its tokens are dead at once, and purged later."""
        with self._database.transaction() as connection:
            for table in (secret_table, consent_table):
                connection.execute(delete(table).where(table.c.client == client.key))
            removed = connection.execute(delete(client_table).where(client_table.c.id == client.key)).rowcount
        self._cache.pop(client.client_id, None)
        return bool(removed)

    def forget(self, client_id: str) -> None:
        """Drop what is remembered of a client."""
        self._cache.pop(client_id, None)


def _from_rows(rows: Sequence[Row[Any]]) -> Client:
    """A client of its row, repeated for each of its secrets."""
    row = rows[0]
    values: dict[str, Any] = {name: value for name, value in row.metadata.items() if name in _DEFAULTS}
    secrets = (
        ClientSecret(*(getattr(each, f"secret_{name}") for name in _SECRET_COLUMNS)) for each in rows if each.secret_id
    )
    return Client(
        key=row.id,
        client_id=row.client_id,
        version=row.version,
        enabled=row.enabled,
        owner=row.owner,
        created_at=row.created_at,
        updated_at=row.updated_at,
        secrets=tuple(secrets),
        **values,
    )


def _to_columns(values: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a client: those of its own, and `metadata` with all that isn't at its default."""
    metadata = {
        name: values[name] for name in REGISTERED if values.get(name, _DEFAULTS[name]) not in (None, _DEFAULTS[name])
    }
    return {"owner": values.get("owner"), "enabled": values.get("enabled", True), "metadata": metadata}


def _secret_columns(client: int, secret: Mapping[str, Any], now: int) -> dict[str, Any]:
    expires_in = secret["expires_in"]
    return {
        "client": client,
        "hint": secret["hint"],
        "digest": secret["digest"],
        "created_at": now,
        "expires_at": None if expires_in is None else now + expires_in,
    }
