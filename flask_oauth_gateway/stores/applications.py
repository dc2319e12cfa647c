"""Stores applications. A partner's application has any number of clients, which work only while it is approved."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.engine import Row

from ..database.deadlocks import again_after_deadlock
from ..database.engine import Database
from ..database.tables import application as table
from ..database.tables import client as client_table
from ..database.tables import client_secret as secret_table
from ..database.tables import consent as consent_table
from ..errors import shown
from .registered_client import APPROVED, PENDING, REVOKED, STATUSES
from .revocations import RevocationStore

__all__ = ["APPROVED", "PENDING", "REVOKED", "STATUSES", "Application", "ApplicationStore"]

NAME_LENGTH = 255

_A = table.c
_ITS_CLIENTS = client_table.c.application == bindparam("its")
# Adding a client to an application and changing the application's status take turns, so that no client is enabled by a
# status that is just being taken away. SQLite's transactions take turns anyway.
_JOIN = select(_A.id, _A.status).where(_A.application_id == bindparam("name")).with_for_update(read=True)
_LOCK = select(_A.id, _A.status, _A.version).where(_A.application_id == bindparam("name")).with_for_update()


def is_application_id(text: object) -> bool:
    """Whether a text may be an `application_id`."""
    return isinstance(text, str) and re.fullmatch(r"[A-Za-z0-9._~-]{1,64}", text) is not None


class ApplicationNotFound(LookupError):
    """There is no application with this `application_id`."""

    def __init__(self, application_id: str) -> None:
        super().__init__(f"There is no application {shown(application_id)}.")


class ApplicationInUse(ValueError):
    """The application has clients, so it can only be deleted with them."""

    def __init__(self, application_id: str, clients: int) -> None:
        number = "a client" if clients == 1 else f"{clients} clients"
        super().__init__(
            f"The application {shown(application_id)} has {number}: delete it with them, or move them first."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A registered application. Times are in seconds since 1970."""

    key: int
    application_id: str
    version: int
    name: str
    owner: str | None
    status: str
    plan: str | None
    attributes: Mapping[str, Any]
    created_at: int
    updated_at: int

    @property
    def is_approved(self) -> bool:
        """Whether the application's clients work."""
        return self.status == APPROVED


class ApplicationChanged(ValueError):
    """Somebody has changed the application since it was read."""

    def __init__(self) -> None:
        super().__init__("It was changed since you read it: look at it again.")


def works(status: str | None, *, may_be_tried: bool) -> bool:
    """Whether a client that is switched on works: its application, if it has one, is approved, or waits and may be tried."""
    return status in (None, APPROVED) or (status == PENDING and may_be_tried)


def lock_application(connection: Connection, application_id: str | None) -> tuple[int | None, str | None]:
    """An application's key and status; this holds until the transaction ends.

    Without an `application_id` the result is `None, None`. Raises `ApplicationNotFound`.
    """
    if application_id is None:
        return None, None
    row = connection.execute(_JOIN, {"name": application_id}).first() if is_application_id(application_id) else None
    if row is None:
        raise ApplicationNotFound(application_id)
    return row.id, row.status


