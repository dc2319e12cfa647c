"""`GET, POST /oauth/tokeninfo`: tells whoever holds a token about it, in the shape that API gateways answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from flask import Response, request

from ..errors import InvalidRequestError, InvalidToken
from ..web.answers import json_response
from ..web.bearer import BEARER, token_of, with_scheme
from ..web.logs import refused
from ..web.request import read_request

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer


def tokeninfo(server: AuthorizationServer) -> Response:
    """Describe the token in the Authorization header, or in the body's `access_token`."""
    form = read_request(server.settings)
    in_body = form.form.get("access_token")
    scheme, in_header = (BEARER, token_of(request)) if server.binding is None else with_scheme(request)
    if in_header and in_body:
        raise InvalidRequestError("The access token was sent more than once: use one way.")
    presented = in_header or in_body
    if presented is None:
        raise InvalidRequestError(
            "The access token is missing: send it as bearer in the header, or POST 'access_token'."
        )
    try:
        token = server.validators.validate_own(presented)
        server.guard.check_binding(request, token, presented, scheme)
        user_id = server.validators.sub_of(token.client_id, token.subject)
    except InvalidToken as error:
        refused(error, request.environ)
        return json_response(400, {"error": error.error, "error_description": error.description})
    return json_response(
        200,
        {
            **token.shown_attributes,
            "client_id": token.client_id,
            "audience": " ".join(token.audience) or token.client_id,
            "user_id": user_id,
            "scope": token.scope,
            "expires_in": max(0, token.exp - int(time.time())),
            "issued_at": token.iat,
            "grant_type": token.grant_type,
        },
    )
