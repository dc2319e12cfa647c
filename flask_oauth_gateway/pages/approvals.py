"""`GET /oauth/applications`, `POST /oauth/applications/<client_id>/revoke`: what a user has granted, and taking it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flask import Response, redirect, request, url_for

from ..authorization.request import SignInRequest
from ..config.checks import ConfigurationError
from ..errors import OAuth2Error
from ..hooks import subject_of
from ..signals import authorization_denied, token_revoked
from ..tokens.revoked import kind_of
from ..users.accounts import send_to_login, signed_in_user
from ..web.csrf import is_form_token, new_form_token
from ..web.environ import current_state
from ..web.request import read_form
from .rendering import error_page, refusal_page, render_page

if TYPE_CHECKING:
    from werkzeug.wrappers import Response as BaseResponse

    from ..authorization_server import State
    from ..stores.clients import Client


@dataclass(frozen=True, slots=True)
class Granted:
    """What a user let one client have. Times are seconds since 1970."""

    client: Client
    scopes: tuple[str, ...]
    since: int
    last_used_at: int | None


def applications() -> Response | BaseResponse:
    """The page: every client that holds something of the signed-in user's."""
    return _for_user(_list)


def revoke_application(client_id: str) -> Response | BaseResponse:
    """The button: every token of that client for this user ends at once, and it must ask again."""
    return _for_user(lambda state, user, subject: _revoke(state, user, subject, client_id))


def _for_user(answer: Any) -> Response | BaseResponse:
    state = current_state()
    try:
        user = signed_in_user(state)
        if user is None:
            return send_to_login(state, SignInRequest(return_to=url_for("oauth.applications")))
        result: Response | BaseResponse = answer(state, user, subject_of(user))
    except ConfigurationError as error:
        state.app.logger.error("%s", error)
        return error_page(503, "server_error", "The server is not configured for this.")
    except OAuth2Error as error:
        return refusal_page(error)
    return result


def _list(state: State, user: Any, subject: str, problem: str | None = None) -> Response:
    return render_page(
        "applications.html",
        200 if problem is None else 400,
        user=user,
        granted=granted_by(state, subject),
        descriptions=state.settings.scopes,
        form_token=new_form_token(subject, "applications"),
        problem=problem,
    )


def granted_by(state: State, subject: str) -> list[Granted]:
    """What a user has granted, by client: remembered consents and whatever still has tokens."""
    consents = {row.client: row for row in state.consents.of_subject(subject)}
    families = {row.client: row for row in state.families.of_subject(subject)}
    found = []
    for key in sorted(consents.keys() | families.keys()):
        client = state.clients.load_by_key(key)
        if client is None:
            continue
        consent, family = consents.get(key), families.get(key)
        scopes = set(consent.scope.split()) if consent is not None else set()
        if family is not None:
            scopes |= state.families.scopes_of_subject(subject, client)
        since = min(time for time in (consent and consent.granted_at, family and family.since) if time)
        found.append(Granted(client, tuple(sorted(scopes)), since, family and family.last_used_at))
    return found


def _revoke(state: State, user: Any, subject: str, client_id: str) -> Response | BaseResponse:
    form = dict(read_form(request, state.settings))
    if not is_form_token(form.get("form_token"), subject, "applications"):
        return _list(state, user, subject, problem="stale")
    client = state.clients.load(client_id)
    if client is not None:
        count = state.tokens.revoke_where(
            client=client.key, subject=subject, mark=state.revocations.marker(*kind_of(client_id, subject))
        )
        forgotten = state.consents.forget(subject, client)
        state.forget_tokens()
        if forgotten or count:
            authorization_denied.send(state.app, client_id=client_id, subject=subject, reason="withdrawn")
        if count:
            token_revoked.send(
                state.app, client_id=client_id, subject=subject, token_id=None, count=count, by="the user", actor=None
            )
    return redirect(url_for("oauth.applications"), 303)
