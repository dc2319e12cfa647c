"""Reads Ory Hydra's OAuth 2.0 clients: the list of `hydra list clients --format json` or of the admin API, or its table.

Only the table `hydra_client` has the secrets, hashed by PBKDF2 (Hydra's default) or bcrypt: as JSON, or a SQLite file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from . import Entry, Outcome, Unreadable
from .rows import further_members, known_grants, known_scopes, known_secret, left_behind, read_each, table, text

if TYPE_CHECKING:
    from pathlib import Path

    from ..clients.secrets import KnownSecret
    from ..config import Settings

AS_THEY_ARE = (
    "client_name",
    "token_endpoint_auth_method",
    "logo_uri",
    "client_uri",
    "policy_uri",
    "tos_uri",
    "jwks_uri",
)
#: What says something that a registration here can't.
BEYOND = (
    "audience", "allowed_cors_origins", "frontchannel_logout_uri", "sector_identifier_uri",
    "authorization_code_grant_access_token_lifespan",
    "authorization_code_grant_refresh_token_lifespan", "client_credentials_grant_access_token_lifespan",
    "implicit_grant_access_token_lifespan", "jwt_bearer_grant_access_token_lifespan",
    "refresh_token_grant_access_token_lifespan", "refresh_token_grant_refresh_token_lifespan",
    "device_authorization_grant_access_token_lifespan", "device_authorization_grant_refresh_token_lifespan",
)  # fmt: skip
#: What OpenID Connect adds, and signed requests.
FURTHER = (
    "post_logout_redirect_uris", "backchannel_logout_uri", "backchannel_logout_session_required", "request_uris",
    "request_object_signing_alg",
)  # fmt: skip
LISTS = (
    "redirect_uris",
    "grant_types",
    "contacts",
    "audience",
    "allowed_cors_origins",
    "post_logout_redirect_uris",
    "request_uris",
    "rotated_secrets",
)
FORMATS = {"jwt": "jwt", "opaque": "opaque"}


def read(file: Path, settings: Settings) -> list[Entry | Outcome]:
    """The entries of a list or a table: one for each client."""

    def client(number: int, row: Mapping[str, Any]) -> Iterator[Entry]:
        yield _entry(_as_listed(row), settings)

    columns = (("id", "client_secret", "token_endpoint_auth_method", "grant_types"),)
    return list(read_each(table(file, "items", "hydra_client", columns=columns), "client", client))


def _as_listed(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the table as the list has it: there the client's id is `id`, and lists and objects are texts."""
    found = {**row, "client_id": row.get("client_id") or row.get("id")}
    for name in LISTS:
        value = row.get(name)
        if isinstance(value, str):  # before Hydra 2 texts with bars
            found[name] = json.loads(value) if value.startswith("[") else [each for each in value.split("|") if each]
        if not isinstance(found.get(name) or [], list):
            raise Unreadable(f"its {name!r} is not a list.")
    for name in ("jwks", "metadata"):
        if isinstance(row.get(name), str):
            found[name] = json.loads(row[name] or "null")
    return found


def _entry(row: Mapping[str, Any], settings: Settings) -> Entry:
    client_id = text(row, "client_id")
    public = row.get("token_endpoint_auth_method") == "none"
    signs = row.get("token_endpoint_auth_method") == "private_key_jwt"
    secrets, notes = ((), []) if public or signs else _secrets(row)
    grants, unknown = known_grants(row.get("grant_types") or ["authorization_code"])  # Hydra's default
    scopes, without = known_scopes(str(row.get("scope") or "").split(), settings)
    jwks = row["jwks"] if isinstance(row.get("jwks"), Mapping) and row["jwks"].get("keys") else None
    has_keys, method = bool(jwks or row.get("jwks_uri")), row.get("token_endpoint_auth_method")
    given = {name: row[name] for name in FURTHER if row.get(name) not in (None, "none")}
    if not has_keys:  # every client is said to sign by RS256 there
        given.pop("request_object_signing_alg", None)
    further, outside = further_members(given, settings, method=method, has_keys=has_keys)
    if row.get("subject_type") == "pairwise":
        notes.append("its users' subjects were pairwise there: they are others here")
    return Entry(
        where=f"client {client_id}",
        client_id=client_id,
        metadata={
            **{name: row[name] for name in AS_THEY_ARE if row.get(name)},
            **further,
            "redirect_uris": row.get("redirect_uris") or [],
            "grant_types": grants,
            "scope": scopes,
            "contacts": row.get("contacts") or [],
            "jwks": jwks,
            "skip_consent": bool(row.get("skip_consent")),
            "access_token_format": FORMATS.get(str(row.get("access_token_strategy"))),
            "attributes": row.get("metadata") or None,
        },
        secrets=secrets,
        owner=row.get("owner") or None,
        notes=[*notes, *unknown, *without, *outside, *left_behind(row, *BEYOND)],
    )


def _secrets(row: Mapping[str, Any]) -> tuple[tuple[KnownSecret, ...], list[str]]:
    """The client's secret, and those before it that are still good: only the table has them."""
    if not row.get("client_secret"):
        return (), ["its secret is only in Hydra's table: import that instead, or give it a new one with rotate-secret"]
    found, notes = known_secret(row["client_secret"])
    older = [known_secret(each)[0] for each in row.get("rotated_secrets") or []]
    return (*found, *(secret for each in older for secret in each)), notes
