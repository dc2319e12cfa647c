"""`GET, POST /oauth/authorize`: a user allows a client some scopes (RFC 6749 section 4.1.1, 4.2.1; RFC 9207)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import redirect, request

from ..authorization.answer import answer_of, location_of
from ..authorization.parameters import read_authorization
from ..authorization.request import AuthorizationError, Granted, PageError
from ..errors import NotConfigured, OAuth2Error, TemporarilyUnavailable
from ..permissions.scopes import stays_offline
from ..signals import authorization_denied, authorization_granted
from ..tokens.issuing import StaleClient
from ..tokens.sign_in import OPENID
from ..users.accounts import SignInRequest
from ..users.relogin import MARK, NOT_NEEDED
from ..web.answers import note
from ..web.csrf import carried_by, new_form_token
from ..web.request import parse_parameters, read_form
from .leaving import app_scheme, leave, post_to_client
from .person import by_name, page, person_at
from .reauthentication import settled_by, sign_in_again, use_up
from .rendering import error_page, render_page, scope_descriptions

if TYPE_CHECKING:
    from flask import Response

    from ..authorization.consent import Question
    from ..authorization.request import Authorization
    from ..authorization_server import AuthorizationServer
    from ..doctor.explanations import Explanation
    from .person import Answer, Form, Person


ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to this endpoint: the parameters of the authorization request, and the decision form if one was sent."""

    query: list[tuple[str, str]]
    form: Form | None
    has_mark: bool = False  # the browser comes back from a sign-in (`users/relogin.py`)

    @property
    def path(self) -> str:
        """The authorization request as a path on this site."""
        return f"{request.script_root}{request.path}?{urlencode(self.query)}"

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.path.encode()).hexdigest()


@page
def authorize(server: AuthorizationServer) -> Answer:
    """Answer an authorization request: first find the client and its redirect URI, then do all the rest.

    Where the client or its redirect URI is wrong, the user sees an error page. The rest is every check, the sign-in,
    the consent page and the code or token; where it fails, the client gets the error.
    """
    visit = _read_visit(server)
    issuer = server.issuer.identifier()
    try:
        authorization, parameters = read_authorization(server.clients, visit.query, issuer)
    except PageError as error:
        note(error)
        return error_page(400, error.error, error.description, _explanation(server, error))
    try:
        authorization = server.authorization_checks.check(authorization, parameters)
        answer = _answer_or_page(server, visit, authorization)
    except (NotConfigured, TemporarilyUnavailable):
        raise  # shown to the user: the client would only send them here again
    except OAuth2Error as error:
        note(error)
        answer = {"error": error.error, "error_description": error.description or None}
    if isinstance(answer, dict):
        return _send(authorization, answer_of(authorization, answer, issuer))
    return answer


def _read_visit(server: AuthorizationServer) -> Visit:
    query = parse_parameters(request.environ.get("QUERY_STRING", "").encode("latin-1"))
    if request.method != "POST":
        without = [pair for pair in query if pair[0] != MARK]
        return Visit(without, None, has_mark=len(without) < len(query))
    pairs = read_form(request, server.settings)
    if not any(name in ("decision", "form_token") for name, _ in pairs):
        return Visit(query + pairs, None)  # an authorization request sent as a form (OIDC Core section 3.1.2.1)
    return Visit(query, by_name(pairs))


def _answer_or_page(server: AuthorizationServer, visit: Visit, authorization: Authorization) -> dict[str, Any] | Answer:
    """Send the user to sign in, or ask for consent, or return what the client gets, whichever is next.

    The sign-in is settled before anything is shown or given, whatever form was sent.
    """
    person = person_at(server)
    silent = "none" in authorization.prompt
    details = {} if person is None else server.users.login_details(person.user)
    shown, sign_in = (None, None) if person is None else _settled(server, visit, authorization, person, details)
    if person is None or sign_in is None:
        if silent:
            raise AuthorizationError("login_required", "Nobody is signed in, or not recently enough.")
        return _sign_in(server, visit, authorization, details)
    asked = " ".join((visit.form or {}).get("asked", ())).split()
    question = server.consent.question_for(authorization, person.subject, asked)
    if visit.form is None and question.needs_asking:
        if silent:
            raise AuthorizationError("consent_required", "The user has not granted this to the application yet.")
        return _ask(server, visit, authorization, question, person, sign_in)
    if visit.form is not None and not shown:
        return _ask(server, visit, authorization, question, person, sign_in, notice="stale")
    if sign_in != NOT_NEEDED and not use_up(server, _sign_in_for(visit, authorization), details, sign_in):
        return _sign_in(server, visit, authorization, details)
    if authorization.openid:
        details = {**details, OPENID: authorization.openid}
    if visit.form is not None:
        return _decide(server, visit.form, authorization, question, person, details)
    granted = Granted(subject=person.subject, scopes=authorization.scopes, claims=details)
    return _grant(server, authorization, granted, asked=False)


