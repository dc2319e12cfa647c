"""Reads the access tokens of other servers: Keycloak, Entra ID, Auth0, Okta, Cognito, and those that follow RFC 9068.

Each server has its own names for the client, the user and the scopes. Some sign ID tokens and refresh tokens with the
same key as access tokens. So it isn't enough that a token looks like neither: it has to show that it is an access
token.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from ..tokens.access_token import RESERVED, AccessToken

ACCESS_TOKEN_TYP = "at+jwt"  # RFC 9068 section 2.1
PLAIN_TYP = "jwt"
CLIENT_CLAIMS = (
    "client_id",
    "azp",
    "appid",
    "cid",
)  # RFC 9068 and Cognito; OIDC, Entra v2, Keycloak, Auth0; Entra v1; Okta
SCOPE_CLAIMS = ("scope", "scp")
CLIENTS_SCOPE_CLAIMS = (*SCOPE_CLAIMS, "roles")
#: Only ID tokens have these (OIDC Core sections 2 and 3.3.2.11).
OF_ID_TOKENS = ("nonce", "at_hash", "c_hash", "s_hash")
#: The claims that name a token's kind, with the values that access tokens have: Keycloak's, that of Cognito and Ory
#: Hydra, and that of every answer which follows RFC 7662.
KINDS = (
    ("typ", ("bearer", ACCESS_TOKEN_TYP)),
    ("token_use", ("access", "access_token")),
    ("token_type", ("bearer", "access", "access_token")),
)
#: Only access tokens have these: the scopes of Entra and Okta, Auth0's grant type and permissions, Okta's client, and
#: Entra's two claims for how the client proved who it is.
OF_ACCESS_TOKENS = ("scp", "gty", "permissions", "cid", "azpacr", "appidacr")
DETAILS = ("auth_time", "acr", "amr")
MAX_NAME, MAX_SCOPE = 255, 8192
MAX_TIME = 253402300799  # the end of the year 9999, datetime's last


class NoAccessToken(Exception):
    """The claims are not those of an access token that is valid here. The message, for the log, says why."""


def check_kind(header: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
    """Raises `NoAccessToken` for an ID token, a refresh token, or a token that doesn't show that it is an access token."""
    typ = header.get("typ", PLAIN_TYP)
    typ = typ.lower().removeprefix("application/") if isinstance(typ, str) else ""
    if typ not in (ACCESS_TOKEN_TYP, PLAIN_TYP):
        raise NoAccessToken(f"its typ is {typ[:40]!r}, which is no access token's")
    named = check_use(claims)
    if typ == ACCESS_TOKEN_TYP:
        return
    for name in OF_ID_TOKENS:
        if name in claims:
            raise NoAccessToken(f"it has the claim {name!r}, as ID tokens have")
    if named or any(name in claims for name in OF_ACCESS_TOKENS):
        return
    if "scope" not in claims:
        raise NoAccessToken("nothing shows that it is an access token: no typ of at+jwt, no scope, no token_use")
    # An ID token's audience is its client (OIDC Core section 2), and some servers write a scope into it too.
    if any(claims[name] in audience_of(claims) for name in CLIENT_CLAIMS if name in claims):
        raise NoAccessToken(
            "it is for the client that got it, as ID tokens are, and nothing but a scope says otherwise"
        )


def check_use(claims: Mapping[str, Any]) -> bool:
    """Whether the claims name the token's kind. Raises `NoAccessToken` where that is another kind than an access token."""
    named = [(name, str(claims[name]), fitting) for name, fitting in KINDS if claims.get(name) is not None]
    for name, kind, fitting in named:
        if kind.lower() not in fitting:
            raise NoAccessToken(f"its {name} is {kind[:40]!r}, which is no access token's")
    return bool(named)


def check_unbound(claims: Mapping[str, Any]) -> None:
    """Raises `NoAccessToken` for a token that is bound to a key (RFC 9449 section 7.1, RFC 8705 section 3).

    Nothing here checks that the sender holds the key, so a thief would be let in too.
    """
    if claims.get("cnf") is not None or any(str(claims.get(name)).lower() == "dpop" for name, _ in KINDS):
        raise NoAccessToken("it is bound to a key, and proofs of that are not checked here")


