"""`POST /oauth/token`: every grant (RFC 6749 section 3.2)."""

from __future__ import annotations

from typing import cast

from flask import Response, request

from ..errors import TemporarilyUnavailable
from ..tokens.issuing import StaleClient
from ..web.environ import current_state
from ..web.request import read_token_request

ATTEMPTS = 5  # while somebody changes the client again and again


def token() -> Response:
    """Read the form strictly, once; then the grant authenticates, decides and acts."""
    state = current_state()
    form = read_token_request(request, state.settings)
    for _ in range(ATTEMPTS):
        try:
            return cast("Response", state.server.create_token_response(form))
        except StaleClient as stale:
            state.clients.forget(str(stale))
    raise TemporarilyUnavailable