def _settled(
    server: AuthorizationServer, visit: Visit, authorization: Authorization, person: Person, details: dict[str, Any]
) -> tuple[bool, str | None]:
    """Whether this page's own form was sent, and which sign-in settles what the request asks for: its number.

    The number is `NOT_NEEDED` where the request asks for no other sign-in than the user has, and `None` where the user
    must sign in again. Raises `NotSignedIn` where the user comes back without having done so.
    """
    carried = None
    if visit.form is not None:
        carried = carried_by(visit.form.get("form_token", [""])[0], person.subject, visit.fingerprint)
    if carried or not _may_want_another(authorization):
        return carried is not None, carried or NOT_NEEDED
    sign_in = settled_by(
        _sign_in_for(visit, authorization),
        visit.fingerprint,
        person.subject,
        details,
        has_form=visit.form is not None,
        has_mark=visit.has_mark,
        skew=server.settings.clock_skew,
    )
    return carried is not None, sign_in


def _sign_in_for(visit: Visit, authorization: Authorization) -> SignInRequest:
    """The sign-in that a request asks for."""
    return SignInRequest(
        return_to=visit.path,
        prompt=authorization.prompt,
        login_hint=authorization.login_hint,
        max_age=authorization.max_age,
        acr_values=authorization.acr_values,
        client=authorization.client,
    )


def _may_want_another(authorization: Authorization) -> bool:
    """Whether a request says anything of how its user should have signed in."""
    return bool(authorization.prompt or authorization.max_age is not None or authorization.acr_values)


def _sign_in(
    server: AuthorizationServer, visit: Visit, authorization: Authorization, details: dict[str, Any]
) -> Answer:
    wanted = _sign_in_for(visit, authorization)
    if server.app.secret_key and _may_want_another(authorization):
        return sign_in_again(server, wanted, visit.fingerprint, details)
    return server.users.send_to_login(wanted)


def _ask(
    server: AuthorizationServer,
    visit: Visit,
    authorization: Authorization,
    question: Question,
    person: Person,
    sign_in: str,
    notice: str | None = None,
) -> Response:
    """The consent page. Its form is bound to this user and sign-in, and is sent to this same authorization request."""
    return render_page(
        "consent.html",
        200 if notice is None else 400,
        sends_to=app_scheme(authorization.redirect_uri),
        action=visit.path,
        form_token=new_form_token(person.subject, visit.fingerprint, carries=sign_in),
        authorization=authorization,
        client=authorization.client,
        question=question,
        user=person.user,
        notice=notice,
        descriptions=scope_descriptions(server.settings),
        durations=server.settings.consent_durations,
        change_account=_change_account(visit),
    )


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
        scopes=decision.scopes,
        lasts_until=decision.lasts_until,
        refreshable=decision.refreshable and stays_offline(authorization.scopes, decision.scopes),
        claims=details,
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
    )
    response_type, client_id = server.response_types[authorization.response_type], authorization.client.client_id
    for _ in range(ATTEMPTS):
        try:
            return response_type.authorize(authorization, granted)
        except StaleClient:  # tokens of this user were revoked, or the client was changed
            client = server.clients.load(client_id)
            if client is None or client.version != authorization.client.version:
                break
    raise AuthorizationError("temporarily_unavailable", "The client was just changed. Please try again.")


def _send(authorization: Authorization, answer: dict[str, str]) -> Answer:
    """Send an answer to the client: by redirect, or by a form that the browser posts (form_post)."""
    if authorization.response_mode == "form_post":
        return post_to_client(authorization.redirect_uri, answer)
    response = redirect(location_of(authorization, answer), 303 if request.method == "POST" else 302)
    response.headers.update({"Cache-Control": "no-store", "Pragma": "no-cache", "Referrer-Policy": "no-referrer"})
    return leave(response) if _comes_from_a_page_here() else response


def _comes_from_a_page_here() -> bool:
    """Whether a page of this site sent the browser here, and may hold its policy against where it goes: mostly a sign-in."""
    sent = request.headers
    return sent.get("Sec-Fetch-Site") == "same-origin" and sent.get("Sec-Fetch-Dest") == "document"


def _change_account(visit: Visit) -> str:
    """The URL of this authorization request that lets the user choose another account."""
    query = [(name, value) for name, value in visit.query if name != "prompt"]
    return f"{request.script_root}{request.path}?{urlencode([*query, ('prompt', 'select_account')])}"


def _explanation(server: AuthorizationServer, error: PageError) -> Explanation | None:
    """An explanation of the error for the developer, in debug mode only."""
    if not server.app.debug:
        return None
    from ..doctor.explanations import Refused, explain

    sent = request.values.to_dict()
    client_id = sent.get("client_id")
    return explain(
        Refused(server=server, error=error.error, description=error.description, parameters=sent, client_id=client_id)
    )
