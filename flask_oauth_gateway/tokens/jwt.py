"""JWT access tokens (RFC 9068): signed, and checked without a look-up; nothing is stored of them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..crypto.hashing import sha256
from ..crypto.jose import JwtError, sign, verify
from ..crypto.jose import read as read_unverified
from ..errors import InvalidToken
from ..stores.revocations import mark_of
from ..web.issuer import issuer_of
from .access_token import AccessToken
from .issuing import RESERVED
from .revoked import marks_of

if TYPE_CHECKING:
    from ..authorization_server import State

TYPE = "at+jwt"
#: Claims of our own: the family it belongs to, whether the client speaks for itself, and the grant it came by.
FAMILY, CLIENT_ONLY, GRANT_TYPE = "family", "client_only", "grant_type"
OWN = RESERVED | {FAMILY, CLIENT_ONLY}
DETAILS = ("auth_time", "acr", "amr", "cnf")


def create(state: State, client_id: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """Sign a token that says `values` (the columns of a stored one); returns it with its `jti`."""
    issuer, token_id = issuer_of(state), secrets.token_hex(16)
    audience = (values["audience"] or issuer).split()
    family = None if values["family"] is None else values["family"].hex()
    marks = marks_of(token_id, family, client_id, values["subject"])
    claims: dict[str, Any] = {
        **{name: value for name, value in (values["attributes"] or {}).items() if not name.startswith("_")},
        **(values["claims"] or {}),
        "iss": issuer,
        "aud": audience[0] if len(audience) == 1 else audience,
        "sub": values["subject"] or client_id,
        "client_id": client_id,
        "scope": values["scope"],
        "jti": token_id,
        "iat": state.revoked.first_second_after(values["issued_at"], marks),
        "exp": values["expires_at"],
        GRANT_TYPE: values["grant_type"],
    }
    if values["subject"] is None:
        claims[CLIENT_ONLY] = True  # RFC 9068 section 2.2: sub is the client then, which must never pass for a user
    if family is not None:
        claims[FAMILY] = family
    signing = state.key_ring.signing_key()
    header = {"typ": TYPE, "alg": signing.algorithm, "kid": signing.kid}
    return sign(header, claims, signing.key), token_id


def read(state: State, token: str) -> AccessToken:
    """The token that is presented. Raises `InvalidToken`. A signature that was checked before isn't checked again."""
    now = time.time()
    token_hash = sha256(token)
    found = state.jwt_cache.get(token_hash, now)
    if found is None:
        found = _verify(state, token, now)
        state.jwt_cache.put(token_hash, found, now)
    if state.key_ring.find(found.key_id) is None:
        raise InvalidToken("The key of this access token is not believed any more.", found.client_id)
    if state.revoked.covers(found.iat, found.marks):
        raise InvalidToken("The access token was revoked.", found.client_id)
    return found


def _verify(state: State, token: str, now: float) -> AccessToken:
    try:
        unverified = read_unverified(token)
        header, kid = unverified.header, unverified.header.get("kid")
        signing = state.key_ring.find(kid if isinstance(kid, str) else None)
        if signing is None or str(header.get("typ")).lower().removeprefix("application/") != TYPE:
            raise InvalidToken("The access token is not one of this server's.")
        claims = verify(unverified, (signing.key,), (signing.algorithm,)).claims
    except JwtError as error:
        raise InvalidToken("The access token is not one of this server's.") from error
    aud = claims["aud"]
    audience = (aud,) if isinstance(aud, str) else tuple(aud)
    if claims["iss"] != issuer_of(state):
        raise InvalidToken("The access token comes from another issuer.", claims["client_id"])
    if claims["exp"] <= now:
        raise InvalidToken("The access token expired.", claims["client_id"])
    subject = None if claims.get(CLIENT_ONLY) else claims["sub"]
    return AccessToken(
        token_id=claims["jti"],
        client_id=claims["client_id"],
        client_key=None,
        subject=subject,
        scope=claims["scope"],
        audience=" ".join(audience),
        grant_type=claims[GRANT_TYPE],
        attributes={name: value for name, value in claims.items() if name not in OWN},
        details={name: claims[name] for name in DETAILS if name in claims},
        iat=claims["iat"],
        exp=claims["exp"],
        key_id=signing.kid,
        marks=marks_of(claims["jti"], claims.get(FAMILY), claims["client_id"], subject) + _marks_of_key(signing.kid),
    )


@lru_cache(maxsize=16)
def _marks_of_key(kid: str) -> tuple[bytes, ...]:
    return (mark_of("key", kid),)
