"""Stores consents: one record for each user and client, with the scopes that the user isn't asked about again."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError

from ..database.engine import Database
from ..database.tables import client as client_table
from ..database.tables import consent
from .registered_client import Client

_C = consent.c
_FIND = select(consent).where(_C.subject == bindparam("who"), _C.client == bindparam("whom"))


class ConsentStore:
    """Reads and writes consents."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def scopes(self, subject: str, client: Client) -> frozenset[str]:
        """The scopes that a user has consented to for a client, as far as the consent still holds."""
        row = self._database.first(_FIND, {"who": subject, "whom": client.key})
        if row is None or (row.expires_at is not None and row.expires_at <= time.time()):
            return frozenset()
        return frozenset(row.scope.split())

    def remember(
        self, subject: str, client: Client, granted: Iterable[str], asked: Iterable[str], expires_at: int | None
    ) -> None:
        """Keep those of the `asked` scopes that were `granted`, and let the consent hold until `expires_at`."""
        for _ in range(5):  # two tabs may approve at once
            known = self.scopes(subject, client)
            scope = " ".join(sorted(known.difference(asked).union(granted)))
            now = int(time.time())
            values = {"scope": scope, "granted_at": now, "expires_at": expires_at}
            same = (_C.subject == subject, _C.client == client.key)
            if self._database.run(update(consent).where(*same).values(**values)):
                return
            try:
                self._database.run(insert(consent).values(subject=subject, client=client.key, **values))
            except IntegrityError:
                continue
            return

    def forget(self, subject: str, client: Client) -> bool:
        """Drop a user's consent for a client."""
        return self._database.run(delete(consent).where(_C.subject == subject, _C.client == client.key)) > 0

    def of_subject(self, subject: str) -> list[Row[Any]]:
        """Every consent of a user that still holds, with its client's `client_id`."""
        return [
            row
            for row in self._database.all(
                select(consent, client_table.c.client_id)
                .join(client_table, client_table.c.id == _C.client)
                .where(_C.subject == subject)
            )
            if row.expires_at is None or row.expires_at > time.time()
        ]
