"""What is kept of a user's sign-in, with a code, an approval and a token: one JSON object, the column `claims`.

`auth_time`, `acr`, `amr`, `cnf` and `authorization_details` go with each access token. What OpenID Connect adds stands under
`openid`: the `nonce` of the request, the session's `sid`, and the names of the claims that the request asked for. An access
token keeps those for userinfo alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

CNF, JKT = "cnf", "jkt"
AUTHORIZATION_DETAILS = "authorization_details"
DETAILS = ("auth_time", "acr", "amr", "cnf", AUTHORIZATION_DETAILS)
OPENID, NONCE, ID_TOKEN, USERINFO, SID = "openid", "nonce", "id_token", "userinfo", "sid"
_NOTHING: Mapping[str, Any] = {}

Claims = Mapping[str, Any] | None


def openid_part(claims: Claims) -> Mapping[str, Any]:
    """What OpenID Connect keeps; nothing where the request was plain OAuth."""
    return _NOTHING if claims is None else claims.get(OPENID, _NOTHING)


def sign_in_details(claims: Claims) -> dict[str, Any]:
    """How and when the user signed in, as far as the app knows it."""
    return {name: claims[name] for name in ("auth_time", "acr", "amr") if name in claims} if claims else {}


def details_of(claims: Claims) -> list[dict[str, Any]]:
    """The authorization details (RFC 9396) among what is kept."""
    return [] if claims is None else claims.get(AUTHORIZATION_DETAILS, [])


def types_of(details: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The types of authorization details, each once: what signals and the audit trail tell, as contents may be private."""
    return tuple(dict.fromkeys(each["type"] for each in details))


def with_details(claims: Claims, details: Iterable[Mapping[str, Any]]) -> Claims:
    """The same, with these authorization details and no others."""
    kept = {name: value for name, value in (claims or {}).items() if name != AUTHORIZATION_DETAILS}
    found = [*details]
    return ({**kept, AUTHORIZATION_DETAILS: found} if found else kept) or None


def in_session(claims: Claims, sid: str) -> dict[str, Any]:
    """The same, of a sign-in that belongs to a session."""
    return {**(claims or {}), OPENID: {**openid_part(claims), SID: sid}}


def confirmation_of(claims: Claims) -> Mapping[str, str] | None:
    """The `cnf` to which a code, or an approval's refresh token, is bound; `None` where it is bound to nothing."""
    return claims.get(CNF) if claims else None


def bound_to(claims: Claims, confirmation: Mapping[str, str] | None) -> Claims:
    """What is kept, with this `cnf` and no other, or with none: a code's isn't the token's. `None`: as it is."""
    if confirmation is None:
        return claims
    if claims and CNF in claims:
        claims = {name: value for name, value in claims.items() if name != CNF} or None
    return {**(claims or {}), CNF: dict(confirmation)} if confirmation else claims


def for_access_token(claims: Claims, confirmation: Mapping[str, str] | None = None) -> Claims:
    """What an access token keeps: the details, its own `cnf`, and the claims that userinfo is asked for."""
    claims = bound_to(claims, confirmation) or None
    if claims is None or OPENID not in claims:
        return claims
    kept = {name: value for name, value in claims.items() if name != OPENID}
    asked = claims[OPENID].get(USERINFO)
    return {**kept, OPENID: {USERINFO: asked}} if asked else kept or None


def for_approval(claims: Claims, confirmation: Mapping[str, str] | None = None) -> Claims:
    """What an approval keeps for the tokens that follow: a nonce is good for one ID token (OIDC Core section 12.2).

    `confirmation`: that of its refresh tokens, which are bound where the client has nothing else to prove who it is.
    """
    claims = bound_to(claims, confirmation) or None
    if claims is None or OPENID not in claims:
        return claims
    openid = {name: value for name, value in claims[OPENID].items() if name != NONCE}
    kept = {name: value for name, value in claims.items() if name != OPENID}
    return {**kept, OPENID: openid} if openid else kept or None
