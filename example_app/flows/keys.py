"""A key of a client's own. What it signs only the client can have signed: a proof, a request, or who it is."""

from __future__ import annotations

import secrets
import time
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from joserfc import jwt
from joserfc.jwk import ECKey

ALGORITHM = "ES256"
#: Seconds for which what is signed here is good: time to read in the playground.
LIFETIME = 300
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Key:
    """A private key, which never leaves the client, and its public half, which everybody may see."""

    def __init__(self) -> None:
        self._key = ECKey.generate_key("P-256")
        self.public: dict[str, Any] = dict(self._key.as_dict(private=False))
        self.thumbprint: str = self._key.thumbprint()

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """Return the claims as a JWT."""
        token: str = jwt.encode({"alg": ALGORITHM, **header}, claims, self._key)
        return token

    def proof(self, method: str, url: str, token: str | None = None) -> str:
        """Return the proof for one request, with or without an access token (RFC 9449 section 4.2)."""
        claims = {
            "htm": method,
            "htu": url.partition("?")[0],
            "iat": int(time.time()),
            "jti": secrets.token_urlsafe(16),
        }
        if token is not None:
            claims["ath"] = urlsafe_b64encode(sha256(token.encode()).digest()).rstrip(b"=").decode()
        jwk = {name: self.public[name] for name in ("kty", "crv", "x", "y")}
        return self.sign(claims, typ="dpop+jwt", jwk=jwk)

    def statement(self, audience: str, client_id: str, /, **claims: Any) -> dict[str, Any]:
        """Return the claims of what a client signs for the server, with `claims` of its own."""
        now = int(time.time())
        jti = secrets.token_urlsafe(16)
        return {"iss": client_id, "aud": audience, "iat": now, "exp": now + LIFETIME, "jti": jti, **claims}

    def credentials(self, audience: str, client_id: str) -> dict[str, str]:
        """Return the parameters by which a client proves who it is, without a secret (RFC 7523 section 2.2)."""
        assertion = self.sign(self.statement(audience, client_id, sub=client_id))
        return {"client_id": client_id, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


def from_proxy(certificate: str | None) -> dict[str, str]:
    """Return the headers in which nginx hands on a client's certificate, after TLS has checked that the client has its key."""
    if certificate is None:
        return {}
    return {"X-SSL-Client-Cert": quote(certificate, safe=""), "X-SSL-Client-Verify": "SUCCESS"}
