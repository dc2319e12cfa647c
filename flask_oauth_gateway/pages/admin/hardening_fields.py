"""The fields of a client's form for pushed and signed requests, bound tokens and mutual TLS: those whose feature is on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...clients.members.hardening import HARDENING_MEMBERS, REQUEST_ALGORITHMS, is_off
from ...config.keys import SIGNING_ALGORITHMS
from ...stores.registered_client import DEFAULTS
from ..translations import translate

if TYPE_CHECKING:
    from ...config import Settings
    from ...stores.registered_client import Client
    from . import Visit

MARK = "hardening"  # a form that has these fields carries it; a template of the app's own may lack them


def without_field(settings: Settings) -> list[str]:
    """The members that have no field, as they say nothing here."""
    return [name for name in HARDENING_MEMBERS if is_off(name, settings)]


def fields_for(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """The fields by their kind, each with its name and label; of a choice also what may be chosen, and what nothing means."""
    takes = settings.in_profile.takes
    every: dict[str, list[tuple[Any, ...]]] = {
        "switches": [
            ("require_pushed_authorization_requests", translate("It must push its authorization requests")),
            ("pushed_redirect_uris", translate("It may push redirect URIs that are not registered")),
            ("require_signed_request_object", translate("It must sign its authorization requests")),
            ("dpop_bound_access_tokens", translate("Its access tokens are always bound to a key (DPoP)")),
            (
                "tls_client_certificate_bound_access_tokens",
                translate("Its access tokens are always bound to its certificate (mutual TLS)"),
            ),
        ],
        "choices": [
            (
                "request_object_signing_alg",
                translate("Signatures of its requests"),
                [*filter(takes, REQUEST_ALGORITHMS)],
                translate("any"),
            ),
            (
                "authorization_signed_response_alg",
                translate("Signatures of the answers to it"),
                [*filter(takes, SIGNING_ALGORITHMS)],
                translate("as configured"),
            ),
        ],
        "lists": [("request_uris", translate("Addresses of its signed requests"))],
        "boxes": [
            (
                "authorization_details_types",
                translate("Types of authorization details"),
                list(settings.authorization_details),
            )
        ],
        "texts": [(name, name) for name in HARDENING_MEMBERS if name.startswith("tls_client_auth_")],
    }
    on = {kind: [each for each in fields if not is_off(each[0], settings)] for kind, fields in every.items()}
    return on if any(on.values()) else {}


def sent_by(visit: Visit) -> dict[str, Any]:
    """The fields' values; nothing where the form has none of them."""
    settings = visit.server.settings
    names = [name for name in HARDENING_MEMBERS if not is_off(name, settings)] if MARK in (visit.form or {}) else []
    return {name: _value(visit, name) for name in names}


def _value(visit: Visit, name: str) -> Any:
    if DEFAULTS[name] is False:
        return visit.sent(name) == "yes"
    if DEFAULTS[name] == []:
        return " ".join((visit.form or {}).get(name, ())).split()
    return visit.sent(name) or None


def stored_in(client: Client) -> dict[str, Any]:
    """What a client is registered with of all these members, with or without a field."""
    return {name: value for name in HARDENING_MEMBERS if (value := getattr(client, name)) != DEFAULTS[name]}
