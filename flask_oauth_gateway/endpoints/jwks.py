"""`GET /oauth/jwks`: the public keys that JWTs of this server are checked with (RFC 7517)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from ..errors import json_response
from ..globals import current_state

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

CACHE_SECONDS = 300  # less than a key is published before it signs


def jwks() -> BaseResponse:
    """The key set; the first request makes the first key."""
    response = json_response(200, current_state().key_ring.jwks())
    response.headers["Cache-Control"] = f"public, max-age={CACHE_SECONDS}"
    del response.headers["Pragma"]
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.add_etag()
    return response.make_conditional(request)
