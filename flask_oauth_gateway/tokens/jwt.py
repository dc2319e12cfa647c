"""JWT access tokens (RFC 9068): they are checked without a look-up, and none of them is stored."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ..crypto.hashing import sha256
from ..crypto.jose import JwtError, sign, verify
from ..crypto.jose import read as read_unverified
from ..errors import InvalidToken, NotConfigured
from ..stores.revocations.mark import mark_of
from .access_token import APPROVAL, BEGAN_AT, CLIENT_ONLY, NUMBERS, RESERVED, SEALED_SUBJECT, AccessToken
from .cache import TokenCache
from .revoked import marks_of, shared_marks
from .sign_in import DETAILS, OPENID

if TYPE_CHECKING:
    from ..crypto.sealing import Sealing
    from ..stores.registered_client import Client
    from ..users.accounts import Users
    from ..web.issuer import Issuer
    from .revoked import Revoked
    from .signing_key import SigningKey
    from .signing_keys import KeyRing

TYPE = "at+jwt"
CACHE_SECONDS = 3600  # a signature is checked once in this time; expiry and revocation are checked each time
SEALED_LENGTH = 256  # bytes; the numbers of all marks need 122 of them
GRANT_TYPE = "grant_type"  # the claim that names the grant


class JwtTokens:
    """Signs and reads one server's JWT access tokens.

    `sub_of`: the name by which a client knows a user, where that may be another than the app's own (OIDC Core section 8).
    The token then carries the app's own too, sealed for this server: no look-up tells who it is.
    """

    def __init__(
        self,
        issuer: Issuer,
        key_ring: KeyRing,
        revoked: Revoked,
        users: Users,
        sealing: Sealing,
        sub_of: Callable[[Client, str], str] | None,
    ) -> None:
        self._issuer = issuer
        self._key_ring = key_ring
        self._revoked = revoked
        self._users = users
        self._sealing = sealing
        self._sub_of = sub_of
        self._cache = TokenCache(CACHE_SECONDS)

    def create(
        self, client: Client, values: Mapping[str, Any], standing: Mapping[bytes, int], began_at: int | None
    ) -> tuple[str, str]:
        """Sign a token that holds `values` (named as the columns of a stored token); returns the token and its `jti`.

        `standing`: the numbers of the marks that it shares with others; `began_at`: when its approval began, if that
        was before.
        """
        issuer, token_id, client_id = self._issuer.identifier(), secrets.token_hex(16), client.client_id
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
        elif self._sub_of is not None and (sub := self._sub_of(client, values["subject"])) != values["subject"]:
            claims["sub"] = sub
            claims[SEALED_SUBJECT] = self._sealed(values["subject"], numbers)
            numbers = {}  # of the user's marks, which two clients would find to be the same
        if values["family"] is not None:
            claims[APPROVAL] = values["family"].hex()
        if began_at is not None:
            claims[BEGAN_AT] = began_at
        if numbers:
            claims[NUMBERS] = numbers
        signing = self._key_ring.signing_key()
        header = {"typ": TYPE, "alg": signing.algorithm, "kid": signing.kid}
        return sign(header, claims, signing.signer), token_id

    def read(self, token: str) -> AccessToken:
        """The valid token that was presented. Raises `InvalidToken`. A signature that was checked lately isn't checked again."""
        now = time.time()
        token_hash = sha256(token)
        found = self._cache.get(token_hash, now)
        if found is None:
            claims, kid = self._verified(token, self._key_ring.find)
            refusal = _why_unfit(claims, self._issuer.identifier(), now)
            if refusal is not None:
                raise InvalidToken(refusal, claims["client_id"])
            found = self._described(claims, kid)
            self._cache.put(token_hash, found, now)
        refusal = self._why_dead(found)
        if refusal is not None:
            raise InvalidToken(refusal, found.client_id)
        return found

    def find(self, token: str) -> AccessToken | None:
        """A token that this server signed, dead or alive: `refusal` says why it is refused. `None` for any other."""
        try:
            claims, kid = self._verified(token, {key.kid: key for key in self._key_ring.all()}.get)
            found = self._described(claims, kid)
        except InvalidToken:
            return None
        try:
            issuer = self._issuer.identifier()
        except NotConfigured:  # outside of a request, where no setting names this server
            issuer = claims["iss"]
        found.refusal = _why_unfit(claims, issuer, time.time()) or self._why_dead(found)
        return found

    def _why_dead(self, token: AccessToken) -> str | None:
        if self._key_ring.find(token.key_id) is None:
            return "The key of this access token is not believed any more."
        if self._revoked.covers(token.began_at, token.marks, token.numbers):
            return "The access token was revoked."
        return None

    def _verified(self, token: str, key_of: Callable[[str], SigningKey | None]) -> tuple[dict[str, Any], str]:
        """The claims of a token, and the `kid` of the key that signed it. Raises `InvalidToken`."""
        try:
            unverified = read_unverified(token)
            header, kid = unverified.header, unverified.header.get("kid")
            signing = key_of(kid) if isinstance(kid, str) else None
            if signing is None or str(header.get("typ")).lower().removeprefix("application/") != TYPE:
                raise InvalidToken("The access token is not one of this server's.")
            return verify(unverified, (signing.key,), (signing.algorithm,)).claims, signing.kid
        except JwtError as error:
            raise InvalidToken("The access token is not one of this server's.") from error

    def _described(self, claims: dict[str, Any], kid: str) -> AccessToken:
        aud, client_id = claims["aud"], claims["client_id"]
        audience = (aud,) if isinstance(aud, str) else tuple(aud)
        subject, carried, numbers = None if claims.get(CLIENT_ONLY) else claims["sub"], claims.get(NUMBERS), None
        if SEALED_SUBJECT in claims:
            subject, carried = self._opened(claims)
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
            details={name: claims[name] for name in (*DETAILS, OPENID) if name in claims},
            iat=claims["iat"],
            exp=claims["exp"],
            began_at=claims.get(BEGAN_AT),
            numbers=numbers,
            key_id=kid,
            marks=marks_of(claims["jti"], claims.get(APPROVAL), client_id, subject) + _marks_of_key(kid),
            users=self._users,
        )

    def _sealed(self, subject: str, numbers: Mapping[str, int]) -> str:
        """The app's own name for a user, and the numbers of the marks, for this server alone.

        The length tells nothing, where the name has up to 128 bytes: neither how long it is, nor whether anything was revoked.
        """
        text = json.dumps([subject, numbers], separators=(",", ":"), ensure_ascii=False)
        return self._sealing.seal(text + " " * (-len(text.encode()) % SEALED_LENGTH))

    def _opened(self, claims: Mapping[str, Any]) -> tuple[str, Mapping[str, int]]:
        """What `_sealed` sealed. Raises `InvalidToken` where that was under another key than this app's."""
        opened = self._sealing.unseal(claims[SEALED_SUBJECT])
        if opened is None:
            raise InvalidToken("The user of this access token can't be told any more.", claims["client_id"])
        subject, numbers = json.loads(opened)
        return subject, numbers


def _why_unfit(claims: Mapping[str, Any], issuer: str, now: float) -> str | None:
    """Why a token's own claims have it refused."""
    if claims["iss"] != issuer:
        return "The access token comes from another issuer."
    return "The access token expired." if claims["exp"] <= now else None


@lru_cache(maxsize=16)
def _marks_of_key(kid: str) -> tuple[bytes, ...]:
    return (mark_of("key", kid),)
