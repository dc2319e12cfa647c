"""`GET, POST /oauth/admin/client/edit`: a whole registration as a form, which `client_new.py` shows for a new one too."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ...clients.members import ClientMetadataError
from ...clients.members.hardening import HARDENING_MEMBERS
from ...clients.members.openid import OPENID_MEMBERS
from ...clients.metadata import usual_grant_types
from ...errors import holds_private_key, shown
from ...features import OLD_GRANTS
from ...stores.registered_client import REGISTERED
from ..ready_settings import settings_for
from . import Visit, go, page, sent_before_text, stale_text
from .clients import DAY, existing, further_members, number
from .hardening_fields import fields_for, sent_by, stored_in, without_field

if TYPE_CHECKING:
    from flask import Response
    from werkzeug.wrappers import Response as BaseResponse

    from ...stores.registered_client import Client

TEXTS = (
    "client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri", "jwks_uri", "certificate",
    "token_endpoint_auth_method", "access_token_format", "plan",
)  # fmt: skip
SOFTWARE = ("software_id", "software_version")
LISTS = ("redirect_uris", "contacts", "scope", "default_scope", "grant_types")
NUMBERS = ("access_token_lifetime", "refresh_token_lifetime")
OBJECTS = ("jwks", "attributes")
FURTHER = "further"  # one field for the members that have none of their own
SWITCHES = ("skip_consent", "resource_server")


def blank_form(visit: Visit) -> Response:
    """The form for a new client, everything by hand."""
    grants = usual_grant_types(visit.server.settings)
    return _form(visit, None, _as_sent(visit) | {"grant_types": grants, "application": visit.asked("application")})


def new_by_hand(visit: Visit) -> Response:
    """Register a client by this form. Only the answer shows its secret."""
    try:
        if visit.is_stale:
            raise ClientMetadataError(stale_text())
        days = number(visit, "secret_days")
        if not visit.is_sent_first():
            raise ClientMetadataError(sent_before_text())
        made = visit.server.client_registry.create(
            client_id=visit.sent("client_id") or None,
            owner=visit.sent("owner") or None,
            application=visit.sent("application") or None,
            secret_expires_in=None if days is None else days * DAY,
            **_registration(visit),
        )
    except ClientMetadataError as error:
        return _form(visit, None, _as_sent(visit), str(error))
    return visit.render("secret.html", "clients", is_new=True, **settings_for(visit.server, made))


@page
def client_edit(visit: Visit) -> Response | BaseResponse:
    """Change a client's registration."""
    found = existing(visit)
    if visit.form is None:
        return _form(visit, found, _as_stored(visit, found))
    try:
        if visit.is_stale:
            raise ClientMetadataError(stale_text())
        if visit.sent("version") != str(found.version):
            raise ClientMetadataError(stale_text())
        # An app's own template may lack one of these fields: then its value stays as it is.
        own: dict[str, Any] = {
            name: visit.sent(name) or None for name in ("owner", "application") if name in visit.form
        }
        visit.server.client_registry.update(found.client_id, **own, **_registration(visit))
    except ClientMetadataError as error:
        return _form(visit, found, _as_sent(visit), str(error))
    return go("admin_client", client_id=found.client_id, done="changed")


def _form(visit: Visit, client: Client | None, values: dict[str, Any], problem: str | None = None) -> Response:
    settings = visit.server.settings
    method = values.get("token_endpoint_auth_method")
    methods = dict.fromkeys([*settings.client_auth_methods, *([method] if method else [])])
    return visit.render(
        "client_form.html",
        "clients",
        200 if problem is None else 400,
        client=client,
        values=values,
        problem=problem,
        grants=list(dict.fromkeys([*visit.server.grants, *values.get("grant_types", ())])),
        methods=list(methods),
        scopes=list(dict.fromkeys([*settings.scopes, *(values.get("scope") or ())])),
        plans=list(dict.fromkeys([*settings.plans, *([values["plan"]] if values.get("plan") else [])])),
        hardening=fields_for(settings),
        old=OLD_GRANTS,
    )


def _registration(visit: Visit) -> dict[str, Any]:
    """The registration in the form, by RFC 7591's names. Raises `ClientMetadataError`."""
    form = visit.form or {}
    found: dict[str, Any] = {name: visit.sent(name) or None for name in TEXTS}
    found |= {
        name: visit.sent(name) or None for name in SOFTWARE if name in form
    }  # a template of the app's own may lack it
    found |= {name: " ".join(form.get(name, ())).split() for name in LISTS}
    found |= {name: number(visit, name) for name in NUMBERS}
    found |= {name: visit.sent(name) == "yes" for name in SWITCHES}
    found |= {name: json_in(visit, name) for name in OBJECTS} | sent_by(visit)
    if FURTHER in form:  # as above
        further = json_in(visit, FURTHER) or {}
        known = (*OPENID_MEMBERS, *without_field(visit.server.settings))
        unknown = [name for name in further if name not in known]
        if unknown:
            raise ClientMetadataError(f"{FURTHER} names {shown(unknown[0])}; it may name {', '.join(known)}.")
        found |= dict.fromkeys(known) | further
    return found


def json_in(visit: Visit, name: str) -> Any:
    """The JSON in a field; `None` where it is empty. Raises `ClientMetadataError`."""
    try:
        found = json.loads(visit.sent(name)) if visit.sent(name) else None
    except (ValueError, RecursionError) as error:
        raise ClientMetadataError(f"{name} is a JSON object ({error}).") from error
    if name == FURTHER and not isinstance(found, dict | None):
        raise ClientMetadataError(f"{name} is a JSON object.")
    return found


def _as_sent(visit: Visit) -> dict[str, Any]:
    """The form's values as the user entered them, to show the form again; a private key is not shown."""
    form = visit.form or {}
    fields = (*TEXTS, *SOFTWARE, *NUMBERS, *OBJECTS, *HARDENING_MEMBERS, FURTHER)
    found: dict[str, Any] = {
        name: visit.sent(name) for name in (*fields, "owner", "application", "client_id", "secret_days")
    }
    found |= {name: " ".join(form.get(name, ())).split() for name in LISTS}
    found |= {name: value or "" for name, value in sent_by(visit).items()}
    return (
        with_secrets_left_out(found)
        | {name: visit.sent(name) == "yes" for name in SWITCHES}
        | {"version": visit.sent("version")}
    )


def with_secrets_left_out(values: dict[str, Any]) -> dict[str, Any]:
    """The fields' values, without those that hold a private key."""
    return {name: type(value)() if _is_secret(name, value) else value for name, value in values.items()}


def _is_secret(name: str, value: Any) -> bool:
    """Whether a field holds a private key; attributes may have members of any name."""
    text = " ".join(value) if isinstance(value, list) else str(value)
    return holds_private_key(text) if name == "jwks" else "PRIVATE KEY" in text


def _as_stored(visit: Visit, client: Client) -> dict[str, Any]:
    found: dict[str, Any] = {name: getattr(client, name) for name in REGISTERED}
    found |= {name: found[name].split() for name in ("scope", "default_scope")}
    idle, hardening = without_field(visit.server.settings), stored_in(client)
    found[FURTHER] = further_members(client) | {name: value for name, value in hardening.items() if name in idle}
    for name in (*OBJECTS, FURTHER):
        found[name] = json.dumps(found[name], indent=2, ensure_ascii=False) if found[name] else ""
    return found | {"owner": client.owner, "application": client.application, "version": str(client.version)}
