"""What the access tokens of other servers look like: Keycloak, Entra ID, Auth0, Okta, Cognito, and whoever follows RFC 9068.

Each spells the client, the user and the scopes in its own way; some sign ID tokens and refresh tokens with the same key.
Nothing is taken for an access token because it looks like none of those alone: it has to show that it is one.
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
#: What says of a token which kind it is, and what is said of access tokens: in Keycloak's, in Cognito's and Ory Hydra's
#: answers, in every answer that follows RFC 7662.
KINDS = (
    ("typ", ("bearer", ACCESS_TOKEN_TYP)),
    ("token_use", ("access", "access_token")),
    ("token_type", ("bearer", "access", "access_token")),
)
#: Only access tokens have these: Entra's and Okta's scopes, Auth0's grant type and permissions, Okta's client, how a client
#: proved itself at Entra.
OF_ACCESS_TOKENS = ("scp", "gty", "permissions", "cid", "azpacr", "appidacr")
DETAILS = ("auth_time", "acr", "amr")
MAX_NAME, MAX_SCOPE = 255, 8192
MAX_TIME = 253402300799  # the end of the year 9999, of which datetime knows


class NoAccessToken(Exception):
    """The claims are not those of an access token that is good here; the message says why, for the log."""


def check_kind(header: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
    """Raises `NoAccessToken` for an ID token, a refresh token, or what doesn't show that it is an access token."""
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
    # An ID token is for its client (OIDC Core section 2), and some servers write a scope into it too.
    if any(claims[name] in audience_of(claims) for name in CLIENT_CLAIMS if name in claims):
        raise NoAccessToken(
            "it is for the client that got it, as ID tokens are, and nothing but a scope says otherwise"
        )


def check_use(claims: Mapping[str, Any]) -> bool:
    """Whether it says that it is an access token. Raises `NoAccessToken` where it says that it is something else."""
    said = [(name, str(claims[name]), fitting) for name, fitting in KINDS if claims.get(name) is not None]
    for name, kind, fitting in said:
        if kind.lower() not in fitting:
            raise NoAccessToken(f"its {name} is {kind[:40]!r}, which is no access token's")
    return bool(said)


def check_unbound(claims: Mapping[str, Any]) -> None:
    """Raises `NoAccessToken` for a token that is bound to a key: nobody checks here that who sends it holds the key, so
    whoever stole it would be let in (RFC 9449 section 7.1, RFC 8705 section 3).
    """
    if claims.get("cnf") is not None or any(str(claims.get(name)).lower() == "dpop" for name, _ in KINDS):
        raise NoAccessToken("it is bound to a key, and proofs of that are not checked here")


def check_times(claims: Mapping[str, Any], skew: int) -> tuple[int, int]:
    """When it was issued and when it ends, seconds since 1970. Raises `NoAccessToken` where it isn't its time."""
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
    """Whom it is for. Cognito's access tokens say no more than for which client."""
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
    """What `current_token` makes of the claims. `most`: the scopes that count; `None`: all. Raises `NoAccessToken`."""
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
    """Whether a client speaks for itself, so that its `sub` must never pass for a user's."""
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
    """As far as it shows; "" where a user takes part and nothing says by which grant."""
    if subject is None:
        return "client_credentials"
    return _text(claims, "grant_type") or ""


def _words(value: Any) -> list[str]:
    """Scopes, in a text with spaces or in a list; what is neither is none."""
    if isinstance(value, str):
        value = value[:MAX_SCOPE].split()
    if not isinstance(value, list):
        return []
    return [word for word in value if isinstance(word, str) and word.isprintable() and word and " " not in word]


def _at(claims: Mapping[str, Any], path: str) -> Any:
    """A claim, or a member of one: Keycloak has roles in `realm_access.roles`. A claim whose name holds the dots comes first."""
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
