"""Reads Auth0's applications, as its Management API lists them (`GET /api/v2/clients`), with their client grants.

The secrets are in the list where the token that asked has `read:client_keys`. An API decides about scopes there: a client
that acts for itself has those of its client grants, and for a user an application may ask for every scope.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..clients.secrets import KnownSecret
from . import Entry, Outcome
from .rows import (
    further_members,
    known_grants,
    known_scopes,
    left_behind,
    listed,
    objects,
    parse_json,
    read_each,
    text,
    whole_number,
)  # fmt: skip

if TYPE_CHECKING:
    from pathlib import Path

    from ..config import Settings

PUBLIC_TYPES = frozenset({"native", "spa"})
TYPES = PUBLIC_TYPES | {"regular_web", "non_interactive", "resource_server"}
#: Auth0's own grants, each with what it is here.
GRANTS = {"http://auth0.com/oauth/grant-type/password-realm": "password"}
AUTH0_S_OWN = "http://auth0.com/oauth/"
BEYOND = ("allowed_origins", "web_origins", "addons", "organization_usage")


def read(file: Path, settings: Settings) -> list[Entry | Outcome]:
    """The entries of a list: one for each application."""
    found = parse_json(file)
    grants = listed(found, "client_grants") if isinstance(found, Mapping) else None

    def client(number: int, row: Mapping[str, Any]) -> Iterator[Entry | Outcome]:
        client_id = text(row, "client_id")
        where = f"application {client_id}"
        if row.get("global") is True:
            yield Outcome(client_id, where, "skipped", ["it is Auth0's own, for all applications"])
        elif (row.get("app_type") or "regular_web") not in TYPES:
            yield Outcome(client_id, where, "skipped", ["it is an integration of Auth0's, and no client"])
        else:
            yield _entry(client_id, where, row, grants or [], settings)

    return list(read_each(objects(found, "clients"), "application", client))


def _entry(client_id: str, where: str, row: Mapping[str, Any], client_grants: list[Any], settings: Settings) -> Entry:
    method = _method(row)
    secret = row.get("client_secret")
    grants, notes = _grants(row)
    scopes = _own_scopes(client_id, client_grants)
    if "client_credentials" in grants and scopes is None:
        if len(grants) > 1:
            grants.remove("client_credentials")
            notes.append("without client_credentials: no client_grants in the file are its own")
        else:
            notes.append("no client_grants in the file say its scopes: --scope does")
    if scopes is None:
        scopes = [] if grants == ["client_credentials"] else settings.app_scopes
    scopes, without = known_scopes(scopes, settings)
    if secret is None and method is None:
        notes.append("its secret is not in the file, which takes read:client_keys: give it one with rotate-secret")
    further, outside = further_members(_openid(row) | _protection(row, method), settings)
    refresh = row.get("refresh_token")
    refresh = refresh if isinstance(refresh, Mapping) and refresh.get("expiration_type") == "expiring" else {}
    return Entry(
        where=where,
        client_id=client_id,
        metadata={
            "client_name": row.get("name") or "",
            "redirect_uris": listed(row, "callbacks"),
            "grant_types": grants,
            "token_endpoint_auth_method": method,
            "scope": scopes,
            "skip_consent": row.get("is_first_party") is True,
            "logo_uri": row.get("logo_uri") or None,
            "refresh_token_lifetime": whole_number(refresh, "token_lifetime") or None,
            "resource_server": row.get("app_type") == "resource_server",
            "attributes": row.get("client_metadata") or None,
            **further,
        },
        secrets=(KnownSecret(plain=secret),) if secret and method is None else (),
        notes=[*notes, *without, *outside, *left_behind(row, *BEYOND)],
        says_scopes=False,
    )


def _openid(row: Mapping[str, Any]) -> dict[str, Any]:
    """How users sign in and out. A client is told of a sign-out at one address."""
    told = row.get("oidc_logout")
    told = listed(told, "backchannel_logout_urls") if isinstance(told, Mapping) else []
    return {
        "post_logout_redirect_uris": listed(row, "allowed_logout_urls"),
        "initiate_login_uri": row.get("initiate_login_uri"),
        "backchannel_logout_uri": told[0] if told else None,
    }


def _protection(row: Mapping[str, Any], method: str | None) -> dict[str, Any]:
    """How its requests and tokens are protected. The keys of signed requests are not in the list."""
    signed = row.get("signed_request_object")
    by_certificate = method in ("tls_client_auth", "self_signed_tls_client_auth")
    bound = "tls_client_certificate_bound_access_tokens" if by_certificate else "dpop_bound_access_tokens"
    return {
        "require_pushed_authorization_requests": row.get("require_pushed_authorization_requests") is True,
        "require_signed_request_object": isinstance(signed, Mapping) and signed.get("required") is True,
        bound: row.get("require_proof_of_possession") is True,
    }


def _method(row: Mapping[str, Any]) -> str | None:
    """How an application authenticates: publicly, or by `None`, with its secret; otherwise with the first that is named."""
    others = row.get("client_authentication_methods")
    if isinstance(others, Mapping) and others:
        return str(next(iter(others)))
    given = row.get("token_endpoint_auth_method")
    return "none" if given == "none" or (given is None and row.get("app_type") in PUBLIC_TYPES) else None


def _grants(row: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """The grant types, and notes about Auth0's own: those of its second factors belong to the password grant."""
    given = [GRANTS.get(str(name), str(name)) for name in listed(row, "grant_types")]
    own = [name.rpartition("/")[2] for name in given if name.startswith(AUTH0_S_OWN)]
    kept, notes = known_grants(dict.fromkeys(name for name in given if not name.startswith(AUTH0_S_OWN)))
    if own:
        notes.append(f"without Auth0's own grants: {', '.join(own)}"[:200])
    return kept, notes


def _own_scopes(client_id: str, client_grants: list[Any]) -> list[str] | None:
    """The scopes that a client may have for itself; `None` where it has no client grant."""
    mine = [each for each in client_grants if isinstance(each, Mapping) and each.get("client_id") == client_id]
    mine = [each for each in mine if each.get("subject_type", "client") == "client"]
    return [str(scope) for each in mine for scope in listed(each, "scope")] if mine else None
