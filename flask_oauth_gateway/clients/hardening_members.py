"""Readers of what pushed and signed requests, bound tokens and mutual TLS add to a client's registration."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..config.checks import is_secure
from ..errors import shown
from ..features import METHODS
from .members import (
    ClientMetadataError,
    read_boolean,
    read_list,
    read_text,
    read_texts,
    read_web_url,
    signs_with,
)
from .openid_members import read_signing_algorithm

if TYPE_CHECKING:
    from ..config import Settings
    from ..stores.registered_client import Client


SHARED_SECRET = "HS256"  # the algorithm of a request that is signed with the client's secret
REQUEST_ALGORITHMS = (*METHODS["private_key_jwt"].algorithms, SHARED_SECRET)
MAX_REQUEST_URI = 512  # characters (RFC 9101 section 5.2)


def read_request_algorithm(name: str, value: Any, settings: Settings) -> str:
    """Check with which algorithm a client signs its requests. `none` is no signature, and isn't among them."""
    if value not in REQUEST_ALGORITHMS:
        raise ClientMetadataError(f"{name} is {shown(value)}; it may be {', '.join(REQUEST_ALGORITHMS)}.")
    return str(value)


def read_request_uris(name: str, value: Any, settings: Settings) -> list[str]:
    """Check where a client's signed requests may stand: each is compared by the letter, a fragment too (OIDC Registration 2)."""
    found = read_texts(name, value, settings)
    for each in read_list(name, found):
        fine = len(each) <= MAX_REQUEST_URI and re.fullmatch(r"[\x21-\x7e]+", each) and "*" not in each
        if not fine or not is_secure(read_web_url(name, each, settings)):
            raise ClientMetadataError(
                f"{name} has https URLs of at most {MAX_REQUEST_URI} characters, without *; {shown(each)} is not one."
            )
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
    "request_object_signing_alg": read_request_algorithm,
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


def check_hardening(values: Mapping[str, Any], method: str) -> None:
    """Check together what a registration says of requests, and of how the client proves who it is.

    Raises `ClientMetadataError`.
    """
    if values.get("pushed_redirect_uris") and not METHODS[method].proves:
        raise ClientMetadataError(
            "pushed_redirect_uris is for clients that prove who they are (RFC 9126 section 2.4): a public client"
            " registers each of its redirect URIs."
        )
    algorithm = values.get("request_object_signing_alg")
    with_its_secret = METHODS[method].secret == "sealed"
    if algorithm == SHARED_SECRET and not with_its_secret:
        raise ClientMetadataError(
            f"request_object_signing_alg {SHARED_SECRET} is for clients of client_secret_jwt: of other secrets only a hash"
            " is kept, which verifies no signature."
        )
    if algorithm is not None:
        by_key, why = algorithm != SHARED_SECRET, f"request_object_signing_alg {algorithm}"
    else:
        by_key = bool(values.get("require_signed_request_object")) and not with_its_secret
        why = "require_signed_request_object"
    if by_key and not any(values.get(name) for name in ("jwks", "jwks_uri", "certificate")):
        raise ClientMetadataError(f"{why} needs a jwks, jwks_uri or certificate: the key that verifies the requests.")
    if by_key and values.get("jwks") and not signs_with(values["jwks"]):
        raise ClientMetadataError(f"{why} needs a key for signatures; the client's jwks has none.")


def always_bound(client: Client, settings: Settings) -> bool:
    """Whether every access token of a client is bound to a key or a certificate, so that nobody else can use a copy."""
    if settings.dpop and (client.dpop_bound_access_tokens or settings.dpop == "required"):
        return True
    return settings.mtls and client.tls_client_certificate_bound_access_tokens
