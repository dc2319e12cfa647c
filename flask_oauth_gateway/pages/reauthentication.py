"""Another sign-in than the user has, where an authorization request asks for one (OIDC Core section 3.1.2.1)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..authorization.request import AuthorizationError
from ..stores.once import once_key
from ..users import relogin
from ..users.accounts import SignInRequest
from ..web import csrf

if TYPE_CHECKING:
    from ..authorization.parameters import Visit
    from ..authorization.request import Authorization
    from ..authorization_server import AuthorizationServer
    from .person import Answer, Person

Details = dict[str, Any]  # `auth_time`, `acr` and `amr`, as far as the app knows them


def settle(
    server: AuthorizationServer, visit: Visit, authorization: Authorization, person: Person, details: Details
) -> tuple[bool, str | None]:
    """Whether this page's own form was sent, and which sign-in settles what the request asks for: its number.

    The number is `NOT_NEEDED` where the request asks for no other sign-in than the user has, and `None` where the user
    must sign in again. Raises `NotSignedIn` where the user comes back without having done so.
    """
    carried = None
    if visit.form is not None:
        carried = csrf.carried_by(visit.form.get("form_token", [""])[0], person.subject, visit.fingerprint)
    hint = authorization.hinted_sub
    if hint is not None and not server.openid.subjects.is_of(authorization.client, person.subject, hint):
        if visit.has_mark:
            raise AuthorizationError("login_required", "Another user signed in than the one who was asked for.")
        return carried is not None, None
    if carried and relogin.is_over(sign_in_for(visit, authorization), details, carried):
        return True, None
    if carried or not authorization.wants_sign_in:
        return carried is not None, carried or relogin.NOT_NEEDED
    wanted, number = sign_in_for(visit, authorization), None
    if visit.form is None:  # even where another sign-in isn't wanted any more: the one that comes back is used up then
        number = relogin.came_back(
            wanted,
            visit.fingerprint,
            person.subject,
            details,
            has_mark=visit.has_mark,
            skew=server.settings.clock_skew,
        )
    if number is not None and server.settings.oidc:
        server.openid.sessions.put_back(relogin.kept(), person.subject)
    if number is None and not relogin.is_wanted(wanted, details):
        return carried is not None, relogin.NOT_NEEDED
    csrf.need_secret_key()  # else nobody could tell who comes back, and users would be sent in circles
    return carried is not None, number


def use_up(server: AuthorizationServer, wanted: SignInRequest, details: Details, number: str) -> bool:
    """Use up a sign-in, which is good for one answer, unless the request is content with the one that the user has."""
    # The cookie and the page's form may be as old as this, one after the other.
    until = int(time.time()) + relogin.MAX_AGE + csrf.MAX_AGE
    is_first = server.once.claim(once_key("sign-in", relogin.without_time(number)), until)
    return is_first or not relogin.is_wanted(wanted, details)


def ask_to_sign_in(
    server: AuthorizationServer, visit: Visit, authorization: Authorization, person: Person | None, details: Details
) -> Answer:
    """Send the user to sign in. Where the request says how, a cookie tells for what, when the browser comes back."""
    wanted = sign_in_for(visit, authorization)
    if not (server.app.secret_key and authorization.wants_sign_in):
        return server.users.send_to_login(wanted)
    response = server.users.send_to_login(relogin.with_mark(wanted))
    keeps = server.openid.sessions.to_keep(person.subject) if person is not None and server.settings.oidc else None
    relogin.remember(response, visit.fingerprint, details, keeps)
    return response


def sign_in_for(visit: Visit, authorization: Authorization) -> SignInRequest:
    """The sign-in that a request asks for. A silent request is sent to none: a strength that is wished for is no reason to
    refuse it, and one that it needs is looked at before it is answered.
    """
    silent = "none" in authorization.prompt
    return SignInRequest(
        return_to=visit.path,
        prompt=authorization.prompt,
        login_hint=authorization.login_hint,
        max_age=authorization.max_age,
        acr_values=() if silent else authorization.acr_values,
        strong_enough=frozenset() if silent else authorization.strong_enough,
        client=authorization.client,
    )
