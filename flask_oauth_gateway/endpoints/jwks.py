"""`GET /oauth/jwks`: the public keys that verify this server's JWTs (RFC 7517)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from ..authorization_server import AuthorizationServer


def jwks(server: AuthorizationServer) -> BaseResponse:
    """Answer with the key set. The first request makes the first key."""
    keys = server.key_ring.published()
    return server.documents.publish(
        ("jwks", *(key.kid for key in keys)), lambda: {"keys": [key.public for key in keys]}
    )