class ApplicationStore:
    """Reads and writes applications; enables and disables their clients with their status."""

    def __init__(self, database: Database, revocations: RevocationStore) -> None:
        self._database = database
        self._revocations = revocations

    def get(self, application_id: str) -> Application | None:
        """An application as it is stored now."""
        if not is_application_id(application_id):
            return None
        row = self._database.first(select(table).where(_A.application_id == application_id))
        return None if row is None else _from_row(row)

    def page(
        self, *, text: str | None, status: str | None, owner: str | None, after: int, limit: int
    ) -> Sequence[Application]:
        """The applications after a key, the oldest first; `text`: the beginning of the `application_id`, or part of the name."""
        page = select(table).where(_A.id > after).order_by(_A.id).limit(limit)
        if text is not None:
            named = _A.folded_name.contains(text.casefold(), autoescape=True)
            page = page.where(_A.application_id.startswith(text, autoescape=True) | named)
        if status is not None:
            page = page.where(_A.status == status)
        if owner is not None:
            page = page.where(_A.owner == owner)
        return [_from_row(row) for row in self._database.all(page)]

    def add(self, application_id: str, values: Mapping[str, Any]) -> None:
        """Store a new application. Raises `IntegrityError` where the `application_id` is taken."""
        now = int(time.time())
        row = {"application_id": application_id, "created_at": now, "updated_at": now, **_to_columns(values)}
        self._database.run(insert(table).values(row))

    @again_after_deadlock
    def change(self, application_id: str, values: Mapping[str, Any], version: int | None = None) -> None:
        """Store the named values, none of which is the status. `version`: what it must still have.

        Raises `ApplicationNotFound` and `ApplicationChanged`.
        """
        with self._database.transaction() as connection:
            row = _locked(connection, application_id, version)
            changed = {**_to_columns(values), "version": _A.version + 1, "updated_at": int(time.time())}
            connection.execute(update(table).where(_A.id == row.id).values(changed))

    @again_after_deadlock
    def set_status(self, application_id: str, status: str, version: int | None = None) -> None:
        """Change the status, and enable the application's clients by it: those that are switched on, if it is approved.

        `version`: what it must still have. Raises `ApplicationNotFound` and `ApplicationChanged`.
        """
        approved = status == APPROVED
        with self._database.transaction() as connection:
            row = _locked(connection, application_id, version)
            connection.execute(
                update(table)
                .where(_A.id == row.id)
                .values(status=status, version=_A.version + 1, updated_at=int(time.time()))
            )
            if status == row.status:
                return
            # Each client gets a new version, so that a change based on an older read can't enable it.
            enabled = client_table.c.switched_on if approved else False
            values = {"enabled": enabled, "version": client_table.c.version + 1}
            connection.execute(update(client_table).where(_ITS_CLIENTS).values(values), {"its": row.id})
            working = select(client_table.c.client_id).where(_ITS_CLIENTS, client_table.c.switched_on)
            client_ids = list(connection.execute(working, {"its": row.id}).scalars())
            self._revocations.switch(client_ids, enabled=approved, connection=connection)

    @again_after_deadlock
    def remove(self, application_id: str, *, with_clients: bool, version: int | None = None) -> list[str]:
        """Delete an application; with `with_clients`, also its clients and their secrets and consents.

        `version`: what it must still have. Returns the `client_id` of each deleted client. Raises `ApplicationNotFound`
        and `ApplicationChanged`; `ApplicationInUse` where it has clients that are not to be deleted.
        """
        with self._database.transaction() as connection:
            row = _locked(connection, application_id, version)
            its = {"its": row.id}
            found = select(client_table.c.id, client_table.c.client_id).where(_ITS_CLIENTS).with_for_update()
            clients = connection.execute(found, its).all()
            client_ids = [client.client_id for client in clients]
            if client_ids and not with_clients:
                raise ApplicationInUse(application_id, len(client_ids))
            for client in clients:  # a DELETE with a subquery reads MariaDB's whole table
                for other in (secret_table, consent_table):
                    connection.execute(delete(other).where(other.c.client == client.id))
            connection.execute(delete(client_table).where(_ITS_CLIENTS), its)
            connection.execute(delete(table).where(_A.id == row.id))
            self._revocations.remove(client_ids, connection=connection)
        return client_ids


def _locked(connection: Connection, application_id: str, version: int | None) -> Any:
    """Nobody else changes it until the transaction ends. Raises `ApplicationNotFound` and `ApplicationChanged`."""
    row = connection.execute(_LOCK, {"name": application_id}).first() if is_application_id(application_id) else None
    if row is None:
        raise ApplicationNotFound(application_id)
    if version is not None and row.version != version:
        raise ApplicationChanged
    return row


def _from_row(row: Row[Any]) -> Application:
    values = row._asdict()
    del values["id"], values["folded_name"]
    return Application(key=row.id, **{**values, "attributes": row.attributes or {}})


def _to_columns(values: Mapping[str, Any]) -> dict[str, Any]:
    columns = dict(values)
    if "name" in columns:
        columns["folded_name"] = columns["name"].casefold()[:NAME_LENGTH]
    return columns
