"""Makes signed JWT assertions. Each is good once, so it makes one for each call ahead."""

from __future__ import annotations

import secrets
import time
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import ECKey

NAME = "https://jwt.example"
SERVER = "http://127.0.0.1:5000"


class JwtIssuer:
    """A P-256 key, and the assertions that it signs. `file`: where the key is kept, for the processes that share it."""

    def __init__(self, file: Path | None = None) -> None:
        if file is None or not file.exists():
            key = ECKey.generate_key("P-256")
            if file is not None:
                file.write_bytes(key.as_pem(private=True))
        else:
            key = ECKey.import_key(file.read_bytes())
        self._key = ECKey.import_key(key.as_dict(private=True), {"kid": "k1"})

    @property
    def entry(self) -> dict[str, object]:
        """Return its entry in OAUTH_JWT_ISSUERS."""
        return {"jwks": {"keys": [self._key.as_dict(private=False)]}, "client_id": "partner", "max_lifetime": 3600}

    def bodies(self, number: int) -> list[bytes]:
        """Make so many bodies of token requests."""
        return [
            b"grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer&assertion=" + self._assertion()
            for _ in range(number)
        ]

    def _assertion(self) -> bytes:
        now = int(time.time())
        claims = {
            "iss": NAME,
            "sub": "alice",
            "aud": SERVER,
            "iat": now,
            "exp": now + 3000,
            "jti": secrets.token_hex(16),
        }
        return jwt.encode({"alg": "ES256", "kid": "k1"}, claims, self._key).encode()
