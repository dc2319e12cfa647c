"""What the gateway notes in a request's environ, and who acts."""

from __future__ import annotations

from flask import has_request_context, request

TOKEN = "flask_oauth_gateway.token"  # the token that was found good
CHECKED_BY = "flask_oauth_gateway.checked_by"  # the guard of the app that found it so
CLIENT = "flask_oauth_gateway.client"  # the client that authenticated
REFUSED = "flask_oauth_gateway.refused"  # the code of the error that the request is refused with
PAGE_ERROR = "flask_oauth_gateway.page_error"  # what an error page says
NOTED = "flask_oauth_gateway.noted"  # what is kept of the error that was answered, for whoever explains it
ASKED_PATHS = "flask_oauth_gateway.asked_paths"  # the paths that a proxy asks about; not there: the request's own
USAGE = "flask_oauth_gateway.usage"  # what is left of the quota of the client's plan
ACTOR = "flask_oauth_gateway.actor"  # the subject of the administrator who does it
FORM = "flask_oauth_gateway.form"  # the parameters as they were sent, where OAUTH_COMPATIBILITY is on


def actor() -> str | None:
    """Who does what is done now, where that is neither a client nor a user for themselves."""
    return request.environ.get(ACTOR) if has_request_context() else "command line or code"
