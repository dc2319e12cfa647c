"""Readers of what pushed and signed requests, bound tokens and mutual TLS add to a client's registration."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from ...config.checks import is_secure
from ...errors import shown
from ...features import METHODS
from . import (
    ClientMetadataError,
    read_boolean,
    read_list,
    read_text,
    read_texts,
    read_web_url,
    signs_with,
)
from .openid import read_signing_algorithm

if TYPE_CHECKING:
    from ...config import Settings
    from ...stores.registered_client import Client


SHARED_SECRET = "HS256"  # the algorithm of a request that is signed with the client's secret
REQUEST_ALGORITHMS = (*METHODS["private_key_jwt"].algorithms, SHARED_SECRET)
MAX_REQUEST_URI = 512  # characters (RFC 9101 section 5.2)


def read_request_algorithm(name: str, value: Any, settings: Settings) -> str:
    """Check with which algorithm a client signs its requests. `none` is no signature, and isn't among them."""
    if value not in REQUEST_ALGORITHMS:
        raise ClientMetadataError(f"{name} is {shown(value)}; it may be {', '.join(REQUEST_ALGORITHMS)}.")
    return str(value)


def read_request_uris(name: str, value: Any, settings: Settings) -> list[str]:
    """Check where a client's signed requests may stand: each is compared by the letter, save for its fragment."""
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


def read_distinguished_name(name: str, value: Any, settings: Settings) -> str:
    """Check the subject of a client's certificate, as RFC 4514 writes it (RFC 8705 section 2.1.2)."""
    from ...crypto.distinguished_names import parse

    text = read_text(name, value, settings)
    try:
        if text:
            parse(text)
            return text
        why = "it is empty"
    except ValueError as error:
        why = str(error)
    raise ClientMetadataError(
        f"{name} is a distinguished name such as 'CN=client,O=Example,C=DE' (RFC 4514); {shown(text)} is none: {why}."
    )


def read_alternative_name(name: str, value: Any, settings: Settings) -> str:
    """Check a subject alternative name of a client's certificate (RFC 8705 section 2.1.2)."""
    text = read_text(name, value, settings)
    kind = name.rpartition("_")[2]
    if not _ALTERNATIVE_NAMES[kind][0](text):
        raise ClientMetadataError(f"{name} is {_ALTERNATIVE_NAMES[kind][1]}; {shown(text)} is none.")
    return text


def check_certificate_method(values: Mapping[str, Any], method: str) -> None:
    """Check that it is clear which certificates a client may show (RFC 8705 section 2). Raises `ClientMetadataError`."""
    if method == "tls_client_auth":
        given = [name for name in SUBJECTS if values.get(name)]
        if len(given) != 1:
            raise ClientMetadataError(
                f"A client registered for tls_client_auth has exactly one of {', '.join(SUBJECTS)};"
                f" this one has {' and '.join(given) or 'none'}."
            )
    if method == "self_signed_tls_client_auth":
        if not any(values.get(name) for name in ("jwks", "jwks_uri", "certificate")):
            raise ClientMetadataError(
                "A client registered for self_signed_tls_client_auth needs a certificate, jwks or jwks_uri."
            )
        if values.get("jwks") and not signs_with(values["jwks"]):
            raise ClientMetadataError(
                "A client registered for self_signed_tls_client_auth signs: its jwks has no key for signatures."
            )


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


#: What the subject alternative names of a certificate may be, by their type: a check, and what it asks for.
_ALTERNATIVE_NAMES: dict[str, tuple[Callable[[str], object], str]] = {
    "dns": (re.compile(r"(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*").fullmatch, "a host's name"),
    "uri": (re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+").fullmatch, "a URI"),
    "ip": (_is_ip, "an IP address"),
    "email": (re.compile(r"[^\s@]+@[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*").fullmatch, "an email address"),
}

#: The members that say whose certificate `tls_client_auth` takes.
CERTIFICATE_MEMBERS: dict[str, Callable[[str, Any, Settings], Any]] = {
    "tls_client_auth_subject_dn": read_distinguished_name,
    "tls_client_auth_san_dns": read_alternative_name,
    "tls_client_auth_san_uri": read_alternative_name,
    "tls_client_auth_san_ip": read_alternative_name,
    "tls_client_auth_san_email": read_alternative_name,
}
SUBJECTS = tuple(CERTIFICATE_MEMBERS)

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
    **CERTIFICATE_MEMBERS,
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


#: A client of these gets no token that isn't bound: none at all, where nothing here could bind one.
ALWAYS_BOUND = frozenset({"dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens"})
#: A client of these may send its users in this way alone: in none, where this way is off.
ONLY_WAY = frozenset({"require_pushed_authorization_requests", "require_signed_request_object"})


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
    check_certificate_method(values, method)
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
