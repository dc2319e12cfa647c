"""`GET, POST /oauth/authorize`: a user lets a client have scopes (RFC 6749 section 4.1.1, 4.2.1; RFC 9207).

The way of a request: the client and its redirect URI, else an error page; the rest, else an error for the client; who is
signed in, else the app's login; what the user must be asked, else an answer straight away.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from flask import Response, redirect, request

from ..authorization.consent import Question, question_for, read_decision, remember
from ..authorization.request import (
    OFFLINE_ACCESS,
    RESPONSE_TYPES,
    Authorization,
    AuthorizationError,
    Granted,
    PageError,
    SignInRequest,
    check,
    read,
)
from ..config.checks import ConfigurationError
from ..errors import OAuth2Error, TemporarilyUnavailable, noted
from ..hooks import subject_of
from ..signals import authorization_denied, authorization_granted
from ..tokens.issuing import StaleClient
from ..users import relogin
from ..users.accounts import login_details, send_to_login, signed_in_user
from ..web.csrf import is_form_token, need_secret_key, new_form_token
from ..web.environ import NOTED, current_state
from ..web.issuer import issuer_of
from ..web.request import parse_parameters, read_form
from .rendering import error_page, refusal_page, render_page
from .translations import translate

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from ..authorization_server import State
    from ..doctor.explanations import Explanation


@dataclass(frozen=True, slots=True)
class Visit:
    """One request to this endpoint: the authorization request's parameters, and the decision form where it was sent."""

    query: list[tuple[str, str]]
    form: dict[str, list[str]] | None

    @property
    def path(self) -> str:
        """This same request, as a path on this site."""
        return f"{request.script_root}{request.path}?{urlencode(self.query)}"

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.path.encode()).hexdigest()


def authorize() -> Response | BaseResponse:
    """Every outcome is a page for the user, or an answer for the client at its redirect URI."""
    state = current_state()
    try:
        visit = _read_visit(state)
        issuer = issuer_of(state)
        authorization, data, repeated = read(state, visit.query)
    except PageError as error:
        request.environ[NOTED] = noted(error)
        return error_page(400, error.error, error.description, _explanation(state, error))
    except OAuth2Error as error:
        request.environ[NOTED] = noted(error)
        return refusal_page(error)
    try:
        authorization = check(state, authorization, data, repeated)
        return _proceed(state, visit, authorization, issuer)
    except TemporarilyUnavailable as error:
        return refusal_page(error)
    except ConfigurationError as error:
        state.app.logger.error("%s", error)
        return error_page(503, "server_error", "The server is not configured for this.")
    except OAuth2Error as error:
        request.environ[NOTED] = noted(error)
        answer = {"error": error.error, "error_description": error.description or None}
        return _send(authorization, authorization.answer(answer, issuer))


def _explanation(state: State, error: PageError) -> Explanation | None:
    """What is wrong at length, while the app is being written; outside of debug mode it is nobody's business."""
    if not state.app.debug:
        return None
    from ..doctor.explanations import Refused, explain

    sent = request.values.to_dict()
    client_id = sent.get("client_id")
    return explain(
        Refused(state=state, error=error.error, description=error.description, parameters=sent, client_id=client_id)
    )


def _read_visit(state: State) -> Visit:
    query = parse_parameters(request.environ.get("QUERY_STRING", "").encode("latin-1"))
    if request.method != "POST":
        return Visit(query, None)
    pairs = read_form(request, state.settings)
    if not any(name in ("decision", "form_token") for name, _ in pairs):
        return Visit(query + pairs, None)  # an authorization request sent as a form (OIDC Core section 3.1.2.1)
    form: dict[str, list[str]] = {}
    for name, value in pairs:
        form.setdefault(name, []).append(value)
    return Visit(query, form)


def _proceed(state: State, visit: Visit, authorization: Authorization, issuer: str) -> Response | BaseResponse:
    user = signed_in_user(state)
    silent = "none" in authorization.prompt
    details = {} if user is None else login_details(state, user)
    if user is None or (visit.form is None and _must_sign_in_again(authorization, details, visit)):
        if silent:
            raise AuthorizationError("login_required", "Nobody is signed in, or not recently enough.")
        return _sign_in(state, visit, authorization)
    subject = subject_of(user)
    question = question_for(state, authorization, subject, " ".join((visit.form or {}).get("asked", ())).split())
    if visit.form is not None:
        return _decide(state, visit, authorization, question, user, details, issuer)
    if question.needs_asking:
        if silent:
            raise AuthorizationError("consent_required", "The user has not granted this to the application yet.")
        return _ask(state, visit, authorization, question, user)
    granted = Granted(subject=subject, scopes=authorization.scopes, claims=details)
    return _grant(state, authorization, granted, issuer, asked=False)


