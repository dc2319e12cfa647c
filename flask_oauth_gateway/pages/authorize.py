"""`GET, POST /oauth/authorize`: a user allows a client some scopes (RFC 6749 section 4.1.1, 4.2.1; RFC 9207)."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ..authorization.answer import answer_of, is_signed, location_of
from ..authorization.parameters import find_client, read_authorization, read_visit, resolve
from ..authorization.request import (
    AuthorizationError,
    Granted,
    NoSuchRequest,
    PageError,
    StillOnTrial,
    UnmetAuthenticationRequirements,
)
from ..authorization.requested_claims import check_sign_in, check_user, is_essential
from ..clients.members.hardening import always_bound
from ..errors import NotConfigured, OAuth2Error, TemporarilyUnavailable
from ..permissions.claims import scopes_in, still_asked_for
from ..permissions.scopes import stays_offline
from ..signals import authorization_denied, authorization_granted
from ..stores.issuance import AlreadyAnswered
from ..tokens.issue import AlreadySpent, StaleClient
from ..tokens.sign_in import AUTHORIZATION_DETAILS, ID_TOKEN, OPENID, USERINFO, in_session
from ..users.relogin import NOT_NEEDED, came_back_at
from ..web.answers import note
from ..web.csrf import new_form_token
from .asking.asked import in_words
from .leaving import app_scheme, post_to_client
from .person import go_to_client, page, person_at
from .reauthentication import ask_to_sign_in, settle, sign_in_for, use_up
from .refusing import refuse
from .rendering import render_page, scope_descriptions
from .translations import in_language

if TYPE_CHECKING:
    from flask import Response

    from ..authorization.consent import Decision, Question
    from ..authorization.parameters import Resolved, Visit
    from ..authorization.request import Authorization
    from ..authorization_server import AuthorizationServer
    from ..stores.registered_client import Client
    from .person import Answer, Form, Person


ATTEMPTS = 3


@page
def authorize(server: AuthorizationServer) -> Answer:
    """Answer an authorization request: first find the client and its redirect URI, then do all the rest.

    Where the client or its redirect URI is wrong, the user sees an error page. The rest is every check, the sign-in,
    the consent page and the code or token; where it fails, the client gets the error.
    """
    visit = read_visit(server.settings)
    try:
        return _answer(server, resolve(visit, server.request_sources, server.directory or server.clients))
    except PageError as error:
        return refuse(server, error)
    except AlreadyAnswered:
        return refuse(server, NoSuchRequest("the request_uri was used meanwhile"))


def _answer(server: AuthorizationServer, resolved: Resolved) -> Answer:
    """What a browser gets that comes with this request. Raises `PageError`, and `AlreadyAnswered`.

    A pushed request is used up by its answer: by a code or token when that is given, by an error here.
    """
    issuer = server.issuer.identifier()
    client = find_client(server.directory or server.clients, resolved)
    authorization, parameters = read_authorization(client, resolved, issuer, server.settings.jarm)
    try:
        authorization = server.authorization_checks.check(authorization, parameters)
        with in_language(authorization.ui_locales) if authorization.ui_locales else nullcontext():
            answer = _answer_or_page(server, resolved.visit, authorization)
    except (NotConfigured, TemporarilyUnavailable):
        raise  # shown to the user: the client would only send them here again
    except OAuth2Error as error:
        note(error)
        answer = {"error": error.error, "error_description": error.description or None}
    pushed = resolved.pushed
    if isinstance(answer, dict) and "error" in answer and authorization.client.is_on_trial:
        _check_owner(server, authorization.client, answer["error_description"])
    if not isinstance(answer, dict):
        if pushed is not None:
            pushed.keep_open()
        return answer
    if pushed is not None and "error" in answer:
        pushed.use()
    return _send(server, authorization, answer_of(authorization, answer, issuer))


def _check_owner(server: AuthorizationServer, client: Client, problem: str | None) -> None:
    """Raises `StillOnTrial` where an app waits for an administrator, and this isn't its owner: nobody has looked at where a
    wrong request would be sent back to. Its owner, not signed in, reads the `problem` on the page.
    """
    person = person_at(server)
    if not client.may_act_for(None if person is None else person.subject):
        raise StillOnTrial(problem or "")


def _answer_or_page(server: AuthorizationServer, visit: Visit, authorization: Authorization) -> dict[str, Any] | Answer:
    """Send the user to sign in, or ask for consent, or return what the client gets, whichever is next.

    The sign-in is settled before anything is shown or given, whatever form was sent.
    """
    person = person_at(server)
    silent = "none" in authorization.prompt
    details = {} if person is None else server.users.login_details(person.user)
    shown, sign_in = False, None
    if person is not None and (authorization.wants_sign_in or visit.form is not None):
        shown, sign_in = settle(server, visit, authorization, person, details)
    elif person is not None:
        sign_in = NOT_NEEDED
    if person is None or sign_in is None:
        if silent:
            raise AuthorizationError("login_required", "Nobody is signed in, or not recently enough.")
        return ask_to_sign_in(server, visit, authorization, person, details)
    if not authorization.client.may_act_for(person.subject):
        raise StillOnTrial
    _check_strength(authorization, details)
    if authorization.claims:
        check_user(authorization.claims, server.openid.subjects.of(authorization.client, person.subject))
        comes_now = visit.form is None and not visit.has_mark and not silent
        if comes_now and is_essential(authorization.claims, "acr") and "acr" not in details:
            return ask_to_sign_in(server, visit, authorization, person, details)  # which may tell it
        check_sign_in(authorization.claims, details)
    if authorization.authorization_details and not silent:
        from .details import as_shown  # servers without these never load it

        authorization, shown = as_shown(server, visit, authorization, person, shown)
    asked = " ".join((visit.form or {}).get("asked", ())).split()
    question = server.consent.question_for(authorization, person.subject, asked)
    if visit.form is None and question.needs_asking:
        return _ask(server, visit, authorization, question, person, sign_in)
    if visit.form is not None and not shown:
        return _ask(server, visit, authorization, question, person, sign_in, notice="stale")
    if sign_in != NOT_NEEDED and not use_up(server, sign_in_for(visit, authorization), details, sign_in):
        return ask_to_sign_in(server, visit, authorization, person, details)
    details = _kept(authorization, details, sign_in)
    if visit.form is not None:
        return _decide(server, visit.form, authorization, question, person, details)
    granted = Granted(subject=person.subject, scopes=authorization.scopes, claims=details)
    return _grant(server, authorization, granted, asked=False)


def _check_strength(authorization: Authorization, details: dict[str, Any]) -> None:
    """Check that the user, back from the sign-in, signed in as strongly as the request needs (RFC 9470 section 5)."""
    if authorization.strong_enough and details.get("acr") not in authorization.strong_enough:
        raise UnmetAuthenticationRequirements("The user's sign-in is weaker than what was asked for.")


def _kept(authorization: Authorization, details: dict[str, Any], sign_in: str) -> dict[str, Any]:
    """What is kept of the sign-in for the tokens.

    Where the client needs to know when the user signed in, and the app can't tell, that is when they came back from the
    sign-in for this request.
    """
    at = None if "auth_time" in details or authorization.max_age is None else came_back_at(sign_in)
    kept = details if at is None else {**details, "auth_time": at}
    if authorization.confirmation:
        kept = {**kept, "cnf": dict(authorization.confirmation)}
    if authorization.authorization_details:
        kept = {**kept, AUTHORIZATION_DETAILS: [*authorization.authorization_details]}
    return {**kept, OPENID: authorization.openid} if authorization.openid else kept


def _allowed(server: AuthorizationServer, details: dict[str, Any], decision: Decision) -> dict[str, Any]:
    """What is kept, without the claims that were asked for by name and that the user refused."""
    openid = dict(details.get(OPENID, {}))
    for place in (ID_TOKEN, USERINFO):
        if place in openid:
            openid[place] = still_asked_for(openid[place], decision.scopes, server.settings)
    return {**details, OPENID: openid} if openid else details


def _ask(
    server: AuthorizationServer,
    visit: Visit,
    authorization: Authorization,
    question: Question,
    person: Person,
    sign_in: str,
    notice: str | None = None,
) -> Response:
    """The consent page. Its form is bound to this user and sign-in, and is sent to this same authorization request.

    Raises `AuthorizationError` where none may be shown.
    """
    if "none" in authorization.prompt:
        why = (
            "The user has not granted this to the application yet."
            if notice is None
            else "A page's form was sent that is out of date, and none may be shown."
        )
        raise AuthorizationError("consent_required", why)
    details: dict[str, Any] = {}
    if authorization.authorization_details:
        from .details import for_page

        details = for_page(server.settings, authorization.authorization_details, person.subject, visit.fingerprint)
    return render_page(
        "consent.html",
        200 if notice is None else 400,
        sends_to=app_scheme(authorization.redirect_uri),
        action=visit.path,
        form_token=new_form_token(person.subject, visit.fingerprint, carries=sign_in),
        authorization=authorization,
        client=authorization.client,
        question=question,
        **details,
        resources=server.resources.names_of(authorization.audience),
        bound=_is_bound(server, authorization),
        user=person.user,
        notice=notice,
        descriptions=scope_descriptions(server.settings),
        **in_words(server, authorization.client, person, question, _by_name(authorization)),
        durations=server.settings.consent_durations,
        change_account=visit.path_for_another_account,
    )


def _by_name(authorization: Authorization) -> list[str]:
    """The claims that the client asks for by name (OIDC Core section 5.5), wherever it wants them."""
    return [name for place in (ID_TOKEN, USERINFO) for name in authorization.openid.get(place, ())]


def _is_bound(server: AuthorizationServer, authorization: Authorization) -> bool:
    """Whether all that the client gets is bound to a key: a confidential client may refresh its tokens by another, or none."""
    by_the_code = bool(authorization.confirmation) and authorization.client.is_public
    return by_the_code or always_bound(authorization.client, server.settings)


def _decide(
    server: AuthorizationServer,
    form: Form,
    authorization: Authorization,
    question: Question,
    person: Person,
    details: dict[str, Any],
) -> dict[str, Any]:
    """Act on the decision form, which this user was shown for this request."""
    client = authorization.client
    decision = server.consent.read_decision(question, form)
    if decision is None:
        authorization_denied.send(server.app, client_id=client.client_id, subject=person.subject, reason="denied")
        raise AuthorizationError("access_denied", "The user refused.")
    server.consent.remember(client, question, decision)
    granted = Granted(
        subject=person.subject,
        scopes=scopes_in(decision.scopes),
        lasts_until=decision.lasts_until,
        refreshable=decision.refreshable and stays_offline(authorization.scopes, decision.scopes),
        claims=_allowed(server, details, decision),
    )
    return _grant(server, authorization, granted, asked=True)


def _grant(
    server: AuthorizationServer, authorization: Authorization, granted: Granted, *, asked: bool
) -> dict[str, Any]:
    """The code or token that the client gets, by its response type."""
    authorization_granted.send(
        server.app,
        client_id=authorization.client.client_id,
        subject=granted.subject,
        scopes=granted.scopes,
        asked=asked,
        detail_types=tuple(dict.fromkeys(each["type"] for each in authorization.authorization_details)),
    )
    response_type, client_id = server.response_types[authorization.response_type], authorization.client.client_id
    if server.settings.oidc and OPENID in granted.scopes:
        sid = server.openid.sessions.sid_for(authorization.client, granted.subject)
        granted = granted if sid is None else replace(granted, sid=sid, claims=in_session(granted.claims, sid))
    if authorization.pushed is not None and "code" not in authorization.response_type.split():
        authorization.pushed.use()  # the row of a code is stored in the same transaction
    for _ in range(ATTEMPTS):
        try:
            return response_type.authorize(authorization, granted)
        except AlreadySpent:
            raise AuthorizationError("login_required", "The user has just signed out.") from None
        except StaleClient:  # tokens of this user were revoked, or the client was changed
            client = server.clients.load(client_id)
            if client is None or not client.is_as(authorization.client):
                break
    raise AuthorizationError("temporarily_unavailable", "The client was just changed. Please try again.")


def _send(server: AuthorizationServer, authorization: Authorization, answer: dict[str, str]) -> Answer:
    """Send an answer to the client: by redirect, or by a form that the browser posts (form_post); signed, where it wants that."""
    sign = partial(server.signed_answers.sign, authorization.client) if is_signed(authorization) else None
    if authorization.response_mode.startswith("form_post"):
        return post_to_client(authorization.redirect_uri, answer if sign is None else sign(answer))
    return go_to_client(location_of(authorization, answer, sign))
