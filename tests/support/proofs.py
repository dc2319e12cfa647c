"""DPoP proofs, made by cryptography alone: any header and any payload is possible."""

import json
import secrets
import time
from hashlib import sha256
from typing import Any

from .signing import Signer, b64
from .signing import token as signed

TOKEN_URL = "http://localhost/oauth/token"
KEPT_OUT = object()  # the value of a member that is left out


class ProofKey:
    """A client's key. `proof` makes a good proof; every claim and header can be given another value, or `KEPT_OUT`."""

    def __init__(self, algorithm: str = "ES256") -> None:
        self.signer = Signer("EdDSA" if algorithm == "Ed25519" else algorithm, kid=None)
        self.algorithm = algorithm
        self.jwk = self.signer.jwk()
        needed = {name: self.jwk[name] for name in ("crv", "e", "kty", "n", "x", "y") if name in self.jwk}  # RFC 7638
        self.thumbprint = b64(sha256(json.dumps(needed, separators=(",", ":")).encode()).digest())

    def proof(
        self,
        method: str = "POST",
        uri: str = TOKEN_URL,
        token: str | None = None,
        *,
        header: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A proof for a request; `token`: the access token that goes with it."""
        payload = {"htm": method, "htu": uri, "iat": int(time.time()), "jti": secrets.token_urlsafe(16)}
        if token is not None:
            payload["ath"] = b64(sha256(token.encode()).digest())
        head = {"typ": "dpop+jwt", "alg": self.algorithm, "jwk": self.jwk, **(header or {})}
        return signed(_kept(head), _kept({**payload, **claims}), self.signer.signature)

    def headers(self, method: str = "POST", uri: str = TOKEN_URL, **more: Any) -> dict[str, str]:
        """The header of a request without a token, as those to the endpoints."""
        return {"DPoP": self.proof(method, uri, **more)}

    def with_token(
        self, token: str, method: str = "GET", uri: str = "http://localhost/weather", **more: Any
    ) -> dict[str, str]:
        """The headers of a request with a token that is bound to this key."""
        return {"Authorization": f"DPoP {token}", "DPoP": self.proof(method, uri, token, **more)}


def _kept(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not KEPT_OUT}
