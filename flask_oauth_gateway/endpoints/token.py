"""`POST /oauth/token`: every grant (RFC 6749 section 3.2)."""

from __future__ import annotations

from typing import cast

from flask import Response, request

from ..globals import current_state
from ..request import read_token_request
from ..tokens import StaleClient


def token() -> Response:
    """Read the form strictly, once; then the grant authenticates, decides and acts."""
    state = current_state()
    form = read_token_request(request, state.settings)
    try:
        return cast("Response", state.server.create_token_response(form))
    except StaleClient as stale:
        state.clients.forget(str(stale))
        return cast("Response", state.server.create_token_response(form))
