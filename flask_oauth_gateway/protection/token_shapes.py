"""Reads the access tokens of other servers: Keycloak, Entra ID, Auth0, Okta, Cognito, and those that follow RFC 9068.

Each server has its own names for the client, the user and the scopes. Some sign ID tokens and refresh tokens with the
same key as access tokens. So it isn't enough that a token looks like neither: it has to show that it is an access
token.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..tokens.access_token import RESERVED, AccessToken
from ..tokens.owners import CLIENT_CLAIMS, is_clients_own
from ..tokens.sign_in import AUTHORIZATION_DETAILS

ACCESS_TOKEN_TYP = "at+jwt"  # RFC 9068 section 2.1
PLAIN_TYP = "jwt"
SCOPE_CLAIMS = ("scope", "scp")
CLIENTS_SCOPE_CLAIMS = (*SCOPE_CLAIMS, "roles")
#: ID tokens have these (OIDC Core sections 2 and 3.3.2.11), and so do access tokens of Keycloak before 25 and Azure B2C.
OF_ID_TOKENS = ("at_hash", "c_hash", "s_hash", "nonce")
#: The claims that name a token's kind, with the values that access tokens have: Keycloak's, that of Cognito and Ory
#: Hydra, and that of every answer which follows RFC 7662.
KINDS = (
    ("typ", ("bearer", ACCESS_TOKEN_TYP)),
    ("token_use", ("access", "access_token")),
    ("token_type", ("bearer", "access", "access_token")),
)
#: Those of them that outrank whatever else a JWT has. `token_type` may tell of the token that came with an ID token.
CERTAIN = ("typ", "token_use")
#: Only access tokens have these: Auth0's grant type, Okta's client, and Entra's two claims for how the client proved who it
#: is. `scp` is Entra's and Okta's, but ADFS has it in ID tokens too, where it names OpenID's own scopes.
OF_ACCESS_TOKENS = ("gty", "cid", "azpacr", "appidacr")
OF_ADFS = "apptype"
OPENID_SCOPES = frozenset({"openid", "profile", "email", "address", "phone", "offline_access"})
BOUND_KIND = "dpop"  # of a token that is bound to a key of DPoP's: Keycloak's `typ`, and the `token_type` of RFC 9449
HOW_TO_TAKE_IT = 'where this issuer\'s tokens show no kind, its entry says "kind": "any"'
#: Claims that show an access token where it isn't for the client that got it, as an ID token is.
HINTS = ("scope", "permissions")
MAX_NAME, MAX_SCOPE = 255, 8192
MAX_TIME = 253402300799  # the end of the year 9999, datetime's last


class NoAccessToken(Exception):
    """The claims are not those of an access token that is valid here. The message, for the log, says why."""


def check_kind(header: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
    """Raises `NoAccessToken` for an ID token, a refresh token, or a token that doesn't show that it is an access token."""
    typ, named = _check_typ(header), check_use(claims)
    if typ == ACCESS_TOKEN_TYP or any(claims.get(name) is not None for name in CERTAIN):
        return
    # An ID token's audience is its client (OIDC Core section 2), and some servers write a scope into it too.
    audience, clients = audience_of(claims), [claims[name] for name in CLIENT_CLAIMS if claims.get(name) is not None]
    is_for_client = any(client in audience for client in clients)
    is_shown = any(name in claims for name in OF_ACCESS_TOKENS) or _has_scp(claims, is_for_client=is_for_client)
    for name in OF_ID_TOKENS:
        # Azure B2C repeats the request's nonce in access tokens: these are for an API, and name a client beside it.
        if name in claims and not (
            name == "nonce" and is_shown and clients and (not is_for_client or _is_of_b2c(claims))
        ):
            raise NoAccessToken(f"it has the claim {name!r}, as ID tokens have; {HOW_TO_TAKE_IT}")
    if is_shown:
        return
    if not named and not any(name in claims for name in HINTS):
        raise NoAccessToken(
            f"nothing shows that it is an access token: no typ of at+jwt, no scope, no token_use; {HOW_TO_TAKE_IT}"
        )
    if is_for_client:
        raise NoAccessToken(
            f"it is for the client that got it, as ID tokens are, and nothing but a scope says otherwise; {HOW_TO_TAKE_IT}"
        )


def check_any_kind(
    header: Mapping[str, Any], claims: Mapping[str, Any], audience: frozenset[str], subject_claim: str
) -> None:
    """The check in the place of `check_kind` where an issuer's tokens show no kind. Raises `NoAccessToken`.

    The audience has to make up for it: one that others share could let them, too, bring what they were given. What says
    that it is something else is refused all the same, and so is what is about nobody, as an authorization response is.
    """
    _check_typ(header)
    check_use(claims)
    if "events" in claims:
        raise NoAccessToken("it is an event that its issuer tells of (RFC 8417), as logout tokens are")
    others = [name for name in audience_of(claims) if name not in audience]
    if others:
        raise NoAccessToken(f"it is for others too ({others[0][:200]!r}), and a token of any kind must be for us alone")
    if claims.get("sub") is None and claims.get(subject_claim) is None:
        raise NoAccessToken("it says of nobody whose it is (sub)")


