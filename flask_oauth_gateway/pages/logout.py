"""`GET, POST /oauth/logout`: a client asks that its user be signed out (OpenID Connect RP-Initiated Logout 1.0)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from flask import redirect, request

from ..config.checks import ConfigurationError
from ..errors import InvalidRequestError
from ..oidc.logout import read_logout
from ..users.accounts import LOGOUT, POST_LOGOUT_URL, url_of
from ..web.answers import note
from ..web.csrf import carried_by, new_form_token
from ..web.logs import logger
from ..web.request import parse_parameters, read_form, values_by_name
from .leaving import app_scheme
from .person import go_to_client, last, page, person_at
from .rendering import error_page, explain, render_page
from .translations import in_language

if TYPE_CHECKING:
    from ..authorization_server import AuthorizationServer
    from ..oidc.logout import LogoutRequest
    from ..stores.registered_client import Client
    from .person import Answer, Form, Person

FORM = "logout"  # the page's form token is bound to this name
FORM_TOKEN = "form_token"
AGAIN = "again"  # the field of the page that sends a request once more


@page
def logout(server: AuthorizationServer) -> Answer:
    """Sign the user out, where the hint is of this very session; else ask them, since anybody can write a link.

    Then the browser goes back to the client, if that registered the address.
    """
    pairs = parse_parameters(request.environ.get("QUERY_STRING", "").encode("latin-1"))
    pairs += read_form(request, server.settings) if request.method == "POST" else []
    names = {name for name, _ in pairs} if request.method == "POST" else set()
    person = person_at(server)
    wanted = read_logout(pairs, server.clients, server.openid.id_tokens)
    if wanted.problem is not None:
        note(InvalidRequestError(wanted.problem))
    if wanted.client is not None and wanted.client.is_on_trial:
        wanted = _of_app_on_trial(wanted, wanted.client, person)
    with in_language(wanted.ui_locales):
        if person is not None:
            return _sign_out(server, person, wanted, values_by_name(pairs) if FORM_TOKEN in names else None)
        if _may_lack_cookies(server) and names.isdisjoint({FORM_TOKEN, AGAIN}):
            return _send_again(pairs)
        return _nobody(server, wanted)


def _of_app_on_trial(wanted: LogoutRequest, client: Client, person: Person | None) -> LogoutRequest:
    """The request of an app that waits for an administrator: it sends nobody but its owner to an address of its own."""
    return wanted if person is not None and client.may_act_for(person.subject) else replace(wanted, redirect_uri=None)


def _may_lack_cookies(server: AuthorizationServer) -> bool:
    """Whether a browser that comes from another site may have kept the session's cookie back, by its `SameSite`."""
    return request.method == "POST" or server.app.config["SESSION_COOKIE_SAMESITE"] == "Strict"


def _send_again(pairs: list[tuple[str, str]]) -> Answer:
    """A page that sends the same request from here, so that the cookies come with it: the user may be signed in all the same.

    The request stands in a form: an `id_token_hint` in the address would be in logs and histories.
    """
    return render_page("logout_again.html", fields=[*pairs, (AGAIN, "1")])


def _sign_out(server: AuthorizationServer, person: Person, wanted: LogoutRequest, form: Form | None) -> Answer:
    """Sign out whoever is signed in, or ask them.

    The sessions at the clients end first, all of them or none: without the database the user is still signed in. Where the
    app's own `logout` fails after that, the user stays signed in here alone, and can try again.
    """
    if not server.users.can_sign_out():
        raise ConfigurationError(LOGOUT, None, "a function that ends the app's own session; or Flask-Login's")
    hinted = None if form is None else carried_by(last(form, FORM_TOKEN), person.subject, FORM)
    if hinted is None and (form is not None or not _is_own(server, person.subject, wanted)):
        return _ask(server, person, wanted, is_stale=form is not None)
    server.openid.sessions.end_of_browser(person.subject)
    if hinted:
        server.openid.sessions.end_beside(hinted, person.subject)
    server.users.sign_out()
    return _go(server, wanted)


def _nobody(server: AuthorizationServer, wanted: LogoutRequest) -> Answer:
    """Answer where nobody is signed in: there is nothing to ask, and without a hint nobody is sent anywhere."""
    if wanted.problem is not None:
        return error_page(400, "invalid_request", wanted.problem)
    if wanted.hint is None and wanted.location is not None:
        return render_page("signed_out.html", client=wanted.client, to=wanted.location)
    subject = _hinted(server, wanted)
    if subject is not None and _is_own(server, subject, wanted):
        server.openid.sessions.end_of_browser(subject)  # the app ended its own session without our knowing
    return _go(server, wanted)


def _hinted(server: AuthorizationServer, wanted: LogoutRequest) -> str | None:
    """The user whom the hint is about; where the client knows them by a name of its own, the session tells."""
    hint, client = wanted.hint, wanted.client
    if hint is None or client is None or not server.openid.subjects.is_pairwise(client):
        return None if hint is None else hint.sub
    return None if hint.sid is None else server.openid.sessions.subject_of(hint.sid)


def _is_own(server: AuthorizationServer, subject: str, wanted: LogoutRequest) -> bool:
    """Whether the request's hint is of this user and of a live session of this browser, which no link from elsewhere has."""
    hint = wanted.hint
    if hint is None or hint.sid is None or not _is_of_user(server, subject, wanted):
        return False
    return server.openid.sessions.is_of_browser(hint.sid, subject)


def _is_of_user(server: AuthorizationServer, subject: str, wanted: LogoutRequest) -> bool:
    hint, client = wanted.hint, wanted.client
    if wanted.problem is not None or hint is None or client is None:
        return False
    return server.openid.subjects.is_of(client, subject, hint.sub)


def _ask(server: AuthorizationServer, person: Person, wanted: LogoutRequest, *, is_stale: bool) -> Answer:
    """Ask the user. Their answer is about the hint's session too, if that is theirs: of a browser that was closed, perhaps."""
    is_theirs = _is_of_user(server, person.subject, wanted)
    hinted = wanted.hint.sid if is_theirs and wanted.hint is not None else None
    return render_page(
        "logout.html",
        400 if is_stale or wanted.problem is not None else 200,
        sends_to=None if wanted.redirect_uri is None else app_scheme(wanted.redirect_uri),
        form_token=new_form_token(person.subject, FORM, carries=hinted or ""),
        wanted=wanted,
        client=wanted.client,
        user=person.user,
        problem=explain(wanted.problem),
        is_stale=is_stale,
    )


def address_after(server: AuthorizationServer) -> str | None:
    """Where the browser goes after a sign-out that names no client's address; `None`: to our own page.

    A typo in the setting keeps nobody signed in.
    """
    target = server.settings.post_logout_url
    if target is None:
        return None
    try:
        return url_of(POST_LOGOUT_URL, target)
    except ConfigurationError as error:
        logger.error("The sign-out ends at the built-in page: %s", error.message)
        return None


def _go(server: AuthorizationServer, wanted: LogoutRequest) -> Answer:
    if wanted.location is not None:
        return go_to_client(wanted.location)
    after = address_after(server)
    return render_page("signed_out.html", client=None, to=None) if after is None else redirect(after, 303)
