"""Replaces the registration of a client that registered itself, and makes room for new ones."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert

from ...database.deadlocks import again_after_deadlock
from ...database.tables import client as client_table
from ...database.tables import client_secret as secret_table
from ...database.tables import consent as consent_table
from ..clients import CHANGE, secret_columns, to_columns
from .unused import delete_beyond

if TYPE_CHECKING:
    from ...database.engine import Database
    from ..clients import ClientStore
    from ..registered_client import Client

#: What a user's consent rested on: where one of these changes, the user is asked anew.
BEHIND_CONSENT = (
    "redirect_uris", "jwks", "jwks_uri", "token_endpoint_auth_method", "tls_client_auth_subject_dn", "tls_client_auth_san_dns",
    "tls_client_auth_san_uri", "tls_client_auth_san_ip", "tls_client_auth_san_email",
)  # fmt: skip


class RegisteredClients:
    """The clients that registered themselves. `most`: how many there may be that no user has allowed anything yet."""

    def __init__(self, database: Database, clients: ClientStore, most: int) -> None:
        self._database = database
        self._clients = clients
        self._most = most
        self._step = max(1, most // 100)
        self._until_next = 0

    def make_room(self) -> None:
        """Delete the oldest beyond `most`, at the first registration of this process and then at each hundredth of `most`."""
        if self._until_next > 0:
            self._until_next -= 1
            return
        self._until_next = self._step - 1
        delete_beyond(self._database, self._most)

    @again_after_deadlock
    def replace(
        self,
        client: Client,
        values: Mapping[str, Any],
        secret: Mapping[str, Any] | None,
        *,
        drops_secrets: bool,
        digest: bytes | None,
    ) -> bool:
        """Store a whole registration in place of another; False where the client is gone, or was changed meanwhile.

        `secret`: a new one, in place of the old where `drops_secrets`; `digest`: of a new registration access token.
        """
        now = int(time.time())
        own = {"owner": client.owner, "switched_on": client.switched_on, "verified": client.keeps_mark(values)}
        statement = CHANGE.where(
            client_table.c.version == bindparam("seen_version"),
            client_table.c.registration_digest == bindparam("seen_digest"),
        ).values(**to_columns({**values, **own}))
        if digest is not None:
            statement = statement.values(registration_digest=digest)
        seen = {
            "key": client.key,
            "now": now,
            "seen_version": client.version,
            "seen_digest": client.registration_digest,
        }
        asks_anew = any(values.get(name) != getattr(client, name) for name in BEHIND_CONSENT)
        with self._database.transaction() as connection:
            if connection.execute(statement, seen).rowcount == 0:
                return False
            if drops_secrets:
                connection.execute(delete(secret_table).where(secret_table.c.client == client.key))
            if secret is not None:
                connection.execute(insert(secret_table).values(secret_columns(client.key, secret, now)))
            if asks_anew:
                connection.execute(delete(consent_table).where(consent_table.c.client == client.key))
            self._clients.note_change(client, connection)
        return True
