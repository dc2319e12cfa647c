"""A provider whose clients are told of sign-outs, and what it owes them: rows as the end of a session leaves them."""

from __future__ import annotations

import secrets
import time
from typing import Any

from flask import Flask
from sqlalchemy import insert

from flask_oauth_gateway.database.tables import logout
from flask_oauth_gateway.oidc.backchannel_logout import BackchannelLogout, Delivered
from flask_oauth_gateway.stores.registered_client import Client
from tests.support.app import gateway_of, server_of
from tests.support.logout_receivers import Receivers

RETRY = 600


class Provider:
    """An app with OpenID Connect and its clients, which listen at `receivers`. Threads send nothing, save where told to."""

    def __init__(self, app: Flask, receivers: Receivers) -> None:
        self.app = app
        self.receivers = receivers
        self.server = server_of(app)
        self.logout.by_itself = False

    @property
    def logout(self) -> BackchannelLogout:
        return self.server.openid.backchannel_logout

    def register(self, name: str, how: int | str = 200, **metadata: Any) -> Client:
        """A client that answers in this way."""
        self.receivers.how[name] = how
        given = {
            "grant_types": ["authorization_code"],
            "redirect_uris": ["https://app.example/cb"],
            "scope": "openid",
            "backchannel_logout_uri": self.receivers.url(name),
        }
        return gateway_of(self.app).clients.create(client_id=name, **given | metadata)

    def owe(self, *clients: Client, subject: str = "alice", sid: str | None = None) -> None:
        """Clients must be told that the user's session has ended."""
        now = int(time.time())
        for client in clients:
            self.server.database.run(
                insert(logout).values(
                    id=secrets.token_bytes(16),
                    client=client.key,
                    subject=subject,
                    sid=sid or secrets.token_urlsafe(32),
                    created_at=now,
                    give_up_at=now + self.server.settings.backchannel_retry,
                    next_try_at=now,
                    tries=0,
                )
            )

    def deliver(self) -> Delivered:
        return self.logout.deliver_due()

    def waiting(self) -> dict[str | None, int]:
        """In how many seconds each client is told again."""
        return {row.client_id: row.next_try_at - int(time.time()) for row in self.server.openid.logouts.waiting(1000)}
