"""What the userinfo endpoint answers: JSON, or a JWT that is signed, encrypted or both (OIDC Core section 5.3.2)."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Response

from ..crypto.jose import sign
from ..web.answers import NO_STORE, json_response
from .encryption import encryption_for

if TYPE_CHECKING:
    from ..clients.keys import ClientKeys
    from ..stores.registered_client import Client
    from ..tokens.signing_keys import KeyRing
    from ..web.issuer import Issuer

MIMETYPE = "application/jwt"


class Userinfo:
    """Makes the userinfo answers of one server, for each client as it registered."""

    def __init__(self, issuer: Issuer, key_ring: Callable[[], KeyRing], client_keys: ClientKeys) -> None:
        self._issuer = issuer
        self._key_ring = key_ring
        self._client_keys = client_keys

    def answer(self, client: Client, claims: dict[str, Any]) -> Response:
        """The answer with these claims. Raises `ClientKeyMissing` where it can't be encrypted."""
        signs, encrypts = client.userinfo_signed_response_alg, client.userinfo_encrypted_response_alg
        if signs is None and encrypts is None:
            return json_response(200, claims)
        text = json.dumps(claims) if signs is None else self._signed(client, claims, signs)
        if encrypts is not None:
            method, content_type = client.userinfo_encrypted_response_enc, None if signs is None else "JWT"
            text = encryption_for(client, self._client_keys, encrypts, method, content_type=content_type)(text)
        return Response(text, headers=list(NO_STORE), mimetype=MIMETYPE)

    def _signed(self, client: Client, claims: dict[str, Any], algorithm: str) -> str:
        """A JWT for this client. It has no `exp`, so that nobody takes it for an ID token."""
        signing = self._key_ring().signing_key(algorithm)
        header = {"alg": signing.algorithm, "kid": signing.kid}
        return sign(header, {**claims, "iss": self._issuer.identifier(), "aud": client.client_id}, signing.signer)