def _check_typ(header: Mapping[str, Any]) -> str:
    """The type that the header names. Raises `NoAccessToken` where that is another one than an access token's."""
    typ = header.get("typ", PLAIN_TYP)
    typ = typ.lower().removeprefix("application/") if isinstance(typ, str) else ""
    if typ not in (ACCESS_TOKEN_TYP, PLAIN_TYP):
        raise NoAccessToken(f"its typ is {typ[:40]!r}, which is no access token's")
    return typ


def _is_of_b2c(claims: Mapping[str, Any]) -> bool:
    """Whether this is an access token of Azure B2C, for an API and a client of one registration.

    B2C's ID tokens have neither `azp` nor `scp`; `tfp`, or `acr` in old ones, is the policy of both.
    """
    policy = claims.get("tfp") or claims.get("acr")
    is_b2cs = isinstance(policy, str) and policy.lower().startswith("b2c_1")
    return is_b2cs and claims.get("azp") is not None and _has_scp(claims, is_for_client=True)


def _has_scp(claims: Mapping[str, Any], *, is_for_client: bool) -> bool:
    """Whether the claim `scp` shows an access token."""
    if not is_for_client:
        return "scp" in claims
    return OF_ADFS not in claims and not OPENID_SCOPES.issuperset(_words(claims.get("scp")))


def check_use(claims: Mapping[str, Any]) -> bool:
    """Whether the claims name the token's kind. Raises `NoAccessToken` where that is another kind than an access token."""
    named = [(name, str(claims[name]), fitting) for name, fitting in KINDS if claims.get(name) is not None]
    for name, kind, fitting in named:
        if kind.lower() not in (*fitting, BOUND_KIND):  # that it is bound is another check's
            raise NoAccessToken(f"its {name} is {kind[:40]!r}, which is no access token's")
    return bool(named)


def check_bound(claims: Mapping[str, Any], *, proofs: bool) -> None:
    """Raises `NoAccessToken` for a token whose binding to a key can't be checked (RFC 9449 section 6, RFC 8705 section 3).

    `proofs`: each request is asked for a proof of the key that the token names. Elsewhere a thief would be let in too.
    """
    bound_to = claims.get("cnf")
    says_dpop = any(str(claims.get(name)).lower() == BOUND_KIND for name, _ in KINDS)
    if bound_to is None and not says_dpop:
        return
    if not proofs:
        raise NoAccessToken("it is bound to a key, and proofs of that are not checked here")
    if not isinstance(bound_to, Mapping) or (says_dpop and "jkt" not in bound_to):
        raise NoAccessToken("it is bound to a key, and doesn't say to which (cnf)")


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
    is_clients = is_clients_own(claims, subject_claim)
    subject = None if is_clients else _text(claims, subject_claim)
    names = scope_claims or (CLIENTS_SCOPE_CLAIMS if is_clients else SCOPE_CLAIMS)
    scopes = {name for claim in names for name in _words(_at(claims, claim))}
    return AccessToken(
        token_id=_optional(claims, "jti") or _optional(claims, "uti") or "",
        client_id=client_id,
        client_key=None,
        subject=subject,
        scope=" ".join(sorted(scopes if most is None else scopes & most)),
        audience=audience_of(claims),
        grant_type="client_credentials" if is_clients else _optional(claims, "grant_type") or "",
        attributes={name: value for name, value in claims.items() if name not in RESERVED},
        details={name: claims[name] for name, fits in DETAILS.items() if fits(claims.get(name))},
        iat=times[0],
        exp=times[1],
        issuer=issuer,
        foreign_claims=claims,
    )


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


def _optional(claims: Mapping[str, Any], name: str) -> str | None:
    """The text of a claim that nothing depends on; `None` too where it is something else."""
    try:
        return _text(claims, name)
    except NoAccessToken:
        return None


def _are_details(value: Any) -> bool:
    from ..permissions.details import is_fit  # apps that are sent none never load it

    return is_fit(value)


def _is_time(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, (int, float)) and 0 <= value <= MAX_TIME


#: The details that a view may ask about, each with the type that it has. ADFS writes the time as a text: it is left out.
DETAILS: Mapping[str, Callable[[Any], bool]] = {
    "auth_time": _is_time,
    "acr": lambda value: isinstance(value, str),
    "cnf": lambda value: isinstance(value, Mapping),
    "amr": lambda value: isinstance(value, list) and all(isinstance(each, str) for each in value),
    AUTHORIZATION_DETAILS: lambda value: value is not None and _are_details(value),
}


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if not _is_time(value):
        raise NoAccessToken(f"its {name} is not a number of seconds since 1970")
    return float(value)
