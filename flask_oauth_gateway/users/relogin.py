"""Remembers in a signed cookie that a user was sent to sign in again: when, and for which request.

The session can't hold this: an app should clear its session at sign-in, and its users would have to sign in for ever.
"""

from __future__ import annotations

import time
from typing import Any

from flask import after_this_request, request, url_for
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from ..web.csrf import need_secret_key

COOKIE = "oauth_relogin"
MAX_AGE = 3600


def remember(response: Response, fingerprint: str) -> None:
    """Set the cookie on the response that sends the user to sign in; `fingerprint` stands for the authorization request."""
    response.set_cookie(
        COOKIE,
        str(_serializer().dumps([fingerprint, int(time.time())])),
        max_age=MAX_AGE,
        path=url_for("oauth.authorize"),
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def sent_at(fingerprint: str) -> int | None:
    """When this browser was sent to sign in for this request, or `None` where it wasn't. The cookie counts once."""
    value = request.cookies.get(COOKIE)
    if value is None:
        return None
    after_this_request(_forget)
    try:
        known, moment = _serializer().loads(value, max_age=MAX_AGE)
    except (BadData, TypeError, ValueError):
        return None
    return int(moment) if known == fingerprint else None


def _forget(response: Response) -> Any:
    # Keep the cookie where this response sends the user to sign in once more.
    if not any(value.startswith(f"{COOKIE}=") for value in response.headers.getlist("Set-Cookie")):
        response.delete_cookie(COOKIE, path=url_for("oauth.authorize"))
    return response


def _serializer() -> Any:
    return URLSafeTimedSerializer(need_secret_key(), salt="oauth relogin")
