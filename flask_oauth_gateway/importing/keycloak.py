"""Reads Keycloak's clients: a realm's export, several realms' in one file, or the list that its admin API gives.

`kc.sh export` writes the secrets; the admin console's partial export masks them. Keycloak's own clients (`account`,
`admin-cli` …) and those that speak SAML are left out.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from ..clients.secrets import KnownSecret
from ..errors import shown
from . import Entry, Outcome, Unreadable
from .rows import (
    PROTOCOL_SCOPES,
    SIGNED,
    further_members,
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

OWN_CLIENTS = frozenset(
    {"account", "account-console", "admin-cli", "broker", "realm-management", "security-admin-console"}
)
#: The client scopes that every realm has, and every client: they choose claims, and name nothing that a client may do.
OWN_SCOPES = PROTOCOL_SCOPES | {
    "acr", "basic", "microprofile-jwt", "organization", "role_list", "roles", "saml_organization", "service_account",
    "web-origins",
}  # fmt: skip
GRANTS = {
    "standardFlowEnabled": "authorization_code",
    "implicitFlowEnabled": "implicit",
    "directAccessGrantsEnabled": "password",
    "serviceAccountsEnabled": "client_credentials",
}
METHODS = {
    "client-secret": None,
    "client-jwt": "private_key_jwt",
    "client-secret-jwt": "client_secret_jwt",
    "client-x509": "tls_client_auth",
}
NOT_SIGNED = "not required"
MASK = "**********"


def read(file: Path, settings: Settings) -> list[Entry | Outcome]:
    """The entries of an export: one for each client of each realm."""
    rows = objects(parse_json(file))
    if any(isinstance(row, Mapping) and "clientId" in row for row in rows):
        return list(_of_realm({"clients": rows}, settings))

    def realm(number: int, row: Mapping[str, Any]) -> Iterator[Entry | Outcome]:
        return _of_realm(row, settings)

    return list(read_each(rows, "realm", realm))


def _of_realm(realm: Mapping[str, Any], settings: Settings) -> Iterator[Entry | Outcome]:
    if "clients" not in realm:
        raise Unreadable("it has no 'clients': export the realm with its clients.")
    scopes = [each for each in listed(realm, "clientScopes") if isinstance(each, Mapping)]
    silent = {str(each.get("name")) for each in scopes if _attributes(each).get("include.in.token.scope") == "false"}
    named = f"realm {shown(realm['realm'])}, " if realm.get("realm") else ""

    def client(number: int, row: Mapping[str, Any]) -> Iterator[Entry | Outcome]:
        client_id = text(row, "clientId")
        where = f"{named}client {client_id}"
        protocol = row.get("protocol") or "openid-connect"
        if client_id in OWN_CLIENTS or row.get("name") == f"{client_id.removesuffix('-realm')} Realm":
            yield Outcome(client_id, where, "skipped", ["it is Keycloak's own"])
        elif protocol != "openid-connect":
            yield Outcome(client_id, where, "skipped", [f"it speaks {str(protocol)[:40]}, not OAuth"])
        else:
            yield _entry(client_id, where, row, silent, settings)

    yield from read_each(listed(realm, "clients"), f"{named}client", client)


def _entry(client_id: str, where: str, row: Mapping[str, Any], silent: set[str], settings: Settings) -> Entry:
    attributes = _attributes(row)
    method = "none" if row.get("publicClient") is True else _method(row)
    secrets, notes = _secrets(row, attributes) if method in (None, "client_secret_jwt") else ((), [])
    defaults, optional = listed(row, "defaultClientScopes"), listed(row, "optionalClientScopes")
    named = [each for each in (*defaults, *optional) if each in settings.scopes or each not in OWN_SCOPES]
    scopes, without = known_scopes(named, settings, silent)
    keys = _keys(attributes)
    given = _openid(row, attributes, settings) | _protection(attributes, method)
    further, outside = further_members(given, settings, method=method, has_keys=bool(keys))
    needs_keys = method == "private_key_jwt" or any(name in further for name in SIGNED)
    return Entry(
        where=where,
        client_id=client_id,
        metadata={
            "client_name": row.get("name") or client_id,
            "redirect_uris": _redirect_uris(row),
            "grant_types": _grants(row, attributes),
            "token_endpoint_auth_method": method,
            "scope": scopes,
            "default_scope": [scope for scope in scopes if scope in defaults],
            "skip_consent": row.get("consentRequired") is not True,
            "access_token_lifetime": whole_number(attributes, "access.token.lifespan"),
            "resource_server": row.get("bearerOnly") is True,
            "client_uri": _url(row.get("baseUrl")),
            "logo_uri": _url(attributes.get("logoUri")),
            "policy_uri": _url(attributes.get("policyUri")),
            "tos_uri": _url(attributes.get("tosUri")),
            **further,
            **(keys if needs_keys else {}),
        },
        secrets=secrets,
        enabled=row.get("enabled") is not False,
        notes=[
            *([] if row.get("enabled") is not False else ["it is disabled"]),
            *notes,
            *without,
            *outside,
            *left_behind(row, "protocolMappers", "authorizationSettings"),
            *left_behind(attributes, "minimum.acr.value"),
            *_other_features(attributes),
        ],
        says_scopes=bool(scopes),
    )


def _attributes(row: Mapping[str, Any]) -> Mapping[str, Any]:
    found = row.get("attributes") or {}
    if not isinstance(found, Mapping):
        raise Unreadable("its 'attributes' is not an object.")
    return found


def _method(row: Mapping[str, Any]) -> str | None:
    kind = row.get("clientAuthenticatorType") or "client-secret"
    if kind not in METHODS:
        raise Unreadable(f"clients can't authenticate by {shown(kind, 80)} here.")
    return METHODS[kind]


def _grants(row: Mapping[str, Any], attributes: Mapping[str, Any]) -> list[str]:
    found = [grant for flow, grant in GRANTS.items() if row.get(flow) is True]
    if attributes.get("oauth2.device.authorization.grant.enabled") == "true":
        found.append("device_code")
    with_a_person = {"authorization_code", "password", "device_code"} & set(found)
    return [*found, "refresh_token"] if with_a_person and attributes.get("use.refresh.tokens") != "false" else found


def _redirect_uris(row: Mapping[str, Any]) -> list[str]:
    """The redirect URIs; those that are paths belong below `rootUrl`."""
    root = row.get("rootUrl") or ""
    return [urljoin(root, uri) if uri.startswith("/") else uri for uri in map(str, listed(row, "redirectUris"))]


def _openid(row: Mapping[str, Any], attributes: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """How users sign out; a `+` stands for the redirect URIs, and every client has it."""
    after = str(attributes.get("post.logout.redirect.uris") or "").split("##")
    after = [each for each in after if each and (settings.oidc or each != "+")]
    told = attributes.get("backchannel.logout.url")
    return {
        "post_logout_redirect_uris": [
            uri for each in after for uri in (_redirect_uris(row) if each == "+" else [each])
        ],
        "backchannel_logout_uri": told,
        "backchannel_logout_session_required": told and attributes.get("backchannel.logout.session.required") == "true",
    }


def _protection(attributes: Mapping[str, Any], method: str | None) -> dict[str, Any]:
    """How its requests and tokens are protected: there texts, of which some stand for nothing."""
    if method == "tls_client_auth" and attributes.get("x509.allow.regex.pattern.comparison") == "true":
        raise Unreadable("its certificate's subject is a pattern there: here it is one subject, to the letter.")
    algorithm = attributes.get("request.object.signature.alg")
    return {
        "require_pkce": attributes.get("pkce.code.challenge.method") in ("S256", "plain"),
        "default_acr_values": [each for each in str(attributes.get("default.acr.values") or "").split("##") if each],
        "require_pushed_authorization_requests": attributes.get("require.pushed.authorization.requests") == "true",
        "request_object_signing_alg": None if algorithm in ("any", "none") else algorithm,
        "require_signed_request_object": (attributes.get("request.object.required") or NOT_SIGNED) != NOT_SIGNED,
        "request_uris": [each for each in str(attributes.get("request.uris") or "").split("##") if each],
        "authorization_signed_response_alg": attributes.get("authorization.signed.response.alg"),
        "dpop_bound_access_tokens": attributes.get("dpop.bound.access.tokens") == "true",
        "tls_client_certificate_bound_access_tokens": attributes.get("tls.client.certificate.bound.access.tokens")
        == "true",
        "tls_client_auth_subject_dn": attributes.get("x509.subjectdn") if method == "tls_client_auth" else None,
    }


def _secrets(row: Mapping[str, Any], attributes: Mapping[str, Any]) -> tuple[tuple[KnownSecret, ...], list[str]]:
    """The client's secret, and the one before it while that is still good (Keycloak's secret rotation)."""
    secret = row.get("secret")
    if not secret:
        return (), ["it has no secret: give it one with rotate-secret"]
    if secret == MASK:
        return (), [
            "its secret is masked in a partial export: use kc.sh export, or give it a new one with rotate-secret"
        ]
    if str(secret).startswith("${vault."):
        return (), ["its secret is in a vault: give it one with rotate-secret"]
    ends = whole_number(attributes, "client.secret.expiration.time") or None
    found = [KnownSecret(plain=secret, expires_at=ends)]
    older, until = (
        attributes.get("client.secret.rotated"),
        whole_number(attributes, "client.secret.rotated.expiration.time"),
    )
    if older and older != MASK and until:
        found.append(KnownSecret(plain=older, expires_at=until))
    return tuple(found), ["its secret has expired"] if ends is not None and ends <= time.time() else []


def _keys(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Where the public key of a client that signs is: a URL, a key set, a certificate or a key in base64."""
    if attributes.get("use.jwks.url") == "true":
        return {"jwks_uri": attributes.get("jwks.url")}
    if attributes.get("use.jwks.string") == "true":
        return {"jwks": json.loads(attributes.get("jwks.string") or "null")}
    for member, kind in (("jwt.credential.certificate", "CERTIFICATE"), ("jwt.credential.public.key", "PUBLIC KEY")):
        if attributes.get(member):
            return {"certificate": f"-----BEGIN {kind}-----\n{attributes[member]}\n-----END {kind}-----\n"}
    return {}


def _other_features(attributes: Mapping[str, Any]) -> list[str]:
    """A note about what is switched on there and isn't here."""
    there = {
        "oidc.ciba.grant.enabled": "CIBA",
        "standard.token.exchange.enabled": "token exchange",
    }
    found = [name for key, name in there.items() if attributes.get(key) not in (None, "", "false")]
    return [f"without {', '.join(found)}"] * bool(found)


def _url(value: Any) -> str | None:
    return value if isinstance(value, str) and value.startswith(("https://", "http://")) else None
