"""`POST /oauth/token`: gives tokens, by every grant that is on (RFC 6749 section 3.2)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from flask import Response

from ..config.checks import full_grant_type
from ..errors import InvalidRequestError, TemporarilyUnavailable, UnsupportedGrantType, clean
from ..tokens.issue import StaleClient
from ..web.request import read_token_request

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer

logger = logging.getLogger(__name__)

ATTEMPTS = 5  # each fails only where somebody changes the client meanwhile


def token(server: AuthorizationServer) -> Response:
    """Read the form strictly and once; then let the grant authenticate the client, decide and issue."""
    form = read_token_request(server.settings)
    grant_type = form.payload.grant_type
    if grant_type is None:
        sources = " or the ".join(server.settings.token_parameters_from)
        raise InvalidRequestError(f"The parameter 'grant_type' is missing from the {sources} of the request.")
    grant = server.token_grants.get(grant_type)
    if grant is None:
        raise UnsupportedGrantType(_why_not_on(server, grant_type))
    for _ in range(ATTEMPTS):
        try:
            return grant.respond(form)
        except StaleClient as stale:
            client_id = str(stale)
            server.clients.forget(client_id)
    logger.error(
        "A token for client %s was decided on %d times, and each time the client was changed or what it was to have was revoked"
        " meanwhile. Does a hook revoke what it is asked about?",
        clean(client_id, 60),
        ATTEMPTS,
    )
    raise TemporarilyUnavailable


def _why_not_on(server: AuthorizationServer, grant_type: str) -> str:
    """What is wrong with a grant type that no grant here has: it may be the short name that the configuration takes."""
    given, full = clean(grant_type, 60), full_grant_type(grant_type.replace("-", "_"))
    if full in server.token_grants:
        return f"The grant type '{given}' is a short name, which only the configuration takes: send '{full}'."
    return f"The grant type '{given}' is not on here."
