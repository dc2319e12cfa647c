"""Stores consents: one record for each user and client, with the scopes and resources that the user isn't asked about again."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.exc import IntegrityError

from ..database.engine import Database
from ..database.tables import client as client_table
from ..database.tables import consent
from .registered_client import Client

_C = consent.c
_FIND = select(consent).where(_C.subject == bindparam("who"), _C.client == bindparam("whom"))


class Consented(NamedTuple):
    """What a user has consented to for a client."""

    scopes: frozenset[str] = frozenset()
    by_resource: Mapping[str, frozenset[str]] | None = {}  # None: all for any resource, as it wasn't kept yet

    def for_all(self, resources: Iterable[str]) -> frozenset[str]:
        """The scopes that the user has consented to for each of these resources."""
        if self.by_resource is None:
            return self.scopes
        each = [self.by_resource.get(name, frozenset()) for name in resources]
        return frozenset.intersection(*each) if each else self.scopes


class ConsentStore:
    """Reads and writes consents."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, subject: str, client: Client) -> Consented:
        """What a user has consented to for a client, as far as the consent still holds."""
        row = self._database.first(_FIND, {"who": subject, "whom": client.key})
        if row is None or (row.expires_at is not None and row.expires_at <= time.time()):
            return Consented()
        kept = row.by_resource
        by_resource = None if kept is None else {name: frozenset(scope.split()) for name, scope in kept.items()}
        return Consented(frozenset(row.scope.split()), by_resource)

    def remember(
        self,
        subject: str,
        client: Client,
        granted: Collection[str],
        asked: Collection[str],
        expires_at: int | None,
        resources: Iterable[str] = (),
    ) -> None:
        """Keep those of the `asked` scopes that were `granted` for these resources; the consent holds until `expires_at`."""
        for _ in range(5):  # two tabs may approve at once
            known = self.find(subject, client)
            by_resource = dict(known.by_resource or {})
            for name in resources:
                by_resource[name] = by_resource.get(name, frozenset()).difference(asked).union(granted)
            scopes = known.scopes.difference(asked).union(granted, *by_resource.values())
            values = {
                "scope": " ".join(sorted(scopes)),
                "by_resource": {name: " ".join(sorted(each)) for name, each in by_resource.items()},
                "granted_at": int(time.time()),
                "expires_at": expires_at,
            }
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
