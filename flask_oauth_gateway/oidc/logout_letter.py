"""One client is told once that a session has ended: with what, where, and what its answer means."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode, urlsplit

from ..config.checks import is_loopback, may_call_loopback
from ..crypto.fetching import FetchError, RefusedUrl, tell
from ..errors import TemporarilyUnavailable
from .encryption import ClientKeyMissing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Flask
    from sqlalchemy.engine import Row

    from ..config import Settings
    from ..stores.clients import ClientStore
    from ..stores.registered_client import Client
    from .logout_token import LogoutTokens

HEARD = (200, 204)  # section 2.8; some frameworks turn the one into the other
TOO_MANY_REQUESTS, SERVER_ERRORS = 429, 500

logger = logging.getLogger(__name__)


class LogoutLetter(NamedTuple):
    """What a client is told, and where. `why_not`: why it never can be told."""

    client_id: str | None
    url: str = ""
    make: Callable[[], str] = str
    why_not: str | None = None


class LogoutLetters:
    """Writes and sends the letters of one app."""

    def __init__(self, app: Flask, settings: Settings, clients: ClientStore, tokens: LogoutTokens) -> None:
        self._clients = clients
        self._tokens = tokens
        self._timeout = settings.backchannel_timeout
        self._loopback = may_call_loopback(settings.issuer, relaxed=app.debug or app.testing)

    def to(self, rows: Sequence[Row[Any]], issuer: str) -> dict[bytes, LogoutLetter]:
        """A letter for each row of `oauth_logout`, by the row's id, to its client as it is registered now."""
        clients = {key: self._clients.load_by_key(key) for key in {row.client for row in rows}}
        return {bytes(row.id): self._to(clients[row.client], row, issuer) for row in rows}

    def _to(self, client: Client | None, row: Row[Any], issuer: str) -> LogoutLetter:
        if client is None:
            return LogoutLetter(None, why_not="the client is gone")
        if client.backchannel_logout_uri is None:
            return LogoutLetter(client.client_id, why_not="the client has no backchannel_logout_uri any more")
        try:
            make = self._tokens.prepare(issuer, client, row.subject, row.sid)
        except TemporarilyUnavailable:
            raise
        except Exception:  # one client's mistake holds up no other
            logger.exception("No logout token can be made for the client %s.", client.client_id)
            make = _make_none
        return LogoutLetter(client.client_id, client.backchannel_logout_uri, make)

    def send(self, letter: LogoutLetter, until: int) -> tuple[str | None, bool]:
        """Why the client wasn't told, or `None`; and whether to try again. `until`: when another process may send it."""
        try:
            form = urlencode({"logout_token": letter.make()}).encode()
        except ClientKeyMissing as error:
            return str(error.description), True
        if time.time() > until - self._timeout:
            return "this process was held up", True
        here = self._loopback and is_loopback(urlsplit(letter.url).hostname or "")
        try:
            status = tell(
                letter.url, form, within=self._timeout, private_addresses=here, plain_http_on_loopback=self._loopback
            )
        except FetchError as error:
            return str(error), not isinstance(error, RefusedUrl)
        if status in HEARD:
            return None, False
        return f"the server answered {status}", status == TOO_MANY_REQUESTS or status >= SERVER_ERRORS


def _make_none() -> str:
    raise RuntimeError("There is no logout token.")
