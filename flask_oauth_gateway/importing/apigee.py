"""Reads Apigee's developer apps, as its management API lists them (`…/apps?expand=true`), with or without the developers.

An app becomes an application. It may have several keys, each with its own secret, products, scopes and status: each key
becomes a client of the application.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..clients.secrets import KnownSecret
from ..crypto.hashing import sha256
from ..errors import shown
from ..stores.applications import REVOKED, STATUSES, is_application_id
from . import ApplicationEntry, Entry, Outcome
from .rows import listed, objects, parse_json, read_each, text, whole_number

if TYPE_CHECKING:
    from pathlib import Path

    from ..config import Settings

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def read(file: Path, settings: Settings) -> list[Entry | Outcome]:
    """The entries of an export: one for each key of each app."""
    found = parse_json(file)
    developers = listed(found, "developer") if isinstance(found, Mapping) else []
    people = {str(each.get("developerId")): each for each in developers if isinstance(each, Mapping)}

    def keys(number: int, app: Mapping[str, Any]) -> Iterator[Entry | Outcome]:
        return _keys(app, people.get(str(app.get("developerId")), {}))

    return list(read_each(objects(found, "app", "apps"), "app", keys))


def _keys(app: Mapping[str, Any], developer: Mapping[str, Any]) -> Iterator[Entry | Outcome]:
    name = text(app, "name")
    where = f"app {shown(name)}"
    attributes = _attributes(app)
    shown_name = attributes.pop("DisplayName", None) or name
    certificate = attributes.pop("public_key", None)
    email = app.get("developerEmail") or developer.get("email") or ""
    status = app.get("status", "approved")
    application = ApplicationEntry(
        application_id=_application_id(name, app),
        name=shown_name,
        status=status if status in STATUSES else REVOKED,
        owner=email or app.get("developerId"),
        attributes=attributes,
    )

    def key(number: int, credential: Mapping[str, Any]) -> Iterator[Entry]:
        client_id = text(credential, "consumerKey")
        products = [each for each in listed(credential, "apiProducts") if isinstance(each, Mapping)]
        approved = [each for each in products if each.get("status", "approved") == "approved"]
        status = credential.get("status", "approved")
        notes = [] if status == "approved" else [f"its status is {str(status)[:40]}"]
        if products and not approved:
            notes.append("none of its API products is approved")
        own_attributes = _attributes(credential)
        own_certificate = own_attributes.pop("public_key", None) or certificate
        redirect_uris = re.split(r"[\s,]+", str(app.get("callbackUrl") or "").strip())
        secret, expires_at = credential.get("consumerSecret"), _expires_at(credential)
        yield Entry(
            where=f"{where}, key {client_id}",
            client_id=client_id,
            metadata={
                "client_name": own_attributes.pop("DisplayName", None) or shown_name,
                "redirect_uris": [uri for uri in redirect_uris if uri],
                "grant_types": _grants(any(redirect_uris), own_certificate is not None),
                "scope": listed(credential, "scopes") or listed(app, "scopes"),
                "contacts": [email] if email else [],
                "certificate": own_certificate,
                "attributes": {
                    **own_attributes,
                    "application_name": app.get("appId") or name,
                    "api_product_list_json": [each.get("apiproduct") for each in approved],
                    **({"developer.email": email} if email else {}),
                },
            },
            secrets=(KnownSecret(plain=secret, expires_at=expires_at),) if secret else (),
            enabled=not notes,
            application=application,
            notes=[
                *notes,
                *(["its secret has expired"] if expires_at is not None and expires_at <= time.time() else []),
            ],
            says_grants=False,
        )

    yield from read_each(listed(app, "credentials"), f"{where}, credential", key)


def _application_id(name: str, app: Mapping[str, Any]) -> str:
    """The app's id in Apigee; where the export has none, a hash, which is always the same for the same app."""
    given = app.get("appId")
    if is_application_id(given):
        return str(given)
    return sha256(f"{app.get('developerId')}\0{name}").hex()[:32]


def _grants(redirects: bool, signs: bool) -> list[str]:
    """The likely grants: Apigee's apps don't name their grants, as the API decides about them there."""
    grants = ["authorization_code", "refresh_token"] if redirects else ["client_credentials"]
    return [*grants, JWT_BEARER] if signs else grants


def _attributes(holder: Mapping[str, Any]) -> dict[str, Any]:
    found = [each for each in listed(holder, "attributes") if isinstance(each, Mapping)]
    return {str(each["name"]): each.get("value") for each in found if "name" in each}


def _expires_at(credential: Mapping[str, Any]) -> int | None:
    """When a credential expires, in seconds since 1970; `None` for never, which Apigee writes as -1."""
    milliseconds = whole_number(credential, "expiresAt")
    return None if milliseconds is None or milliseconds < 0 else milliseconds // 1000
