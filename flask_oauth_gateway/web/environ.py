"""The keys of the gateway's notes in a request's environ and of its server in `app.extensions`; and who acts."""

from __future__ import annotations

from typing import Any, cast

from flask import has_request_context, request

SERVER = "oauth_gateway_server"
TOKEN = "flask_oauth_gateway.token"  # the verified token
CHECKED_BY = "flask_oauth_gateway.checked_by"  # the guard that verified the token
CLIENT = "flask_oauth_gateway.client"  # the client that authenticated
NAMED = "flask_oauth_gateway.named"  # the client_id in a form, proved or not, or of a token that is refused
REFUSED = "flask_oauth_gateway.refused"  # the code of the error, where the request is refused
PAGE_ERROR = "flask_oauth_gateway.page_error"  # the error that an error page shows
NOTED = "flask_oauth_gateway.noted"  # the parts of the answered error, for `flask oauth explain`
ASKED_PATHS = "flask_oauth_gateway.asked_paths"  # the paths that a proxy asks about; without it, the request's own
TOGETHER = "flask_oauth_gateway.together"  # the requirements that are checked together, where there are several
USAGE = "flask_oauth_gateway.usage"  # what is left of the quota of the client's plan
ACTOR = "flask_oauth_gateway.actor"  # the subject of the administrator who acts
READING_ENDS = "flask_oauth_gateway.reading_ends"  # until when documents of its client are read, by `time.monotonic()`
PROVED = "flask_oauth_gateway.proved"  # the key of the DPoP proof that this request has claimed
NEW_NONCE = (
    "flask_oauth_gateway.new_nonce"  # the nonce that the client's next DPoP proof needs, where its own ends soon
)
PROOF_TARGET = (
    "flask_oauth_gateway.proof_target"  # method and raw path that a proof is for, where a proxy asks about them
)
FORM = "flask_oauth_gateway.form"  # the parameters as they were sent, where OAUTH_COMPATIBILITY is on
CODE = "command line or code"  # who acts outside of a request


def current_environ() -> dict[str, Any]:
    """The environ of the current request, without the microsecond that Flask's proxy takes for each of its attributes."""
    return cast("dict[str, Any]", cast("Any", request)._get_current_object().environ)  # noqa: SLF001 (its documented name)


def actor() -> str | None:
    """Who acts now, where that is neither a client nor a user on their own behalf."""
    return current_environ().get(ACTOR) if has_request_context() else CODE
