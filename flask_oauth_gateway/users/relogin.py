"""Whether a user must sign in again for a request, and whether they have: what a browser was sent for stands in a signed cookie.

The session can't hold this: an app should clear its session at sign-in, and its users would have to sign in for ever. Whoever
has the browser can keep the cookie, so a number in it counts for one answer; and where the app says when its users
signed in, that must have changed since.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import after_this_request, request, url_for
from itsdangerous import BadData, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from ..crypto.hashing import sha256
from ..errors import OAuth2Error
from ..web.csrf import need_secret_key

if TYPE_CHECKING:
    from .accounts import SignInRequest

COOKIE = "oauth_relogin"
MARK = "oauth_relogin"  # the parameter of the address to which a sign-in leads back
MAX_AGE = 3600
RETURN_SECONDS = 600  # which may pass between a sign-in and the browser's return from it
NOT_NEEDED = ""
AUTHORIZE = "oauth.authorize"

Details = Mapping[str, Any]  # `auth_time`, `acr` and `amr`, as far as the app knows them


class NotSignedIn(OAuth2Error):
    """The user came back from the sign-in without having signed in again (OIDC Core section 3.1.2.6)."""

    error = "login_required"


def is_wanted(wanted: SignInRequest, details: Details) -> bool:
    """Whether another sign-in is asked for than the one that the user has (OIDC Core section 3.1.2.1)."""
    return (
        "login" in wanted.prompt
        or "select_account" in wanted.prompt
        or "create" in wanted.prompt
        or _is_too_old(wanted, details)
        or _is_too_weak(wanted, details)
    )


def with_mark(wanted: SignInRequest) -> SignInRequest:
    """The same, leading back by an address that tells a browser which comes back from one that opens the request again."""
    separator = "&" if "?" in wanted.return_to else "?"
    return replace(wanted, return_to=f"{wanted.return_to}{separator}{MARK}=1")


def remember(
    response: Response,
    fingerprint: str,
    details: Details,
    keeps: list[str] | None = None,
    *,
    endpoint: str = AUTHORIZE,
) -> None:
    """Set the cookie on the response that sends the user to sign in; `fingerprint` stands for the authorization request.

    `details`: those of the user who is signed in by now. `keeps`: what of the app's session outlasts that, for `kept`.
    `endpoint`: that of the page to which the sign-in leads back, which alone gets the cookie.
    """
    sent = [fingerprint, int(time.time()), details.get("auth_time"), secrets.token_urlsafe(16), keeps]
    response.set_cookie(
        COOKIE,
        str(_serializer().dumps(sent)),
        max_age=MAX_AGE,
        path=url_for(endpoint),
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )


def came_back(
    wanted: SignInRequest,
    fingerprint: str,
    subject: str,
    details: Details,
    *,
    has_mark: bool,
    skew: int,
    endpoint: str = AUTHORIZE,
) -> str | None:
    """The number of the sign-in from which the user comes back, or `None` where this browser wasn't sent there for this.

    It is that of the app's `auth_time`, where that tells of one: one sign-in is good for one answer, whoever waited for it.
    Where the app tells none, the time of the return stands in it.
    `None` also where the user comes back long after the sign-in, and `max_age` is over. Where the app's `auth_time`
    tells that the user didn't sign in, it is `None` if they opened the request once more, in another tab perhaps, and
    `NotSignedIn` is raised if they come back (`has_mark`); one who was sent for a stronger sign-in alone, and can't do
    any better, need not have. `skew`: seconds by which hosts' clocks may differ.
    """
    value = request.cookies.get(COOKIE)
    if value is None:
        return None
    after_this_request(partial(_forget, endpoint))
    try:
        known, sent_at, before, number, *_ = _serializer().loads(value, max_age=MAX_AGE)
    except (BadData, TypeError, ValueError):
        return None
    if known != fingerprint:
        return None
    signed_in_at = details.get("auth_time")
    if signed_in_at is None and not has_mark:
        return None  # opened once more, in another tab perhaps: nothing tells of a sign-in
    stayed = signed_in_at is not None and (signed_in_at == before or signed_in_at < sent_at - skew)
    # To choose an account is no sign-in, where one is signed in with it already.
    if stayed and ("login" in wanted.prompt or _is_too_old(wanted, details) or _is_too_weak(wanted, details)):
        if not has_mark:
            return None
        if "login" in wanted.prompt or _is_too_old(
            wanted, details
        ):  # a strength is only wished for (OIDC Core 3.1.2.1)
            raise NotSignedIn("The user did not sign in again.")
    since = sent_at if signed_in_at is None else signed_in_at
    if wanted.max_age is not None and time.time() > since + max(wanted.max_age, 0) + RETURN_SECONDS:
        return None
    if signed_in_at is None:
        return f"{number}.{int(time.time())}"
    return str(number) if stayed else sha256(f"{subject}\0{signed_in_at}").hex()


def kept() -> list[str] | None:
    """What the cookie of a browser that comes back keeps, of a session that the app may have cleared."""
    try:
        found = _serializer().loads(request.cookies.get(COOKIE, ""), max_age=MAX_AGE)
    except BadData:
        return None
    return found[4] if isinstance(found, list) and len(found) > 4 else None


def is_over(wanted: SignInRequest, details: Details, number: str) -> bool:
    """Whether the sign-in that settled a request when its page was shown does no longer: it is too long ago (`max_age`), or
    the user has signed in more weakly since.

    A page may be read for some minutes, like a sign-in.
    """
    if wanted.strong_enough and _is_too_weak(wanted, details):
        return True
    at = details.get("auth_time") or came_back_at(number)
    return wanted.max_age is not None and at is not None and time.time() > at + wanted.max_age + RETURN_SECONDS


def without_time(number: str) -> str:
    """What of a sign-in's number is good for one answer: the number itself."""
    return number.partition(".")[0]


def came_back_at(number: str) -> int | None:
    """When a browser came back from a sign-in of which the app doesn't tell the time; `None` for any other number."""
    at = number.partition(".")[2]
    return int(at) if at.isdecimal() else None


def _is_too_old(wanted: SignInRequest, details: Details) -> bool:
    signed_in_at = details.get("auth_time")
    return wanted.max_age is not None and (signed_in_at is None or signed_in_at + wanted.max_age < time.time())


def _is_too_weak(wanted: SignInRequest, details: Details) -> bool:
    acr = details.get("acr")
    if wanted.strong_enough:
        return acr not in wanted.strong_enough
    return acr is not None and bool(wanted.acr_values) and acr not in wanted.acr_values


def _forget(endpoint: str, response: Response) -> Any:
    # Keep the cookie where this response sends the user to sign in once more.
    if not any(value.startswith(f"{COOKIE}=") for value in response.headers.getlist("Set-Cookie")):
        response.delete_cookie(COOKIE, path=url_for(endpoint))
    return response


def _serializer() -> Any:
    return URLSafeTimedSerializer(need_secret_key(), salt="oauth relogin")
