"""`/oauth/admin/grants` and `/oauth/admin/tokens`: lists live approvals and tokens by client and user; revokes one or all."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from werkzeug.exceptions import BadRequest

from ...clients.registry import ClientNotFound
from ...descriptions.records import bindings_in
from ...tokens.sign_in import details_of
from . import PAGE, Visit, go, page, stale_text

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.wrappers import Response as BaseResponse


@page
def tokens(visit: Visit) -> Response | BaseResponse:
    """List live access tokens, and revoke one. JWTs are not stored: they end with their approval or their client."""
    problem = None
    if visit.form is not None:
        problem = stale_text() if visit.is_stale else None
        if problem is None:
            visit.server.token_registry.revoke(token_id=visit.sent("token_id"))
            return _back(visit, "admin_tokens")
    try:
        found = visit.server.token_registry.find(
            client_id=visit.asked("client_id"),
            subject=visit.asked("subject"),
            after=visit.asked("after"),
            limit=PAGE,
        )
    except ValueError as error:
        raise BadRequest(str(error)) from error
    return _render(visit, "tokens", problem, tokens=found.tokens, following=found.next)


@page
def grants(visit: Visit) -> Response | BaseResponse:
    """List live approvals, and revoke one with all its refresh and access tokens."""
    problem = None
    if visit.form is not None:
        problem = stale_text() if visit.is_stale else None
        if problem is None:
            _end_approval(visit)
            return _back(visit, "admin_grants")
    client_id, after = visit.asked("client_id"), visit.asked("after")
    client = None if client_id is None else visit.server.clients.load(client_id)
    rows = []
    if client_id is None or client is not None:
        rows = visit.server.approvals.page(
            client=None if client is None else client.key,
            subject=visit.asked("subject"),
            after=None if after is None else _position(after),
            limit=PAGE + 1,
        )
    following = f"{rows[PAGE - 1].expires_at}.{bytes(rows[PAGE - 1].id).hex()}" if len(rows) > PAGE else None
    return _render(visit, "grants", problem, approvals=rows[:PAGE], following=following)


@page
def revoke_all(visit: Visit) -> Response | BaseResponse:
    """Revoke every token and approval of a client, of a user, or of both together."""
    client_id, subject = visit.asked("client_id"), visit.asked("subject")
    if visit.is_stale or (client_id is None and subject is None):
        raise BadRequest(stale_text())
    if client_id is not None and visit.server.clients.load(client_id) is None:
        raise ClientNotFound(client_id)  # a mistyped name must not look like a success
    visit.server.token_registry.revoke(client_id=client_id, subject=subject)
    return _back(visit, "admin_grants")


def _end_approval(visit: Visit) -> None:
    named = visit.sent("approval") or visit.sent("grant")  # "grant" on pages from before the word changed
    found = re.fullmatch("[0-9a-f]{32}", named)
    row = None if found is None else visit.server.approvals.find(bytes.fromhex(found[0]))
    if row is not None:
        visit.server.revoking.approval(
            bytes(row.id), row.client_id, row.subject, by="an administrator", actor=visit.subject
        )


def _render(visit: Visit, section: str, problem: str | None, **context: object) -> Response:
    status = 200 if problem is None else 400
    from ..details import words_for  # apps without these pages never load it

    words = words_for(visit.server.settings)
    shown = words["in_words"]
    del words["plain"]  # which every page here has
    words["in_words"] = lambda row: shown(details_of(row.claims if section == "grants" else row.details))
    asked = {name: value for name in ("client_id", "subject") if (value := visit.asked(name)) is not None}
    return visit.render(
        "tokens.html",
        section,
        status,
        problem=problem,
        asked=asked,
        after=visit.asked("after"),
        select_all=visit.asked("select") == "all",
        bindings_in=bindings_in,
        **words,
        **context,
    )


def _back(visit: Visit, endpoint: str) -> BaseResponse:
    return go(endpoint, client_id=visit.asked("client_id"), subject=visit.asked("subject"), done="revoked")


def _position(after: str) -> tuple[int, bytes]:
    if not re.fullmatch(r"[0-9]{1,18}\.[0-9a-f]{32}", after):
        raise BadRequest("after is what an earlier page gave.")
    expires_at, _, key = after.partition(".")
    return int(expires_at), bytes.fromhex(key)
