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
from ..stores.applications import REVOKED, STATUSES, is_application_id
from . import ApplicationEntry, Entry, Unreadable, listed, objects, parse_json, text

if TYPE_CHECKING:
    from ..config import Settings

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def read(raw: bytes, settings: Settings) -> list[Entry]:
    """The entries of an export: one for each key of each app."""
    found = parse_json(raw)
    developers = listed(found, "developer", "The file") if isinstance(found, Mapping) else []
    people = {str(each.get("developerId")): each for each in developers if isinstance(each, Mapping)}
    entries: list[Entry] = []
    for number, app in enumerate(objects(found, "app", "apps"), 1):
        name = text(app, "name", f"App {number}")
        developer = people.get(str(app.get("developerId")), {})
        entries += _keys(name, app, developer)
    return entries


def _keys(name: str, app: Mapping[str, Any], developer: Mapping[str, Any]) -> Iterator[Entry]:
    where = f"app {name!r}"
    attributes = _attributes(app, where)
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
    credentials = listed(app, "credentials", where)
    for number, credential in enumerate(credentials, 1):
        if not isinstance(credential, Mapping):
            raise Unreadable(f"{where}: credential {number} is not an object.")
        client_id = text(credential, "consumerKey", f"{where}, credential {number}")
        products = [each for each in listed(credential, "apiProducts", where) if isinstance(each, Mapping)]
        approved = [each for each in products if each.get("status", "approved") == "approved"]
        status = credential.get("status", "approved")
        notes = [] if status == "approved" else [f"its status is {status}"]
        if products and not approved:
            notes.append("none of its API products is approved")
        own_attributes = _attributes(credential, where)
        own_certificate = own_attributes.pop("public_key", None) or certificate
        redirect_uris = re.split(r"[\s,]+", str(app.get("callbackUrl") or "").strip())
        secret = credential.get("consumerSecret")
        yield Entry(
            where=f"{where}, key {client_id}",
            client_id=client_id,
            metadata={
                "client_name": own_attributes.pop("DisplayName", None) or shown_name,
                "redirect_uris": [uri for uri in redirect_uris if uri],
                "grant_types": _grants(any(redirect_uris), own_certificate is not None),
                "scope": listed(credential, "scopes", where) or listed(app, "scopes", where),
                "contacts": [email] if email else [],
                "certificate": own_certificate,
                "attributes": {
                    **own_attributes,
                    "application_name": app.get("appId") or name,
                    "api_product_list_json": [each.get("apiproduct") for each in approved],
                    **({"developer.email": email} if email else {}),
                },
            },
            secrets=(KnownSecret(plain=secret, expires_at=_expires_at(credential)),) if secret else (),
            enabled=not notes,
            application=application,
            notes=[*notes, *_expired(credential)],
            says_grants=False,
        )


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


def _attributes(holder: Mapping[str, Any], where: str) -> dict[str, Any]:
    found = [each for each in listed(holder, "attributes", where) if isinstance(each, Mapping)]
    return {str(each["name"]): each.get("value") for each in found if "name" in each}


def _expires_at(credential: Mapping[str, Any]) -> int | None:
    """When a credential expires, in seconds since 1970; `None` for never, which Apigee writes as -1."""
    try:
        milliseconds = int(credential.get("expiresAt", -1))
    except (TypeError, ValueError):
        return None
    return None if milliseconds < 0 else milliseconds // 1000


def _expired(credential: Mapping[str, Any]) -> list[str]:
    expires_at = _expires_at(credential)
    return ["its secret has expired"] if expires_at is not None and expires_at <= time.time() else []
