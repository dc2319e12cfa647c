"""`/oauth/developer/apps/new`, `…/app/edit`: an app as a form, and what is wrong with a redirect URI while it is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...clients.developers.apps import OutOfDate
from ...clients.developers.rules import (
    LINKS,
    check_wildcard,
    fields_for,
    is_settled,
    kind_of,
    may_have_secrets,
    scopes_for,
)
from ...clients.kinds import KINDS, kinds_of, registration_of
from ...clients.members import ClientMetadataError, check_redirect_uri
from ...errors import InvalidRequestError
from ...web.answers import error_response, json_response
from ..admin.labels import with_labels
from ..ready_settings import settings_for
from ..rendering import scope_descriptions
from ..translations import translate
from . import Visit, go, page, stale_text

if TYPE_CHECKING:
    from flask import Response

    from ...stores.registered_client import Client
    from . import Answer

TEXTS = ("client_name", *LINKS, "jwks_uri", "secret_days", "version")
LISTS = ("redirect_uris", "post_logout_redirect_uris", "contacts", "scope")
DAY, MAX_DAYS = 86400, 3650
MAX_CHECKED = 20


@page
def new(visit: Visit) -> Answer:
    """Ask what kind of app it is; then for the rest. Only the answer to the form shows the secret."""
    kinds = kinds_of(visit.server.settings)
    kind = visit.sent("kind") or visit.asked("kind")
    if kind not in kinds:
        return visit.render("kinds.html", kinds=kinds)
    if visit.form is None:
        return _form(visit, kind, None, _usual(visit, kind))
    try:
        if visit.is_stale:
            raise ClientMetadataError(stale_text())
        days = days_in(visit)
        visit.apps.check(kind, _written(visit, kind))  # first, so that a mistake costs nothing of the limit
        spend(visit)
        if not visit.is_sent_first():
            raise ClientMetadataError(translate("This form was sent before. Each one makes one app."))
        made = visit.apps.register(
            visit.subject, kind, _written(visit, kind), expires_in=None if days is None else days * DAY
        )
    except ClientMetadataError as error:
        return _form(visit, kind, None, _as_sent(visit), str(error))
    return visit.render("secret.html", is_new=True, **settings_for(visit.server, made))


@page
def edit(visit: Visit) -> Answer:
    """Change what an owner may change."""
    found = visit.existing()
    kind = kind_of(found)
    if visit.form is None:
        return _form(visit, kind, found, _as_stored(found))
    try:
        if visit.is_stale:
            raise ClientMetadataError(stale_text())
        visit.apps.update(visit.subject, found.client_id, _written(visit, kind), version=version_in(visit))
    except OutOfDate:
        return _form(visit, kind, found, _as_sent(visit), stale_text())
    except ClientMetadataError as error:
        return _form(visit, kind, found, _as_sent(visit), str(error))
    return go("app", client_id=found.client_id, done="changed")


@page
def check(visit: Visit) -> Response:
    """Say in JSON what is wrong with each of the redirect URIs that a user types, in the sentences of the server's own check."""
    if visit.is_stale:
        return error_response(InvalidRequestError("The form was not shown to this user, or is too old."))
    schemes = visit.server.settings.redirect_schemes
    uris = [each for each in visit.sent("redirect_uris").split() if len(each) <= 2048][:MAX_CHECKED]
    return json_response(200, {"problems": [why for each in uris if (why := _problem(each, schemes))]})


def spend(visit: Visit) -> None:
    """Count a registration. Raises `TooManyRequests`."""
    limiter = visit.server.rate_limiter
    limiter.spend("register", f"user:{visit.subject}")


def _problem(uri: str, schemes: Any) -> str | None:
    try:
        check_wildcard(uri)
        check_redirect_uri(uri, schemes)
    except ClientMetadataError as error:
        return str(error)
    return None


def _form(
    visit: Visit, kind: str, client: Client | None, values: dict[str, Any], problem: str | None = None
) -> Response:
    settings = visit.server.settings
    return visit.render(
        "form.html",
        client=client,
        kind_name=kind,
        kind=KINDS.get(kind),
        hint=" ".join(translate(each) for each in (kind in KINDS and KINDS[kind].hint, "One a line.") if each),
        fields=fields_for(kind, settings),
        values=values,
        problem=None if problem is None else with_labels(problem),
        scopes=scopes_for(settings, client),
        descriptions=scope_descriptions(settings),
        has_secret=may_have_secrets(kind, settings),
        settled=client is not None and is_settled(client, settings),
        waits=client is None and settings.developer_approval,
        asks_here=True,
    )


def _written(visit: Visit, kind: str) -> dict[str, Any]:
    """What the form says of the app, by RFC 7591's names. A field that a template of the app's own lacks says nothing."""
    form = visit.form or {}
    fields = fields_for(kind, visit.server.settings)
    found: dict[str, Any] = {}
    for name in fields:
        if name in LISTS and (name in form or name == "scope"):
            found[name] = " ".join(form.get(name, ())).split()
        elif name in form and name != "jwks":
            found[name] = visit.sent(name) or None
    return found


def _as_sent(visit: Visit) -> dict[str, Any]:
    form = visit.form or {}
    found: dict[str, Any] = {name: visit.sent(name) for name in TEXTS}
    return found | {name: " ".join(form.get(name, ())).split() for name in LISTS}


def _as_stored(client: Client) -> dict[str, Any]:
    names = ("client_name", *LINKS, "jwks_uri", *LISTS)
    found: dict[str, Any] = {name: getattr(client, name) or "" for name in names}
    return {**found, "scope": client.scope.split(), "version": str(client.version)}


def _usual(visit: Visit, kind: str) -> dict[str, Any]:
    """What the form of a new app shows: OpenID Connect's usual scopes ticked, for who signs users in."""
    allowed = scopes_for(visit.server.settings)
    proposed = registration_of(kind, visit.server.settings).get("scope", "").split()
    nothing = {**dict.fromkeys(TEXTS, ""), **{name: [] for name in LISTS}}
    return {**nothing, "scope": [name for name in proposed if name in allowed]}


def version_in(visit: Visit) -> int:
    """The version that the app had when the form was shown; one that no app has where the form says none."""
    seen = visit.sent("version")
    return int(seen) if seen.isdecimal() and len(seen) < 18 else -1


def days_in(visit: Visit) -> int | None:
    text = visit.sent("secret_days")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= MAX_DAYS):
        raise ClientMetadataError(f"secret_days is a number of days, 1 to {MAX_DAYS}.")
    return int(text)
