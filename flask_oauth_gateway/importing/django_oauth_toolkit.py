"""Reads django-oauth-toolkit's applications: `manage.py dumpdata oauth2_provider.application`, or a model that replaces it.

Django hashes the secrets, except where `hash_client_secret` is off. PBKDF2 (Django's default), argon2 and bcrypt can be
checked here too; secrets with another hash can't be imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import shown
from . import Entry, Outcome, Unreadable
from .rows import further_members, known_secret, objects, parse_json, read_each, text

if TYPE_CHECKING:
    from pathlib import Path

    from ..clients.secrets import KnownSecret
    from ..config import Settings

GRANTS = {
    "authorization-code": ["authorization_code", "refresh_token"],
    "implicit": ["implicit"],
    "password": ["password", "refresh_token"],
    "client-credentials": ["client_credentials"],
    "openid-hybrid": ["authorization_code", "refresh_token"],
    "urn:ietf:params:oauth:grant-type:device_code": ["device_code", "refresh_token"],
    "device-code": ["device_code", "refresh_token"],
}


def read(file: Path, settings: Settings) -> list[Entry | Outcome]:
    """The entries of a dump: one for each row with a `client_id` and an `authorization_grant_type`."""

    def entry(number: int, row: Mapping[str, Any]) -> Iterator[Entry]:
        fields = row.get("fields")
        if not isinstance(fields, Mapping):
            raise Unreadable("it has no 'fields': this is not what dumpdata writes.")
        if "client_id" in fields and "authorization_grant_type" in fields:
            yield _entry(f"{row.get('model', 'application')} {row.get('pk', number)}", fields, settings)

    return list(read_each(objects(parse_json(file)), "entry", entry))


def _entry(where: str, fields: Mapping[str, Any], settings: Settings) -> Entry:
    kind = text(fields, "authorization_grant_type")
    if kind not in GRANTS:
        raise Unreadable(f"there is no grant like {shown(kind)} here.")
    public = fields.get("client_type") == "public"
    notes = ["it is hybrid there: here it takes part in the code flow"] if kind == "openid-hybrid" else []
    secrets: tuple[KnownSecret, ...] = ()
    if not public:
        secrets, problem = known_secret(fields.get("client_secret"))
        notes += problem
    after = str(fields.get("post_logout_redirect_uris") or "").split()
    openid, outside = further_members({"post_logout_redirect_uris": after}, settings)
    owner = fields.get("user")
    return Entry(
        where=where,
        client_id=text(fields, "client_id"),
        metadata={
            "client_name": fields.get("name") or "",
            "redirect_uris": str(fields.get("redirect_uris") or "").split(),
            "grant_types": GRANTS[kind],
            "token_endpoint_auth_method": "none" if public else None,
            "scope": settings.app_scopes,  # there, every application may ask for every scope
            "skip_consent": bool(fields.get("skip_authorization")),
            **openid,
        },
        secrets=secrets,
        owner=None if owner is None else "/".join(map(str, owner)) if isinstance(owner, list) else str(owner),
        notes=[*notes, *outside],
        says_scopes=False,
    )
