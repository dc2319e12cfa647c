"""`GET, POST /oauth/admin/clients/new`: asks what a client is, and sets the rest; or everything by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...clients.kinds import KINDS, fields_of, has_secret, kinds_of, registration_of
from ...clients.members import ClientMetadataError
from ...config import ADMIN_SCOPE
from ..ready_settings import settings_for
from ..translations import translate
from . import Visit, page, sent_before_text, stale_text
from .client_form import blank_form, json_in, new_by_hand, with_secrets_left_out
from .clients import DAY, number

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.wrappers import Response as BaseResponse

BY_HAND = "other"
LISTS = ("redirect_uris", "post_logout_redirect_uris", "scope")
#: What the form has besides the fields of the kind.
BESIDE = ("owner", "application", "secret_days")


@page
def client_new(visit: Visit) -> Response | BaseResponse:
    """Ask for the kind, then for what a client of that kind needs. Only the answer to the second form shows its secret."""
    name = (visit.asked("kind") if visit.form is None else visit.sent("kind")) or ""
    if name in kinds_of(visit.server.settings):
        return _of_a_kind(visit, name)
    if visit.form is not None:
        return new_by_hand(visit)
    return blank_form(visit) if name == BY_HAND else _choose(visit)


def _choose(visit: Visit) -> Response:
    kinds = [
        (name, translate(kind.title), translate(kind.sentence))
        for name, kind in kinds_of(visit.server.settings).items()
    ]
    return visit.render(
        "client_kind.html", "clients", kinds=kinds, by_hand=BY_HAND, application=visit.asked("application")
    )


def _of_a_kind(visit: Visit, name: str) -> Response:
    if visit.form is None:
        proposed = registration_of(name, visit.server.settings).get("scope", "").split()
        return _form(
            visit, name, _as_sent(visit, name) | {"scope": proposed, "application": visit.asked("application")}
        )
    try:
        if visit.is_stale:
            raise ClientMetadataError(stale_text())
        days = number(visit, "secret_days")
        if not visit.is_sent_first():
            raise ClientMetadataError(sent_before_text())
        made = visit.server.client_registry.create(
            owner=visit.sent("owner") or None,
            application=visit.sent("application") or None,
            secret_expires_in=None if days is None else days * DAY,
            **registration_of(name, visit.server.settings) | _filled_in(visit, name),
        )
    except ClientMetadataError as error:
        return _form(visit, name, _as_sent(visit, name), str(error))
    return visit.render("secret.html", "clients", is_new=True, **settings_for(visit.server, made))


def _filled_in(visit: Visit, name: str) -> dict[str, Any]:
    """The fields of the kind, by RFC 7591's names. Raises `ClientMetadataError`."""
    form = visit.form or {}
    found: dict[str, Any] = {}
    for field in fields_of(name, visit.server.settings):
        if field in LISTS:
            found[field] = " ".join(form.get(field, ())).split()
        else:
            found[field] = (json_in(visit, field) if field == "jwks" else visit.sent(field)) or None
    if KINDS[name].redirects and visit.sent("skip_consent") == "yes":
        found["skip_consent"] = True
    return found


def _as_sent(visit: Visit, name: str) -> dict[str, Any]:
    form, fields = visit.form or {}, fields_of(name, visit.server.settings)
    found: dict[str, Any] = {field: visit.sent(field) for field in (*fields, *BESIDE)}
    found |= {field: " ".join(form.get(field, ())).split() for field in LISTS if field in fields}
    return with_secrets_left_out(found) | {"skip_consent": visit.sent("skip_consent") == "yes"}


def _form(visit: Visit, name: str, values: dict[str, Any], problem: str | None = None) -> Response:
    settings, kind = visit.server.settings, KINDS[name]
    offered = [each for each in settings.scopes if each != ADMIN_SCOPE or not kind.has_users]
    return visit.render(
        "client_new.html",
        "clients",
        200 if problem is None else 400,
        kind=name,
        title=translate(kind.title),
        sentence=translate(kind.sentence),
        hint=translate(kind.hint),
        example=kind.example,
        fields=fields_of(name, settings),
        has_secret=has_secret(name, settings),
        redirects=kind.redirects,
        sets=registration_of(name, settings),
        scopes=list(dict.fromkeys([*offered, *(values.get("scope") or ())])),
        values=values,
        problem=problem,
    )
