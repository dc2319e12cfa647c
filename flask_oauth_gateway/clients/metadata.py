"""Checks and converts a client's registration: RFC 7591's members (section 2) and our own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..config import ADMIN_SCOPE
from ..config.openid import response_types_of
from ..errors import shown
from ..stores.registered_client import REGISTERED
from .members import (
    ClientMetadataError,
    check_object,
    check_plan,
    read_auth_method,
    read_boolean,
    read_certificate,
    read_grant_types,
    read_jwks,
    read_jwks_uri,
    read_lifetime,
    read_redirect_uris,
    read_scope,
    read_text,
    read_texts,
    read_token_format,
    read_web_url,
    signs_with,
)
from .members.hardening import HARDENING_MEMBERS, check_hardening
from .members.openid import OPENID_MEMBERS, check_application_type, check_encryption
from .sectors import check_sector

if TYPE_CHECKING:
    from ..config import Settings

REDIRECTING_GRANTS = frozenset({"authorization_code", "implicit"})


def usual_grant_types(settings: Settings) -> list[str]:
    """What people mean by a client of whose grants they say nothing: it sends users here and stays signed in."""
    return [name for name in ("authorization_code", "refresh_token") if name in settings.grant_types]


def grants_that_are_off(grants: Iterable[str], settings: Settings) -> list[str]:
    """A note that names the grants, of those of a client, that nobody can use here; none where there is none."""
    off = [name for name in grants if name not in settings.grant_types]
    are = "is" if len(off) == 1 else "are"
    return [f"{' and '.join(off)} {are} not in OAUTH_GRANT_TYPES: off until added there."] if off else []


def check_metadata(metadata: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """A whole registration, checked and converted. Raises `ClientMetadataError`, which says what is wrong."""
    unknown = [name for name in metadata if name not in _CHECKS]
    if unknown:
        raise ClientMetadataError(f"{shown(unknown[0])} is not something that a client's registration says.")
    values = {name: _CHECKS[name](name, value, settings) for name, value in metadata.items() if value is not None}
    grants = values.get("grant_types", ())
    method = values.get("token_endpoint_auth_method", "client_secret_basic")
    if method == "none" and "client_credentials" in grants:
        raise ClientMetadataError("A public client (token_endpoint_auth_method 'none') can't use client_credentials.")
    if REDIRECTING_GRANTS.intersection(grants) and not values.get("redirect_uris"):
        raise ClientMetadataError(
            "A client that sends users here needs redirect_uris: one at least.", "invalid_redirect_uri"
        )
    check_application_type(values)
    for response_type in values.get("response_types", ()):
        lacking = [each for each in response_types_of(settings)[response_type] if each not in grants]
        if lacking:
            raise ClientMetadataError(f"The response type {response_type!r} needs the grant {lacking[0]}.")
    beyond = set(values.get("default_scope", "").split()) - set(values.get("scope", "").split())
    if beyond:
        raise ClientMetadataError(f"default_scope names {shown(min(beyond))}, which is not in scope.")
    if ADMIN_SCOPE in values.get("scope", "").split() and list(grants) != ["client_credentials"]:
        raise ClientMetadataError(
            f"A client for {ADMIN_SCOPE} has the one grant client_credentials: no user may be asked for it."
        )
    check_sector(values, settings)
    if values.get("jwks") and values.get("jwks_uri"):
        raise ClientMetadataError("A client has either jwks or jwks_uri, not both (RFC 7591 section 2).")
    check_encryption(values)
    check_hardening(values, method)
    if method == "private_key_jwt" and not any(values.get(name) for name in ("jwks", "jwks_uri", "certificate")):
        raise ClientMetadataError("A client registered for private_key_jwt needs a jwks, jwks_uri or certificate.")
    if method == "private_key_jwt" and values.get("jwks") and not signs_with(values["jwks"]):
        raise ClientMetadataError("A client registered for private_key_jwt signs: its jwks has no key for signatures.")
    if settings.in_profile.algorithms is not None:
        from .profile_rules import check_against_profile  # other apps never load it

        check_against_profile(values, settings, settings.in_profile.algorithms)
    return values


_CHECKS: dict[str, Callable[[str, Any, Settings], Any]] = {
    "client_name": read_text,
    "grant_types": read_grant_types,
    "redirect_uris": read_redirect_uris,
    "scope": read_scope,
    "default_scope": read_scope,
    "token_endpoint_auth_method": read_auth_method,
    "jwks": read_jwks,
    "jwks_uri": read_jwks_uri,
    "contacts": read_texts,
    "logo_uri": read_web_url,
    "client_uri": read_web_url,
    "policy_uri": read_web_url,
    "tos_uri": read_web_url,
    "software_id": read_text,
    "software_version": read_text,
    "skip_consent": read_boolean,
    "access_token_format": read_token_format,
    "access_token_lifetime": read_lifetime,
    "refresh_token_lifetime": read_lifetime,
    "certificate": read_certificate,
    "attributes": check_object,
    "resource_server": read_boolean,
    "plan": check_plan,
    **OPENID_MEMBERS,
    **HARDENING_MEMBERS,
}
if set(_CHECKS) != set(REGISTERED):
    raise RuntimeError("A member of a client's registration has no check.")
