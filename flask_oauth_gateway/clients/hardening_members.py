"""Readers of what pushed and signed requests, bound tokens and mutual TLS add to a client's registration."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..errors import shown
from .members import ClientMetadataError, read_boolean, read_list, read_text, read_texts
from .openid_members import read_signing_algorithm

if TYPE_CHECKING:
    from ..config import Settings


def read_request_uris(name: str, value: Any, settings: Settings) -> list[str]:
    """Check where a client's signed requests may stand (RFC 7591 section 2; OIDC Registration section 2)."""
    found = read_texts(name, value, settings)
    for each in read_list(name, found):
        if not each.startswith("https://") or len(each) > 512:  # RFC 9101 section 5.2
            raise ClientMetadataError(f"{name} has https URLs of at most 512 characters; {shown(each)} is not one.")
    return found


def read_detail_types(name: str, value: Any, settings: Settings) -> list[str]:
    """Check the types of authorization details that a client may ask for (RFC 9396 section 10)."""
    found = read_texts(name, value, settings)
    for each in found:
        if each not in settings.authorization_details:
            known = ", ".join(settings.authorization_details) or "none at all: set OAUTH_AUTHORIZATION_DETAILS"
            raise ClientMetadataError(
                f"{name} names {shown(each)}, which is not in OAUTH_AUTHORIZATION_DETAILS ({known})."
            )
    return found


HARDENING_MEMBERS: dict[str, Callable[[str, Any, Settings], Any]] = {
    "require_pushed_authorization_requests": read_boolean,
    "pushed_redirect_uris": read_boolean,
    "request_object_signing_alg": read_signing_algorithm,
    "require_signed_request_object": read_boolean,
    "request_uris": read_request_uris,
    "authorization_signed_response_alg": read_signing_algorithm,
    "authorization_details_types": read_detail_types,
    "dpop_bound_access_tokens": read_boolean,
    "tls_client_certificate_bound_access_tokens": read_boolean,
    "tls_client_auth_subject_dn": read_text,
    "tls_client_auth_san_dns": read_text,
    "tls_client_auth_san_uri": read_text,
    "tls_client_auth_san_ip": read_text,
    "tls_client_auth_san_email": read_text,
}

#: The setting without which a member says nothing.
NEEDED_SETTING = {
    "require_pushed_authorization_requests": "par",
    "pushed_redirect_uris": "par",
    "request_object_signing_alg": "jar",
    "require_signed_request_object": "jar",
    "request_uris": "request_uris",
    "authorization_signed_response_alg": "jarm",
    "authorization_details_types": "authorization_details",
    "dpop_bound_access_tokens": "dpop",
} | {name: "mtls" for name in HARDENING_MEMBERS if name.startswith("tls_client_")}


def is_off(name: str, settings: Settings) -> bool:
    """Whether a member says nothing to a server with these settings."""
    needed = NEEDED_SETTING.get(name)
    return needed is not None and not getattr(settings, needed)
