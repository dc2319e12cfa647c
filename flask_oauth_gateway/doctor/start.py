"""Finds what an operator wants to know before the first user does: each function checks one thing.

The doctor tells it, and so does the log, once, at the first request.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ..errors import shown
from ..features.grants import DEVICE_CODE
from ..protection.order import open_by_mistake
from ..users.accounts import CURRENT_USER, LOGIN_URL, LOGOUT, POST_LOGOUT_URL, SIGNUP_URL, wrong_with
from .weakness import Weakness

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer

WITH_A_PAGE = ("authorization_code", "implicit", DEVICE_CODE)  # grants for which a user signs in on the app's own page
SOON = 14 * 86400
HOW_TO_SIGN_IN = {
    CURRENT_USER: "register gateway.current_user (or use Flask-Login)",
    LOGIN_URL: "set OAUTH_LOGIN_URL or register gateway.login",
}
HOW_TO_NAME = "name an endpoint of this app that GET reaches, or a URL with a slash ('{}')"


def sign_in(server: AuthorizationServer) -> Iterator[Weakness]:
    """Grants for which nobody can sign in."""
    grants = [name for name in server.settings.grant_types if name in WITH_A_PAGE]
    lacking = server.users.lacking_for_sign_in() if grants else []
    if lacking:
        yield Weakness(
            lacking[0],
            f"nobody can sign in, which {' and '.join(grants)} need{'s' if len(grants) == 1 else ''}",
            f"{' and '.join(HOW_TO_SIGN_IN[name] for name in lacking)}; where no user takes part, take"
            f" {'this' if len(grants) == 1 else 'these'} out of OAUTH_GRANT_TYPES",
        )
    wrong = server.users.wrong_login_endpoint() if grants else None
    if wrong is not None:
        key, endpoint, why = wrong
        yield Weakness(key, f"nobody can sign in: {endpoint!r} {why}", HOW_TO_NAME.format("/login"))
    if grants and server.settings.oidc:
        yield from _page_at(server, SIGNUP_URL, server.settings.signup_url, "nobody can make an account", "/signup")
    if "password" in server.settings.grant_types and server.hooks.check_password is None:
        yield Weakness(
            "gateway.check_password",
            "without this hook every password is refused",
            "register it, or take password out of OAUTH_GRANT_TYPES",
        )


def sign_out(server: AuthorizationServer) -> Iterator[Weakness]:
    """An OpenID provider at which nobody can sign out, or nobody comes back to the app afterwards."""
    if server.settings.oidc and not server.users.can_sign_out():
        yield Weakness(
            LOGOUT,
            "nobody can sign out at the logout endpoint: without this hook it can't end the app's own session",
            "register it: a function that signs the user out (or use Flask-Login)",
        )
    if server.settings.oidc:
        after = server.settings.post_logout_url
        yield from _page_at(server, POST_LOGOUT_URL, after, "a sign-out ends at the built-in page", "/")


def hooks(server: AuthorizationServer) -> Iterator[Weakness]:
    """A hook that is never called, as it is for another name, and one without which nothing can be given."""
    for name in sorted(server.hooks.authorization_detail.keys() - server.settings.authorization_details.keys()):
        yield Weakness(
            "gateway.authorization_detail",
            f"the hook for {shown(name)} is never called: OAUTH_AUTHORIZATION_DETAILS has no such type",
            "call it by the type that it is for, or take it out",
        )
    if server.settings.acr_values and server.hooks.login_details is None:
        yield Weakness(
            "gateway.login_details",
            "without this hook no sign-in is strong enough: whoever asks for one of OAUTH_ACR_VALUES is refused",
            "register it: a function that tells the acr of a user's sign-in",
        )
    if server.settings.personal_tokens and server.hooks.login_details is None:
        yield Weakness(
            "gateway.login_details",
            "without this hook a browser that was left open makes personal tokens: who comes back is believed to have signed in",
            "register it: a function that tells the auth_time of a user's sign-in",
        )


def _page_at(
    server: AuthorizationServer, key: str, target: str | None, effect: str, example: str
) -> Iterator[Weakness]:
    why = None if target is None else wrong_with(server.app, target)
    if why is not None:
        yield Weakness(key, f"{effect}: {target!r} {why}", HOW_TO_NAME.format(example))


def views(server: AuthorizationServer) -> Iterator[Weakness]:
    """Views that are open by mistake: the app refuses every request until that is mended."""
    for endpoint in open_by_mistake(server.app):
        yield Weakness(
            f"view {endpoint!r}",
            "it is open: @require_token stands above the route, which has registered the view without it",
            "put @require_token below the route",
        )


def certificates(server: AuthorizationServer) -> Iterator[Weakness]:
    """Issuers whose certificates end: what they sign is refused from then on."""
    settings = server.settings
    if not (settings.jwt_issuers or settings.saml_issuers or settings.trusted_token_issuers):
        return  # most apps trust nobody, and need not load what reads certificates
    from ..descriptions.issuers import describe_issuers

    for issuer in describe_issuers(server, configured_only=True):
        ends = [key.get("expires_at") for key in issuer["keys"]]
        last = max((each for each in ends if each is not None), default=None)
        if last is None or None in ends or last > time.time() + SOON:
            continue
        setting = issuer["source"].partition(",")[0]
        day = f"{datetime.fromtimestamp(last, UTC):%Y-%m-%d}"
        is_over = last <= time.time()
        yield Weakness(
            f"{setting}[{issuer['issuer']!r}]",
            f"its last certificate ended on {day}: what it signs is refused"
            if is_over
            else f"its last certificate ends on {day}: what it signs is refused from then on",
            "add the certificate that follows",
        )


AT_START = (sign_in, sign_out, hooks, views, certificates)


def say_at_start(server: AuthorizationServer) -> None:
    """Write what is found into the app's log."""
    for look in AT_START:
        for found in look(server):
            server.app.logger.warning("%s: %s. Better: %s.", found.key, found.why, found.fix)
