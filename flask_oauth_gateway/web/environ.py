"""What belongs to the request at hand: the app's gateway and the token that was verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import current_app, has_request_context, request
from werkzeug.local import LocalProxy

if TYPE_CHECKING:
    from flask import Flask, Request

    from ..authorization_server import State
    from ..extension import OAuthGateway
    from ..tokens.access_token import AccessToken

EXTENSION = "oauth_gateway"
STATE = "oauth_gateway_state"
TOKEN, CLIENT = "flask_oauth_gateway.token", "flask_oauth_gateway.client"  # in the request's environ
CHECKED_BY = "flask_oauth_gateway.checked_by"  # there too: the state of the app that found the token good
REFUSED = "flask_oauth_gateway.refused"  # the code of the error that the request is refused with
PAGE_ERROR = "flask_oauth_gateway.page_error"  # what an error page says
NOTED = "flask_oauth_gateway.noted"  # what `errors.noted` keeps of the error that was answered, for whoever explains it
ASKED_PATHS = "flask_oauth_gateway.asked_paths"  # the paths that a proxy asks about; not there: the request's own
USAGE = "flask_oauth_gateway.usage"  # what is left of the quota of the client's plan
ACTOR = "flask_oauth_gateway.actor"  # the subject of the administrator who does it
FORM = "flask_oauth_gateway.form"  # likewise, where OAUTH_COMPATIBILITY is on


def current_state() -> State:
    """What the gateway keeps for the current app. Raises `RuntimeError` where the app has no gateway."""
    app: Flask = cast("Any", current_app)._get_current_object()  # noqa: SLF001 (its documented name)
    try:
        return cast("State", app.extensions[STATE])
    except KeyError:
        raise RuntimeError("This app has no gateway: call OAuthGateway(app) or gateway.init_app(app) first.") from None


def actor() -> str | None:
    """Who does what is done now, where that is neither a client nor a user for themselves."""
    return request.environ.get(ACTOR) if has_request_context() else "command line or code"


def current_request() -> Request:
    """The request itself: each look through Flask's proxy costs a microsecond, of the six that a known token takes."""
    return cast("Request", cast("Any", request)._get_current_object())  # noqa: SLF001


def _current_token() -> AccessToken | None:
    # Not in `g`: where a test holds an app context open, its requests would share that.
    return current_request().environ.get(TOKEN) if has_request_context() else None


def _current_gateway() -> OAuthGateway:
    return current_state().gateway


#: The gateway of the current app.
current_gateway = cast("OAuthGateway", LocalProxy(_current_gateway))

#: The token that `@require_token` verified for this request; falsy where there is none.
current_token = cast("AccessToken", LocalProxy(_current_token))
