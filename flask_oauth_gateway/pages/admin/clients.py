"""`/oauth/admin/clients`: lists clients, shows one with its secrets, and rotates, enables, disables and deletes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import BadRequest

from ...clients.members import ClientMetadataError
from ...clients.members.openid import OPENID_MEMBERS
from ...config.checks import MAX_LIFETIME
from ...features import SECRET_METHODS
from ...stores.registered_client import DEFAULTS, ORIGINS
from ..ready_settings import settings_for
from ..rendering import plain
from ..translations import translate
from . import PAGE, Visit, go, not_there, page, stale_text
from .hardening_fields import stored_in

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.wrappers import Response as BaseResponse

    from ...stores.registered_client import Client

DAY, HOUR = 86400, 3600
OVERLAPS = (0, HOUR, DAY, 7 * DAY, 30 * DAY)


@page
def clients(visit: Visit) -> Response:
    """Show the list, page by page, or a search in it."""
    text, owner, origin = visit.asked("q"), visit.asked("owner"), visit.asked("origin")
    try:
        found = visit.server.client_registry.find(
            text, owner=owner, origin=origin, after=visit.asked("after"), limit=PAGE
        )
    except ValueError as error:
        raise BadRequest(str(error)) from error
    return visit.render(
        "clients.html",
        "clients",
        found=found,
        text=text,
        owner=owner,
        origin=origin,
        origins=ORIGINS,
        after=visit.asked("after"),
        select_all=visit.asked("select") == "all",
    )


@page
def client(visit: Visit) -> Response:
    """Show one client: its registration, its secrets, and the buttons to change it."""
    return show(visit, existing(visit))


def show(visit: Visit, found: Client, problem: str | None = None) -> Response:
    return visit.render(
        "client.html",
        "clients",
        200 if problem is None else 400,
        client=found,
        problem=problem,
        further=further_members(found),
        hardening={name: shown_in(value) for name, value in stored_in(found).items()},
        counts=visit.server.tokens.live_counts(found.key),
        has_secrets=found.token_endpoint_auth_method in SECRET_METHODS,
        overlaps=OVERLAPS,
        now=time.time(),
    )


def shown_in(value: Any) -> list[str]:
    """The texts in which a member's value is shown."""
    return (
        [translate("yes")]
        if value is True
        else [plain(each) for each in ([value] if isinstance(value, str) else value)]
    )


def further_members(client: Client) -> dict[str, Any]:
    """What a client is registered with of the members that have no field of their own."""
    return {name: value for name in OPENID_MEMBERS if (value := getattr(client, name)) != DEFAULTS[name]}


@page
def client_secret(visit: Visit) -> Response | BaseResponse:
    """Give a client another secret. Only the answer to this form shows it."""
    found = existing(visit)
    seen = visit.sent("version")  # a template of the app's own may lack it
    # Whoever loads the answer again would end the secret that it showed.
    if visit.is_stale or (seen and seen != str(found.version)):
        return show(visit, found, stale_text())
    try:
        overlap, days = number(visit, "overlap"), number(visit, "expires_days")
        made = visit.server.client_registry.rotate_secret(
            found.client_id,
            overlap or 0,
            expires_in=None if days is None else days * DAY,
            version=found.version if seen else None,
        )
    except ClientMetadataError as error:
        return show(visit, found, str(error))
    return visit.render("secret.html", "clients", is_new=False, **settings_for(visit.server, made))


@page
def client_switch(visit: Visit) -> Response | BaseResponse:
    """Enable or disable a client."""
    found = existing(visit)
    if visit.is_stale:
        return show(visit, found, stale_text())
    try:
        visit.server.client_registry.update(found.client_id, enabled=visit.sent("enabled") == "yes")
    except ClientMetadataError as error:
        return show(visit, found, str(error))
    return go("admin_client", client_id=found.client_id, done="changed")


@page
def client_mark(visit: Visit) -> Response | BaseResponse:
    """Give a client the mark that users see, or take it away; not where it was changed since this page was shown."""
    found = existing(visit)
    if visit.is_stale or not visit.sent("version").isdecimal():
        return show(visit, found, stale_text())
    try:
        visit.server.client_registry.update(
            found.client_id, version=int(visit.sent("version")[:18]), verified=visit.sent("verified") == "yes"
        )
    except ClientMetadataError as error:
        return show(visit, existing(visit), str(error))
    return go("admin_client", client_id=found.client_id, done="changed")


@page
def client_delete(visit: Visit) -> Response | BaseResponse:
    """Show what deleting a client would end, and delete it."""
    found = existing(visit)
    problem = None
    if visit.form is not None:
        if not visit.is_stale:
            visit.server.client_registry.delete(found.client_id)
            return go("admin_clients", done="deleted")
        problem = stale_text()
    counts = visit.server.tokens.live_counts(found.key)
    status = 200 if problem is None else 400
    return visit.render("client_delete.html", "clients", status, client=found, counts=counts, problem=problem)


def existing(visit: Visit) -> Client:
    """The client that the URL names. Raises `NotFound`."""
    found = visit.server.client_registry.get(visit.asked("client_id") or "")
    return not_there() if found is None else found


def number(visit: Visit, name: str) -> Any:
    """The whole number in a field of the form; `None` where it is empty. Raises `ClientMetadataError`."""
    text = visit.sent(name)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) > MAX_LIFETIME:
        raise ClientMetadataError(f"{name} is {text[:20]!r}, which is not a whole number.")
    return int(text)
