"""Whose another server's token is: a user's, or a client's own, which must never pass for the user of that name.

RFC 9068 has the client's id as `sub` of its own token (section 2.2). Most servers show it otherwise, and some not at all:
what they leave out of a client's token then tells.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: RFC 9068 and Cognito; OIDC, Entra v2, Keycloak, Auth0; Entra v1 and ADFS; Okta.
CLIENT_CLAIMS = ("client_id", "azp", "appid", "cid")
#: Claims that say it outright, with "-" for "_". Auth0; UAA, SAP, PingAM; Entra; WSO2; drafts before RFC 9068 and others;
#: this gateway.
MARKERS = {
    "gty": ("client-credentials",),
    "grant_type": ("client-credentials",),
    "idtyp": ("app",),
    "aut": ("application", "client", "app"),
    "sub_type": ("application", "client", "app", "service", "service-account", "machine"),
    "client_only": ("true",),
}
SERVICE_ACCOUNT = "service-account-"  # the beginning of such a user's name in Keycloak
OF_SERVICE_ACCOUNTS = ("clientId", "clientHost", "clientAddress")  # Keycloak's, of all its versions
SERVICE_ACCOUNT_JTI = re.compile(
    r"[a-z]{2}(?:rt|lt|un)cc:"
)  # Keycloak from 26.2 on writes session, kind and grant into it
UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
PAIRWISE = re.compile(r"[A-Za-z0-9_-]{43}")  # a hash: what Entra ID calls a user at one API; an app has a UUID
SESSIONS = ("sid", "session_state")
#: What only somebody who signed in has: names, and the sign-in itself.
OF_USERS = (
    "preferred_username", "username", "user_name", "upn", "unique_name", "email", "emails", "name", "given_name", "family_name",
    "auth_time", "amr", "tfp", *SESSIONS,
)  # fmt: skip


#: What the servers with a way of their own look at. Most tokens have none of these claims.
OF_SOME_SERVERS = frozenset(
    (*MARKERS, "typ", "preferred_username", "username", "azpacr", "appidacr", "oid", "token_use")
)  # fmt: skip


def is_clients_own(claims: Mapping[str, Any], subject_claim: str = "sub") -> bool:
    """Whether a client speaks for itself in this token.

    `subject_claim`: the claim that names the user. Where it is there, a missing `sub` says nothing.
    """
    sub, named = claims.get("sub"), claims.get(subject_claim)
    for claim in CLIENT_CLAIMS:
        client_id = claims.get(claim)
        if client_id not in (None, "") and client_id in (sub, named):
            return True
    if isinstance(sub, str) and sub.endswith("@clients"):  # Auth0
        return True
    if not OF_SOME_SERVERS.isdisjoint(claims) and _is_clients_own_at_some_servers(claims):
        return True
    # Cloudflare Access has an empty `sub` in a service's token.
    return sub in (None, "") and named in (None, "") and not _shows_a_user(claims)


def _is_clients_own_at_some_servers(claims: Mapping[str, Any]) -> bool:
    if not MARKERS.keys().isdisjoint(claims) and any(_says(claims.get(name), says) for name, says in MARKERS.items()):
        return True
    return _is_keycloaks_service_account(claims) or _is_entras_app(claims) or _is_cognitos_client(claims)


def _says(value: Any, marks: tuple[str, ...]) -> bool:
    listed = value if isinstance(value, list) else [value]
    return any(str(each).lower().replace("_", "-") in marks for each in listed)


def _shows_a_user(claims: Mapping[str, Any]) -> bool:
    return any(claims.get(name) for name in OF_USERS)


def _is_keycloaks_service_account(claims: Mapping[str, Any]) -> bool:
    """Whether this is a service account's token, which has a user's UUID as `sub`.

    How much else it says depends on the client's scopes. A lightweight token has nothing more than a missing session.
    """
    own = [f"{SERVICE_ACCOUNT}{claims[name]}".lower() for name in CLIENT_CLAIMS if name in claims]
    has_session = any(name in claims for name in SESSIONS)
    for name in ("preferred_username", "username"):
        if name not in claims:
            continue
        called = str(claims.get(name)).lower()
        if called in own or (called.startswith(SERVICE_ACCOUNT) and not has_session):  # users may choose such a name
            return True
    if str(claims.get("typ")).lower() != "bearer" or "azp" not in claims:
        return False
    if any(name in claims for name in OF_SERVICE_ACCOUNTS) or SERVICE_ACCOUNT_JTI.match(str(claims.get("jti"))):
        return True
    if _shows_a_user(claims):
        return False
    is_lightweight = UUID.fullmatch(str(claims.get("jti"))) and UUID.fullmatch(str(claims.get("sub")))
    return "client_id" in claims or is_lightweight is not None


def _is_entras_app(claims: Mapping[str, Any]) -> bool:
    """Whether this is an app's token of Entra ID, version 1 or 2.

    A user's token has `scp`, or none where the API gives roles alone. Then it shows a user otherwise: by a name, by a `sub`
    that is made for each API, or by a client without a secret ("0"), which can't speak for itself. An app has one id, as
    `oid` and `sub`.
    """
    oid, sub, has_proof = claims.get("oid"), claims.get("sub"), "azpacr" in claims or "appidacr" in claims
    has_one_id = oid is not None and oid == sub
    if claims.get("scp") or not (has_proof or has_one_id) or _says(claims.get("idtyp"), ("user",)):
        return False
    if not has_proof:
        return not _shows_a_user(claims)
    if has_one_id:
        return True
    is_pairwise = isinstance(sub, str) and PAIRWISE.fullmatch(sub)
    return not (is_pairwise or _shows_a_user(claims) or "0" in (claims.get("azpacr"), claims.get("appidacr")))


def _is_cognitos_client(claims: Mapping[str, Any]) -> bool:
    """Whether this is an access token of Cognito (`version`, `token_use`) without the `username` that every user has there."""
    return claims.get("token_use") == "access" and "version" in claims and "username" not in claims
