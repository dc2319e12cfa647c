"""`GET /oauth/jwks`: the public keys that JWTs of this server are checked with (RFC 7517)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..web.documents import publish
from ..web.environ import current_state

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse


def jwks() -> BaseResponse:
    """The key set; the first request makes the first key."""
    state = current_state()
    keys = state.key_ring.published()
    return publish(state, ("jwks", *(key.kid for key in keys)), lambda: {"keys": [key.public for key in keys]})
