"""What belongs to the request at hand: the app's gateway and the token that was verified."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import current_app, has_request_context, request
from werkzeug.local import LocalProxy

if TYPE_CHECKING:
    from .extension import OAuthGateway, State
    from .tokens.access_token import AccessToken

EXTENSION = "oauth_gateway"
STATE = "oauth_gateway_state"
TOKEN, CLIENT = "flask_oauth_gateway.token", "flask_oauth_gateway.client"  # in the request's environ


def current_state() -> State:
    """What the gateway keeps for the current app. Raises `RuntimeError` where the app has no gateway."""
    try:
        return cast("State", current_app.extensions[STATE])
    except KeyError:
        raise RuntimeError("This app has no gateway: call OAuthGateway(app) or gateway.init_app(app) first.") from None


def _current_token() -> AccessToken | None:
    # Not in `g`: where a test holds an app context open, its requests would share that.
    return request.environ.get(TOKEN) if has_request_context() else None


def _current_gateway() -> OAuthGateway:
    return current_state().gateway


#: The gateway of the current app.
current_gateway = cast("OAuthGateway", LocalProxy(_current_gateway))

#: The token that `@require_token` verified for this request; falsy where there is none.
current_token = cast("AccessToken", LocalProxy(_current_token))
