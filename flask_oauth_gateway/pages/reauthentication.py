"""Another sign-in than the user has, where an authorization request asks for one (OIDC Core section 3.1.2.1)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..stores.once import once_key
from ..users import relogin
from ..web import csrf

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer
    from ..users.accounts import SignInRequest
    from .person import Answer


def settled_by(
    wanted: SignInRequest,
    fingerprint: str,
    subject: str,
    details: dict[str, Any],
    *,
    has_form: bool,
    has_mark: bool,
    skew: int,
) -> str | None:
    """The number of the sign-in that settles what a request asks for.

    It is `NOT_NEEDED` where the request is content with the sign-in that the user has, and `None` where the user must sign
    in again. Raises `NotSignedIn` where the user comes back without having done so, and `ConfigurationError` where the
    app has no `SECRET_KEY`. `has_mark`: the browser comes by the address to which the sign-in leads back. `skew`:
    seconds by which hosts' clocks may differ.
    """
    number = None
    if not has_form:  # even where another sign-in isn't wanted any more: the one that comes back is used up then
        number = relogin.came_back(wanted, fingerprint, subject, details, has_mark=has_mark, skew=skew)
    if number is None and not relogin.is_wanted(wanted, details):
        return relogin.NOT_NEEDED
    csrf.need_secret_key()  # else nobody could tell who comes back, and users would be sent in circles
    return number


def use_up(server: AuthorizationServer, wanted: SignInRequest, details: dict[str, Any], number: str) -> bool:
    """Use up a sign-in, which is good for one answer, unless the request is content with the one that the user has."""
    # The cookie and the page's form may be as old as this, one after the other.
    until = int(time.time()) + relogin.MAX_AGE + csrf.MAX_AGE
    is_first = server.once.claim(once_key("sign-in", number), until)
    return is_first or not relogin.is_wanted(wanted, details)


def sign_in_again(
    server: AuthorizationServer, wanted: SignInRequest, fingerprint: str, details: dict[str, Any]
) -> Answer:
    """Send the user to sign in once more; a cookie tells for what, when the browser comes back."""
    response = server.users.send_to_login(relogin.with_mark(wanted))
    relogin.remember(response, fingerprint, details)
    return response
