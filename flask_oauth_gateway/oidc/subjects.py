"""The `sub` by which a client knows a user (OIDC Core section 8). Whatever tells a client of a user asks here.

A pairwise one can't be turned back into the user, and is kept nowhere: it is made again, and compared.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING

from ..clients.sectors import is_pairwise, sector_of
from ..errors import InvalidToken

if TYPE_CHECKING:
    from ..config import Settings
    from ..stores.clients import ClientStore
    from ..stores.registered_client import Client


class Subjects:
    """The names of one server's users, as its clients know them."""

    def __init__(self, settings: Settings, clients: ClientStore) -> None:
        self._settings = settings
        self._clients = clients
        self._salt = (settings.pairwise_salt or "").encode()

    def of(self, client: Client, subject: str) -> str:
        """The `sub` of a user for a client; `subject` is the app's own name for the user."""
        if not self.is_pairwise(client):
            return subject
        made = hmac.digest(self._salt, f"{sector_of(client)}\0{subject}".encode(), "sha256")
        return urlsafe_b64encode(made).rstrip(b"=").decode()

    def of_token(self, client_id: str, subject: str) -> str:
        """The `sub` of a token's user for the token's client. Raises `InvalidToken` where that client is gone."""
        client = self._clients.get(client_id)
        # The token may be remembered here for longer; without a user, it would seem the client's own.
        if client is None:
            raise InvalidToken("The client of this access token is gone.", client_id)
        return self.of(client, subject)

    def is_of(self, client: Client, subject: str, sub: object) -> bool:
        """Whether a client that says `sub` means this user."""
        return isinstance(sub, str) and hmac.compare_digest(self.of(client, subject).encode(), sub.encode())

    def is_pairwise(self, client: Client) -> bool:
        """Whether a client knows users by names that no other sector has."""
        return is_pairwise(client.subject_type, self._settings)
