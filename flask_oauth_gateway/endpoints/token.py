"""`POST /oauth/token`: gives tokens, by every grant that is on (RFC 6749 section 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Response, request

from ..errors import InvalidRequestError, TemporarilyUnavailable, UnsupportedGrantType, clean
from ..tokens.issuing import StaleClient
from ..web.request import read_token_request

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer

ATTEMPTS = 5  # each fails only where somebody changes the client meanwhile


def token(server: AuthorizationServer) -> Response:
    """Read the form strictly and once; then let the grant authenticate the client, decide and issue."""
    form = read_token_request(request, server.settings)
    grant_type = form.payload.grant_type
    if grant_type is None:
        sources = " or the ".join(server.settings.token_parameters_from)
        raise InvalidRequestError(f"The parameter 'grant_type' is missing from the {sources} of the request.")
    grant = server.token_grants.get(grant_type)
    if grant is None:
        raise UnsupportedGrantType(f"The grant type '{clean(grant_type, 60)}' is not on here.")
    for _ in range(ATTEMPTS):
        try:
            return grant.respond(form)
        except StaleClient as stale:
            server.clients.forget(str(stale))
    raise TemporarilyUnavailable
