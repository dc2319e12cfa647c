"""Reads what the server says when a session ends (OpenID Connect Back-Channel Logout section 2.6)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from threading import Lock
from typing import Any

from joserfc import jwt
from joserfc.jwk import KeySet

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LEEWAY = 60  # seconds that two clocks may be apart


class LogoutTokens:
    """Reads the logout tokens that one server sends one client."""

    def __init__(self, issuer: str, client_id: str) -> None:
        self._claims = jwt.JWTClaimsRegistry(
            leeway=LEEWAY,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": client_id},
            iat={"essential": True},
            exp={"essential": True},
            jti={"essential": True},
        )
        #: When each that was read ends. An app with several processes keeps this where all of them see it.
        self._read: dict[str, int] = {}
        self._lock = Lock()

    def read(self, text: str, keys: Mapping[str, Any]) -> dict[str, Any]:
        """Return the claims of a logout token. Raises `ValueError` if it isn't one, or came before, and `JoseError`."""
        token = jwt.decode(text, KeySet.import_key_set(dict(keys)), algorithms=["RS256"])  # type: ignore[arg-type]
        claims = token.claims
        self._claims.validate(claims)
        events = claims.get("events")
        if token.header.get("typ") != "logout+jwt" or not isinstance(events, dict) or EVENT not in events:
            raise ValueError("This is not a logout token.")
        if "nonce" in claims:
            raise ValueError("A logout token has no nonce: this is an ID token in disguise.")
        if not (claims.get("sid") or claims.get("sub")):
            raise ValueError("It doesn't say whose session has ended.")
        self._once(str(claims["jti"]), claims["exp"])
        return claims

    def _once(self, jti: str, exp: int) -> None:
        now = time.time() - LEEWAY
        with self._lock:
            self._read = {known: end for known, end in self._read.items() if end > now}
            if jti in self._read:
                raise ValueError("This logout token came before.")
            self._read[jti] = exp
