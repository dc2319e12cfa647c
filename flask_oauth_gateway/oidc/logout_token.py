"""Logout tokens: they tell a client that a session has ended (OpenID Connect Back-Channel Logout section 2.4)."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..crypto.jose import sign
from .id_token import algorithm_of, encryption_of

if TYPE_CHECKING:
    from ..clients.keys import ClientKeys
    from ..config import Settings
    from ..stores.registered_client import Client
    from ..tokens.signing_keys import KeyRing
    from .subjects import Subjects

TYP = "logout+jwt"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
SECONDS = 120  # as section 4 advises


class LogoutTokens:
    """Makes the logout tokens of one server, signed and encrypted as the client's ID tokens are."""

    def __init__(
        self, settings: Settings, key_ring: Callable[[], KeyRing], subjects: Subjects, client_keys: ClientKeys
    ) -> None:
        self._settings = settings
        self._key_ring = key_ring
        self._subjects = subjects
        self._client_keys = client_keys

    def prepare(self, issuer: str, client: Client, subject: str, sid: str | None) -> Callable[[], str]:
        """Do all that needs the database; the function that is returned makes the token.

        It may have to fetch the client's keys, and raises `ClientKeyMissing` where these can't be had.
        """
        signing = self._key_ring().signing_key(algorithm_of(client, self._settings))
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": issuer,
            "sub": self._subjects.of(client, subject),
            "aud": client.client_id,
            "iat": now,
            "exp": now + SECONDS,
            "jti": secrets.token_urlsafe(16),
            "events": {EVENT: {}},
        }
        if sid is not None:
            claims["sid"] = sid
        header = {"alg": signing.algorithm, "kid": signing.kid, "typ": TYP}
        return lambda: encryption_of(client, self._client_keys)(sign(header, claims, signing.signer))
