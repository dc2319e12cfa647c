"""Stores the apps that users register for themselves: how many one has, and changes that hold what was read to be true."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, delete, func, insert, select, update

from ...crypto.hashing import sha256
from ...database.deadlocks import again_after_deadlock
from ...database.tables import access_token, approval
from ...database.tables import application as application_table
from ...database.tables import client as client_table
from ...database.tables import client_secret as secret_table
from ...database.tables import consent as consent_table
from ..applications import NAME_LENGTH, PENDING
from ..clients import CHANGE, to_columns
from ..registered_client import DEFAULTS, DEVELOPER
from ..revocations.statements import raise_count
from .registered import BEHIND_CONSENT

if TYPE_CHECKING:
    from ...database.engine import Database
    from ..clients import ClientStore
    from ..registered_client import Client
    from ..revocations import RevocationStore

MAX_COUNTED = 10_000
_C = client_table.c
_A = application_table.c


class TooManyApps(Exception):
    """The user has as many apps as one may have."""


class UserAppStore:
    """What is stored of users' own apps. Every change fits the version that was read, or isn't made."""

    def __init__(self, database: Database, clients: ClientStore, revocations: RevocationStore) -> None:
        self._database = database
        self._clients = clients
        self._revocations = revocations

    def add(
        self,
        client_id: str,
        values: Mapping[str, Any],
        secrets: Sequence[Mapping[str, Any]],
        *,
        owner: str,
        most: int,
        waits: bool,
    ) -> None:
        """Store a new app; where it `waits` for an administrator, in a pending application of the same name.

        Raises `TooManyApps` where its owner has `most` by then, and `IntegrityError` where the `client_id` is taken.
        """

        def make_room(connection: Connection) -> None:
            _take_turns(connection, owner)
            mine = select(func.count()).select_from(client_table).where(_C.owner == owner, _C.origin == DEVELOPER)
            if connection.execute(mine).scalar_one() >= most:
                raise TooManyApps
            if waits:
                now, name = int(time.time()), values["client_name"]
                connection.execute(
                    insert(application_table).values(
                        application_id=client_id, owner=owner, status=PENDING, created_at=now, updated_at=now, **_named(name)
                    )
                )  # fmt: skip

        own = {"owner": owner, "origin": DEVELOPER, "application": client_id if waits else None}
        self._clients.add(client_id, {**values, **own}, secrets, first=make_room)

    @again_after_deadlock
    def change(self, client: Client, values: Mapping[str, Any]) -> bool:
        """Store a whole registration in place of another; False where the app is gone, or was changed meanwhile.

        While it waits for an administrator, this counts as a change of its application, whose name stays its own: what
        somebody has looked at is what is approved.
        """
        own = {"owner": client.owner, "switched_on": client.switched_on, "verified": client.keeps_mark(values)}
        now = int(time.time())
        asks_anew = any(values.get(name, DEFAULTS[name]) != getattr(client, name) for name in BEHIND_CONSENT)
        try:
            with self._database.transaction() as connection:
                if client.is_on_trial:
                    _change_application(connection, client, values["client_name"], now)
                seen = CHANGE.where(_C.version == client.version).values(**to_columns({**values, **own}))
                if connection.execute(seen, {"key": client.key, "now": now}).rowcount == 0:
                    raise _Changed
                if asks_anew:
                    connection.execute(delete(consent_table).where(consent_table.c.client == client.key))
                self._clients.note_change(client, connection)
        except _Changed:
            return False
        return True

    @again_after_deadlock
    def end_secret(self, client: Client, number: int) -> bool:
        """End one secret at once; False where the app was changed meanwhile."""
        with self._database.transaction() as connection:
            if not _is_as_read(connection, client, int(time.time())):
                return False
            ended = delete(secret_table).where(secret_table.c.client == client.key, secret_table.c.id == number)
            connection.execute(ended)
            self._clients.note_change(client, connection)
        return True

    @again_after_deadlock
    def remove(self, client: Client) -> tuple[str, ...]:
        """Delete an app with its secrets and consents, and its own application unless that has other clients by now.

        Returns what was deleted, "client" and "application"; nothing where the app was changed meanwhile.
        """
        removed: tuple[str, ...] = ("client",)
        with self._database.transaction() as connection:
            if not _is_as_read(connection, client, int(time.time())):
                return ()
            for table in (secret_table, consent_table):
                connection.execute(delete(table).where(table.c.client == client.key))
            connection.execute(delete(client_table).where(_C.id == client.key))
            if client.application == client.client_id and _remove_application(connection, client.client_id):
                removed += ("application",)
            self._revocations.remove([client.client_id], connection=connection)
        self._clients.forget(client.client_id)
        return removed

    def usage(self, client: Client) -> dict[str, int]:
        """How many users have allowed an app something that still holds, and its live tokens, each up to `MAX_COUNTED`."""
        now = int(time.time())
        users = (
            select(approval.c.subject)
            .where(approval.c.client == client.key, approval.c.expires_at > now, approval.c.revoked_at.is_(None))
            .distinct()
        )
        kept = select(consent_table.c.subject).where(consent_table.c.client == client.key)
        tokens = select(access_token.c.client).where(
            access_token.c.client == client.key, access_token.c.expires_at > now, access_token.c.revoked_at.is_(None)
        )
        found = {}
        for name, few in (("users", users.union(kept)), ("tokens", tokens)):
            row = self._database.first(select(func.count()).select_from(few.limit(MAX_COUNTED).subquery()))
            found[name] = 0 if row is None else int(row[0])
        return found


class _Changed(Exception):
    """The app was changed meanwhile."""


def _take_turns(connection: Connection, owner: str) -> None:
    """Let the users' registrations come one after the other, by the bucket of marks that a user's name falls into.

    So of twenty at once none counts the apps before another has stored its own, in whichever process, and at whichever node
    of a Galera cluster.
    """
    raise_count(connection, sha256(f"apps of {owner}")[0])


def _is_as_read(connection: Connection, client: Client, now: int) -> bool:
    seen = CHANGE.where(_C.version == client.version)
    return connection.execute(seen, {"key": client.key, "now": now}).rowcount == 1


def _remove_application(connection: Connection, application_id: str) -> bool:
    own = select(_A.id).where(_A.application_id == application_id).scalar_subquery()
    if connection.execute(select(_C.id).where(_C.application == own).limit(1)).first() is not None:
        return False
    return connection.execute(delete(application_table).where(_A.application_id == application_id)).rowcount == 1


def _named(name: str) -> dict[str, str]:
    return {"name": name, "folded_name": name.casefold()[:NAME_LENGTH]}


def _change_application(connection: Connection, client: Client, name: str, now: int) -> None:
    """Count the change up in the application that waits. Raises `_Changed` where it doesn't wait any more."""
    changed = (
        update(application_table)
        .where(_A.application_id == client.application, _A.status == PENDING)
        .values(version=_A.version + 1, updated_at=now, **_named(name))
    )
    if connection.execute(changed).rowcount == 0:
        raise _Changed
