"""The options for a client's pushed and signed requests, bound tokens and mutual TLS.

Each is named as its member; one that is repeated for a list has the singular.
"""

from __future__ import annotations

from typing import Any

import click

from ...clients.members import read_boolean
from ...clients.members.hardening import HARDENING_MEMBERS, REQUEST_ALGORITHMS
from ...config.keys import SIGNING_ALGORITHMS
from ...stores.registered_client import DEFAULTS
from ..hints import AppOption

HELP = {
    "require_pushed_authorization_requests": "It must push its authorization requests (RFC 9126).",
    "pushed_redirect_uris": "It may push a redirect URI that isn't registered (RFC 9126 section 2.4).",
    "request_object_signing_alg": f"How its requests are signed (RFC 9101): {', '.join(REQUEST_ALGORITHMS)}.",
    "require_signed_request_object": "It must sign its authorization requests (RFC 9101).",
    "request_uris": "A URL at which a signed request of its may stand; repeatable.",
    "authorization_signed_response_alg": f"How answers to it are signed (JARM): {', '.join(SIGNING_ALGORITHMS)}.",
    "authorization_details_types": "A type of authorization details that it may ask for (RFC 9396); repeatable.",
    "dpop_bound_access_tokens": "Its access tokens are always bound to a key (RFC 9449).",
    "tls_client_certificate_bound_access_tokens": "Its access tokens are always bound to its certificate (RFC 8705).",
    "tls_client_auth_subject_dn": "The subject of its certificate, by which it authenticates (RFC 8705).",
    "tls_client_auth_san_dns": "A DNS name in its certificate, in place of the subject.",
    "tls_client_auth_san_uri": "A URI in its certificate, in place of the subject.",
    "tls_client_auth_san_ip": "An IP address in its certificate, in place of the subject.",
    "tls_client_auth_san_email": "An email address in its certificate, in place of the subject.",
}


def _option(name: str) -> Any:
    flag, is_list = "--" + name.replace("_", "-"), DEFAULTS[name] == []
    flag = flag.removesuffix("s") if is_list else flag
    if HARDENING_MEMBERS[name] is read_boolean:
        return click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=HELP[name])
    if name == "authorization_details_types":
        return click.option(
            flag, name, multiple=True, cls=AppOption, values=lambda each: each.authorization_details, help=HELP[name]
        )
    return click.option(flag, name, multiple=is_list, help=HELP[name])


HARDENING_OPTIONS = tuple(map(_option, HARDENING_MEMBERS))


def without_empty(given: dict[str, Any]) -> dict[str, Any]:
    """The options' values; an empty text takes back what was registered: `--tls-client-auth-san-dns ''`."""
    empty = {name: DEFAULTS[name] for name in HARDENING_MEMBERS if given.get(name) in ("", ("",))}
    return {**given, **empty}
