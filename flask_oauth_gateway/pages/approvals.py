"""`GET /oauth/applications`, `POST /oauth/applications/revoke`: a user sees and withdraws approvals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Response, redirect, url_for

from ..clients.members.hardening import always_bound
from ..signals import authorization_denied
from ..tokens.sign_in import details_of
from ..web.csrf import is_form_token, new_form_token
from .asking.scopes import limits
from .person import last, page, person_at, sent_form, sign_in
from .rendering import render_page, scope_descriptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response as BaseResponse

    from ..authorization_server import AuthorizationServer
    from ..stores.registered_client import Client
    from .person import Person

FORM = "applications"  # the page's form token is bound to this name


@dataclass(frozen=True, slots=True)
class Held:
    """What a user allowed one client. Times are seconds since 1970."""

    client: Client
    scopes: tuple[str, ...]
    since: int
    last_used_at: int | None
    is_bound: bool  # a copy of the access is of no use to others
    details: tuple[Mapping[str, Any], ...] = ()


@page
def approvals(server: AuthorizationServer) -> Response | BaseResponse:
    """Show every client to which the signed-in user has allowed something."""
    person = person_at(server)
    return sign_in(server, url_for("oauth.applications")) if person is None else _list(server, person)


@page
def withdraw_approval(server: AuthorizationServer, client_id: str | None = None) -> Response | BaseResponse:
    """End every token of a client for this user at once, and forget the consent: the client must ask again."""
    person = person_at(server)
    if person is None:
        return sign_in(server, url_for("oauth.applications"))
    form = sent_form(server)
    if not is_form_token(last(form, "form_token"), person.subject, FORM):
        return _list(server, person, problem="stale")
    client = server.clients.load(last(form, "client_id") if client_id is None else client_id)
    if client is not None:
        _withdraw(server, client, person.subject)
    return redirect(url_for("oauth.applications"), 303)


def granted_by(server: AuthorizationServer, subject: str) -> list[Held]:
    """What a user has allowed, by client: from remembered consents and from live approvals."""
    consents = {row.client: row for row in server.consents.of_subject(subject)}
    live = {row.client: row for row in server.approvals.of_subject(subject)}
    found = []
    for key in sorted(consents.keys() | live.keys()):
        client = server.clients.load_by_key(key)
        if client is None:
            continue
        consent, approval = consents.get(key), live.get(key)
        scopes = set(consent.scope.split()) if consent is not None else set()
        if approval is not None:
            scopes |= server.approvals.scopes_of_subject(subject, client)
        since = min(time for time in (consent and consent.granted_at, approval and approval.since) if time)
        last_used_at = approval and approval.last_used_at
        details = () if approval is None else _details(server, subject, client)
        is_bound = _is_bound(server, client, subject)
        found.append(Held(client, tuple(sorted(scopes)), since, last_used_at, is_bound, details))
    return found


def _is_bound(server: AuthorizationServer, client: Client, subject: str) -> bool:
    if not (server.settings.dpop or server.settings.mtls):
        return False
    return always_bound(client, server.settings) or server.approvals.are_bound(subject, client)


def _details(server: AuthorizationServer, subject: str, client: Client) -> tuple[Mapping[str, Any], ...]:
    """What a user's live approvals give a client beyond scopes (RFC 9396)."""
    if server.details is None:
        return ()
    kept = server.approvals.claims_of_subject(subject, client)
    return server.details.still_allowed((each for claims in kept for each in details_of(claims)), client)


def _list(server: AuthorizationServer, person: Person, problem: str | None = None) -> Response:
    more: dict[str, Any] = {}
    if server.details is not None:
        from .details import words_for

        more = words_for(server.settings)
    return render_page(
        "applications.html",
        200 if problem is None else 400,
        user=person.user,
        granted=granted_by(server, person.subject),
        **more,
        descriptions=scope_descriptions(server.settings),
        limits_of=partial(limits, server.settings),
        form_token=new_form_token(person.subject, FORM),
        problem=problem,
    )


def _withdraw(server: AuthorizationServer, client: Client, subject: str) -> None:
    forgotten = server.consents.forget(subject, client)  # first: whatever a receiver of the signal does, it is gone
    count = server.revoking.matching(client=client, subject=subject, by="the user", actor=None)
    if forgotten or count:
        authorization_denied.send(server.app, client_id=client.client_id, subject=subject, reason="withdrawn")
