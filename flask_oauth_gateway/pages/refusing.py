"""Shows why an authorization request can't be answered: its client or redirect URI is wrong, or where it is to be found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from ..authorization.request import AuthorizationError
from ..web.answers import error_response, note
from ..web.request import is_browser
from .rendering import error_page

if TYPE_CHECKING:
    from ..authorization.request import PageError
    from ..authorization_server import AuthorizationServer
    from ..doctor.refused import Explanation
    from .person import Answer


def refuse(server: AuthorizationServer, error: PageError) -> Answer:
    """Show what is wrong: to a user on a page, to a program in JSON what only a program can have sent (RFC 9101 section 7)."""
    note(error)
    if error.error.startswith("invalid_request_") and not is_browser():
        return error_response(AuthorizationError(error.error, error.detail or error.description))
    return error_page(400, error.error, error.description, _explanation(server, error), detail=error.detail)


def _explanation(server: AuthorizationServer, error: PageError) -> Explanation | None:
    """An explanation of the error for the developer, in debug mode only."""
    if not server.app.debug:
        return None
    from ..doctor.explanations import explain
    from ..doctor.refused import Refused

    sent = request.values.to_dict()
    client_id = sent.get("client_id")
    return explain(
        Refused(
            server=server,
            error=error.error,
            description=error.description,
            reason=error.reason,
            parameters=sent,
            client_id=client_id,
        )
    )
