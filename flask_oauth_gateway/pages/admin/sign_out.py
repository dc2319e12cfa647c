"""`POST /oauth/admin/sign-out`: the administrator leaves, by the app's `logout` hook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import redirect
from werkzeug.exceptions import BadRequest

from ...config.checks import ConfigurationError
from ...users.accounts import LOGOUT
from ..rendering import render_page
from . import Visit, page, stale_text

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.wrappers import Response as BaseResponse


@page
def sign_out(visit: Visit) -> Response | BaseResponse:
    """End the administrator's session in the app, and with OpenID Connect those of this browser at the clients."""
    if visit.is_stale:
        raise BadRequest(stale_text())
    server = visit.server
    if not server.users.can_sign_out():
        raise ConfigurationError(LOGOUT, None, "a function that ends the app's own session; or Flask-Login's")
    if server.settings.oidc:
        from ..logout import address_after

        server.openid.sessions.end_of_browser(visit.subject)
        server.users.sign_out()
        after = address_after(server)
        if after is not None:
            return redirect(after, 303)
    else:
        server.users.sign_out()
    return render_page("signed_out.html", client=None, to=None)
