"""JWT access tokens (RFC 9068): they are checked without a look-up, and none of them is stored."""

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
from .access_token import APPROVAL, BEGAN_AT, CLIENT_ONLY, NUMBERS, RESERVED, AccessToken
from .cache import TokenCache
from .revoked import marks_of, shared_marks

if TYPE_CHECKING:
    from ..users.accounts import Users
    from ..web.issuer import Issuer
    from .revoked import Revoked
    from .signing_keys import KeyRing

TYPE = "at+jwt"
CACHE_SECONDS = 3600  # a signature is checked once in this time; expiry and revocation are checked each time
GRANT_TYPE = "grant_type"  # the claim that names the grant
DETAILS = ("auth_time", "acr", "amr", "cnf")


class JwtTokens:
    """Signs and reads one server's JWT access tokens."""

    def __init__(self, issuer: Issuer, key_ring: KeyRing, revoked: Revoked, users: Users) -> None:
        self._issuer = issuer
        self._key_ring = key_ring
        self._revoked = revoked
        self._users = users
        self._cache = TokenCache(CACHE_SECONDS)

    def create(
        self, client_id: str, values: Mapping[str, Any], standing: Mapping[bytes, int], began_at: int | None
    ) -> tuple[str, str]:
        """Sign a token that holds `values` (named as the columns of a stored token); returns the token and its `jti`.

        `standing`: the numbers of the marks that it shares with others; `began_at`: when its approval began, if that
        was before.
        """
        issuer, token_id = self._issuer.identifier(), secrets.token_hex(16)
        audience = (values["audience"] or issuer).split()
        numbers = {
            kind: standing[mark]
            for kind, mark in shared_marks(client_id, values["subject"]).items()
            if standing.get(mark)
        }
        claims: dict[str, Any] = {
            **{name: value for name, value in (values["attributes"] or {}).items() if not name.startswith("_")},
            **(values["claims"] or {}),
            "iss": issuer,
            "aud": audience[0] if len(audience) == 1 else audience,
            "sub": values["subject"] or client_id,
            "client_id": client_id,
            "scope": values["scope"],
            "jti": token_id,
            "iat": values["issued_at"],
            "exp": values["expires_at"],
            GRANT_TYPE: values["grant_type"],
        }
        if values["subject"] is None:
            claims[CLIENT_ONLY] = True  # its sub is the client (RFC 9068 section 2.2), which must never pass for a user
        if values["family"] is not None:
            claims[APPROVAL] = values["family"].hex()
        if began_at is not None:
            claims[BEGAN_AT] = began_at
        if numbers:
            claims[NUMBERS] = numbers
        signing = self._key_ring.signing_key()
        header = {"typ": TYPE, "alg": signing.algorithm, "kid": signing.kid}
        return sign(header, claims, signing.key), token_id

    def read(self, token: str) -> AccessToken:
        """The valid token that was presented. Raises `InvalidToken`. A signature that was checked lately isn't checked again."""
        now = time.time()
        token_hash = sha256(token)
        found = self._cache.get(token_hash, now)
        if found is None:
            found = self._verify(token, now)
            self._cache.put(token_hash, found, now)
        if self._key_ring.find(found.key_id) is None:
            raise InvalidToken("The key of this access token is not believed any more.", found.client_id)
        if self._revoked.covers(found.began_at, found.marks, found.numbers):
            raise InvalidToken("The access token was revoked.", found.client_id)
        return found

    def _verify(self, token: str, now: float) -> AccessToken:
        try:
            unverified = read_unverified(token)
            header, kid = unverified.header, unverified.header.get("kid")
            signing = self._key_ring.find(kid if isinstance(kid, str) else None)
            if signing is None or str(header.get("typ")).lower().removeprefix("application/") != TYPE:
                raise InvalidToken("The access token is not one of this server's.")
            claims = verify(unverified, (signing.key,), (signing.algorithm,)).claims
        except JwtError as error:
            raise InvalidToken("The access token is not one of this server's.") from error
        aud = claims["aud"]
        audience = (aud,) if isinstance(aud, str) else tuple(aud)
        client_id = claims["client_id"]
        if claims["iss"] != self._issuer.identifier():
            raise InvalidToken("The access token comes from another issuer.", client_id)
        if claims["exp"] <= now:
            raise InvalidToken("The access token expired.", client_id)
        subject = None if claims.get(CLIENT_ONLY) else claims["sub"]
        carried, numbers = claims.get(NUMBERS), None
        if carried:
            numbers = {
                mark: carried[kind] for kind, mark in shared_marks(client_id, subject).items() if kind in carried
            }
        return AccessToken(
            token_id=claims["jti"],
            client_id=client_id,
            client_key=None,
            subject=subject,
            scope=claims["scope"],
            audience=" ".join(audience),
            grant_type=claims[GRANT_TYPE],
            attributes={name: value for name, value in claims.items() if name not in RESERVED},
            details={name: claims[name] for name in DETAILS if name in claims},
            iat=claims["iat"],
            exp=claims["exp"],
            began_at=claims.get(BEGAN_AT),
            numbers=numbers,
            key_id=signing.kid,
            marks=marks_of(claims["jti"], claims.get(APPROVAL), client_id, subject) + _marks_of_key(signing.kid),
            users=self._users,
        )


@lru_cache(maxsize=16)
def _marks_of_key(kid: str) -> tuple[bytes, ...]:
    return (mark_of("key", kid),)
