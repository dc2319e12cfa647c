"""The authorize endpoint's answer as a JWT that the client can check (JWT Secured Authorization Response Mode, JARM)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from ..crypto.jose import sign

if TYPE_CHECKING:
    from ..config import Settings
    from ..stores.registered_client import Client
    from ..tokens.signing_keys import KeyRing

LIFETIME = 300  # seconds; the standard allows 600


class SignedAnswers:
    """Signs answers with the server's keys, by the algorithm that each client registered."""

    def __init__(self, settings: Settings, key_ring: Callable[[], KeyRing]) -> None:
        self._settings = settings
        self._key_ring = key_ring

    def sign(self, client: Client, answer: Mapping[str, str]) -> dict[str, str]:
        """An answer or error, which has `iss`, as the one parameter `response` (section 2.1).

        Raises `NotConfigured` where the app has no key to keep keys with.
        """
        signing = self._key_ring().signing_key(self._algorithm_of(client))
        claims = {**answer, "aud": client.client_id, "exp": int(time.time()) + LIFETIME}
        return {"response": sign({"alg": signing.algorithm, "kid": signing.kid}, claims, signing.signer)}

    def _algorithm_of(self, client: Client) -> str:
        """The algorithm that signs this client's answers; RS256 where it says none (section 3) and the profile takes that."""
        return client.authorization_signed_response_alg or self._settings.id_token_algorithm
