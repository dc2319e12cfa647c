"""What is kept of a user's sign-in, with a code, an approval and a token: one JSON object, the column `claims`.

`auth_time`, `acr`, `amr`, `cnf` and `authorization_details` go with each access token. What OpenID Connect adds stands under
`openid`: the `nonce` of the request, the session's `sid`, and the names of the claims that the request asked for. An access
token keeps those for userinfo alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DETAILS = ("auth_time", "acr", "amr", "cnf", "authorization_details")
OPENID, NONCE, ID_TOKEN, USERINFO, SID = "openid", "nonce", "id_token", "userinfo", "sid"
_NOTHING: Mapping[str, Any] = {}

Claims = Mapping[str, Any] | None


def openid_part(claims: Claims) -> Mapping[str, Any]:
    """What OpenID Connect keeps; nothing where the request was plain OAuth."""
    return _NOTHING if claims is None else claims.get(OPENID, _NOTHING)


def sign_in_details(claims: Claims) -> dict[str, Any]:
    """How and when the user signed in, as far as the app knows it."""
    return {name: claims[name] for name in ("auth_time", "acr", "amr") if name in claims} if claims else {}


def in_session(claims: Claims, sid: str) -> dict[str, Any]:
    """The same, of a sign-in that belongs to a session."""
    return {**(claims or {}), OPENID: {**openid_part(claims), SID: sid}}


def for_access_token(claims: Claims) -> Claims:
    """What an access token keeps: the details, and the claims that userinfo is asked for."""
    if claims is None or OPENID not in claims:
        return claims
    kept = {name: value for name, value in claims.items() if name != OPENID}
    asked = claims[OPENID].get(USERINFO)
    return {**kept, OPENID: {USERINFO: asked}} if asked else kept or None


def for_approval(claims: Claims) -> Claims:
    """What an approval keeps for the tokens that follow: a nonce is good for one ID token (OIDC Core section 12.2)."""
    if claims is None or OPENID not in claims:
        return claims
    openid = {name: value for name, value in claims[OPENID].items() if name != NONCE}
    kept = {name: value for name, value in claims.items() if name != OPENID}
    return {**kept, OPENID: openid} if openid else kept or None
