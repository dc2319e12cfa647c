"""`POST /oauth/device_authorization`: a device asks for a device code, and a user code for its user to type (RFC 8628)."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Response
from sqlalchemy.exc import IntegrityError

from ..crypto.hashing import new_token, sha256, time_ordered_key, token_key
from ..errors import UnauthorizedClientError
from ..features.grants import DEVICE_CODE
from ..permissions.scopes import resolve_scopes
from ..stores.devices import LETTERS
from ..tokens.sign_in import AUTHORIZATION_DETAILS, with_details
from ..web.answers import json_response
from ..web.place import path_for
from ..web.request import read_request

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer

LIFETIME = 600
INTERVAL = 5
USER_CODE_LENGTH = 8


def device_authorization(server: AuthorizationServer) -> Response:
    """Answer with both codes, and the address where the user types the user code (section 3.2)."""
    form = read_request(server.settings)
    server.rate_limiter.spend("device", f"address:{server.addresses.neighbourhood()}")
    form.meets_clients = True
    client = server.authentication.authenticate(form)
    if not client.check_grant_type(DEVICE_CODE):
        raise UnauthorizedClientError("This client is not registered for device_code.")
    offline = server.lifetimes.gives_refresh_tokens(client)
    scopes = resolve_scopes(form.payload.scope, client, server.settings, offline=offline)
    audience = server.resources.resolve(form.payload.datalist.get("resource", ()))
    scopes = server.resources.within(scopes, audience)
    asked = None if server.details is None else form.form.get(AUTHORIZATION_DETAILS)
    details = () if server.details is None or asked is None else server.details.asked(asked, client)
    page = server.issuer.url(path_for("oauth.device"))
    now = int(time.time())
    device_code = new_token(server.settings.token_prefix, now)
    for _ in range(10):
        user_code = "".join(secrets.choice(LETTERS) for _ in range(USER_CODE_LENGTH))
        try:
            server.devices.add(
                {
                    "device_code_hash": token_key(device_code),
                    "user_code_hash": sha256(user_code),
                    "client": client.key,
                    "family": time_ordered_key(),
                    "scope": " ".join(scopes),
                    "audience": " ".join(audience) or None,
                    "claims": with_details(None, details),
                    "poll_interval": INTERVAL,
                    "issued_at": now,
                    "expires_at": now + LIFETIME,
                }
            )
        except IntegrityError:  # this user code, of 25 billion, is in use
            continue
        break
    shown = f"{user_code[:4]}-{user_code[4:]}"
    return json_response(
        200,
        {
            "device_code": device_code,
            "user_code": shown,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?{urlencode({'user_code': shown})}",
            "expires_in": LIFETIME,
            "interval": INTERVAL,
        },
    )