def check_times(claims: Mapping[str, Any], skew: int) -> tuple[int, int]:
    """When the token was issued and when it expires, seconds since 1970. Raises `NoAccessToken` where it isn't valid now."""
    now = time.time()
    exp, nbf, iat = (_time(claims, name) for name in ("exp", "nbf", "iat"))
    if exp is None:
        raise NoAccessToken("it names no end (exp)")
    if exp <= now:
        raise NoAccessToken("it has expired")
    if nbf is not None and nbf > now + skew:
        raise NoAccessToken("it is not valid yet (nbf)")
    if iat is not None and iat > now + skew:
        raise NoAccessToken("it was issued in the future (iat)")
    return int(now if iat is None else iat), int(exp)


def audience_of(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """The token's audience. Cognito's access tokens have none: there the client's id stands for it."""
    aud = claims.get("aud", claims.get("client_id") if claims.get("token_use") == "access" else None)
    if aud is None:
        return ()
    listed = (aud,) if isinstance(aud, str) else aud
    if not isinstance(listed, (list, tuple)) or not all(isinstance(name, str) and name for name in listed):
        raise NoAccessToken("its audience (aud) can't be read")
    return tuple(listed)


def access_token(
    claims: Mapping[str, Any],
    *,
    issuer: str,
    times: tuple[int, int],
    scope_claims: Iterable[str] | None = None,
    most: frozenset[str] | None = None,
    subject_claim: str = "sub",
) -> AccessToken:
    """The token that `current_token` shows. `most`: the scopes that count; `None`: all. Raises `NoAccessToken`."""
    client_id = next((text for name in CLIENT_CLAIMS if name in claims and (text := _text(claims, name))), "")
    subject = None if _is_a_clients(claims, client_id) else _text(claims, subject_claim)
    names = scope_claims or (SCOPE_CLAIMS if subject is not None else CLIENTS_SCOPE_CLAIMS)
    scopes = {name for claim in names for name in _words(_at(claims, claim))}
    audience = audience_of(claims)
    _time(claims, "auth_time")
    return AccessToken(
        token_id=_text(claims, "jti") or _text(claims, "uti") or "",
        client_id=client_id,
        client_key=None,
        subject=subject,
        scope=" ".join(sorted(scopes if most is None else scopes & most)),
        audience=audience,
        grant_type=_grant_type(claims, subject),
        attributes={name: value for name, value in claims.items() if name not in RESERVED},
        details={name: claims[name] for name in DETAILS if name in claims},
        iat=times[0],
        exp=times[1],
        issuer=issuer,
        foreign_claims=claims,
    )


def _is_a_clients(claims: Mapping[str, Any], client_id: str) -> bool:
    """Whether the token is a client's own, so that its `sub` must never pass for a user's."""
    sub, name = claims.get("sub"), claims.get("preferred_username")
    if sub is None or sub == client_id:  # RFC 9068 section 2.2; Okta, Cognito
        return True
    if claims.get("gty") == "client-credentials" or str(sub).endswith("@clients"):  # Auth0
        return True
    if claims.get("idtyp") == "app" or (
        "roles" in claims and "scp" not in claims and sub == claims.get("oid")
    ):  # Entra
        return True
    return isinstance(name, str) and name.startswith("service-account-")  # Keycloak


def _grant_type(claims: Mapping[str, Any], subject: str | None) -> str:
    """The grant type, as far as the claims show it; "" where a user takes part and no claim names the grant."""
    if subject is None:
        return "client_credentials"
    return _text(claims, "grant_type") or ""


def _words(value: Any) -> list[str]:
    """The scopes in a text with spaces or in a list; none where the value is neither."""
    if isinstance(value, str):
        value = value[:MAX_SCOPE].split()
    if not isinstance(value, list):
        return []
    return [word for word in value if isinstance(word, str) and word.isprintable() and word and " " not in word]


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """A claim, or a member of one (Keycloak's `realm_access.roles`). A claim whose own name has the dots comes first."""
    if path in claims:
        return claims[path]
    if "." not in path:
        return None
    found: Any = claims
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _text(claims: Mapping[str, Any], name: str) -> str | None:
    value = claims.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not value or not value.isprintable() or len(value) > MAX_NAME:
        raise NoAccessToken(f"its {name} is not a text of at most {MAX_NAME} characters")
    return value


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= MAX_TIME:
        raise NoAccessToken(f"its {name} is not a number of seconds since 1970")
    return float(value)