def _must_sign_in_again(authorization: Authorization, details: dict[str, Any], visit: Visit) -> bool:
    """Whether the request wants a fresh sign-in, and the user doesn't just come back from one.

    Raises `AuthorizationError` where the user does, and the app says that it was none, and `ConfigurationError` where
    there is no key to know it by.
    """
    signed_in_at = details.get("auth_time")
    too_old = authorization.max_age is not None and (
        signed_in_at is None or signed_in_at + authorization.max_age < time.time()
    )
    if not too_old and "login" not in authorization.prompt and "select_account" not in authorization.prompt:
        return False
    need_secret_key()
    sent_at = relogin.sent_at(visit.fingerprint)
    if sent_at is None:
        return True
    if signed_in_at is not None and signed_in_at < sent_at and (too_old or "login" in authorization.prompt):
        raise AuthorizationError("login_required", "The user did not sign in again.")
    return False


def _sign_in(state: State, visit: Visit, authorization: Authorization) -> Response | BaseResponse:
    response = send_to_login(
        state,
        SignInRequest(
            return_to=visit.path,
            prompt=authorization.prompt,
            login_hint=authorization.login_hint,
            max_age=authorization.max_age,
            acr_values=authorization.acr_values,
            client=authorization.client,
        ),
    )
    if state.app.secret_key and (authorization.prompt or authorization.max_age is not None):
        relogin.remember(response, visit.fingerprint)
    return response


def _ask(
    state: State, visit: Visit, authorization: Authorization, question: Question, user: Any, notice: str | None = None
) -> Response:
    """The consent page. Its form comes back to this same request, bound to this user."""
    return render_page(
        "consent.html",
        200 if notice is None else 400,
        sends_to=authorization.redirect_uri,
        action=visit.path,
        form_token=new_form_token(question.subject, visit.fingerprint),
        authorization=authorization,
        client=authorization.client,
        question=question,
        user=user,
        notice=notice,
        descriptions={OFFLINE_ACCESS: translate("Keep its access while you are away"), **state.settings.scopes},
        durations=state.settings.consent_durations,
        change_account=_change_account(visit),
    )


def _decide(
    state: State,
    visit: Visit,
    authorization: Authorization,
    question: Question,
    user: Any,
    details: dict[str, Any],
    issuer: str,
) -> Response | BaseResponse:
    """The form that came back. A stale one, or one shown to somebody else, is shown anew: nothing is lost."""
    form = visit.form or {}
    token = form.get("form_token", [""])[0]
    if not is_form_token(token, question.subject, visit.fingerprint):
        return _ask(state, visit, authorization, question, user, notice="stale")
    decision = read_decision(state, question, form)
    if decision is None:
        authorization_denied.send(
            state.app, client_id=authorization.client.client_id, subject=question.subject, reason="denied"
        )
        raise AuthorizationError("access_denied", "The user refused.")
    remember(state, authorization.client, question, decision)
    granted = Granted(
        subject=question.subject,
        scopes=decision.scopes,
        lasts_until=decision.lasts_until,
        refreshable=decision.refreshable and _is_offline(authorization, decision.scopes),
        claims=details,
    )
    return _grant(state, authorization, granted, issuer, asked=True)


def _grant(
    state: State, authorization: Authorization, granted: Granted, issuer: str, *, asked: bool
) -> Response | BaseResponse:
    authorization_granted.send(
        state.app,
        client_id=authorization.client.client_id,
        subject=granted.subject,
        scopes=granted.scopes,
        asked=asked,
    )
    grant = state.server.grants[RESPONSE_TYPES[authorization.response_type]]
    try:
        answer = grant.respond(state, authorization, granted)
    except StaleClient:
        raise AuthorizationError("temporarily_unavailable", "The client was just changed. Please try again.") from None
    return _send(authorization, authorization.answer(answer, issuer))


def _send(authorization: Authorization, answer: dict[str, str]) -> Response | BaseResponse:
    """Hand an answer over: by redirect, or by a form that the browser posts (form_post)."""
    if authorization.response_mode == "form_post":
        return render_page(
            "form_post.html", sends_to=authorization.redirect_uri, action=authorization.redirect_uri, answer=answer
        )
    response = redirect(authorization.location(answer), 303 if request.method == "POST" else 302)
    response.headers.update({"Cache-Control": "no-store", "Pragma": "no-cache", "Referrer-Policy": "no-referrer"})
    return response


def _is_offline(authorization: Authorization, scopes: tuple[str, ...]) -> bool:
    """Whether a refresh token may come with it: not where the request asked for that and the user unticked it."""
    return OFFLINE_ACCESS not in authorization.scopes or OFFLINE_ACCESS in scopes


def _change_account(visit: Visit) -> str:
    """The same request, asking for another account."""
    query = [(name, value) for name, value in visit.query if name != "prompt"]
    return f"{request.script_root}{request.path}?{urlencode([*query, ('prompt', 'select_account')])}"
