"""`GET /oauth/jwks`: the public keys that verify this server's JWTs, and those to encrypt requests to (RFC 7517)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from ..authorization_server import AuthorizationServer


def jwks(server: AuthorizationServer) -> BaseResponse:
    """Answer with the key set. The first request makes the first keys."""
    keys = [
        *server.key_ring.published(),
        *(server.encryption_keys.published() if server.settings.request_encryption else ()),
    ]
    return server.documents.publish(
        ("jwks", *(key.kid for key in keys)), lambda: {"keys": [key.public for key in keys]}
    )
