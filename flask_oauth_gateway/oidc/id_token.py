"""ID tokens: what a client learns of a user's sign-in (OIDC Core section 2)."""

from __future__ import annotations

import hashlib
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..crypto.jose import JwtError, read, sign, verify
from ..errors import InvalidRequestError
from ..tokens.sign_in import ID_TOKEN, NONCE, SID, openid_part, sign_in_details
from .encryption import encryption_for

if TYPE_CHECKING:
    from ..clients.keys import ClientKeys
    from ..config import Settings
    from ..stores.registered_client import Client
    from ..tokens.issue import Issue
    from ..tokens.signing_keys import KeyRing
    from ..web.issuer import Issuer
    from .claims import UserClaims
    from .subjects import Subjects

ENCRYPTED_DOTS = 4  # in a JWE's compact form (RFC 7516 section 3.1)
_HASHES: Mapping[str, Callable[[bytes], Any]] = {"EdDSA": hashlib.sha512}  # Ed25519 hashes so; the others end in 256


class NotOurs(Exception):
    """A hint is no ID token of this server."""


@dataclass(frozen=True, slots=True)
class Hint:
    """An ID token of ours that a client sends back: for which client it was made, of which user, in which session."""

    client_id: str
    sub: str
    sid: str | None


class IdTokens:
    """Makes the ID tokens of one server, and reads them where clients send them back."""

    def __init__(
        self,
        settings: Settings,
        issuer: Issuer,
        key_ring: Callable[[], KeyRing],
        claims: UserClaims,
        subjects: Subjects,
        client_keys: ClientKeys,
    ) -> None:
        self._settings = settings
        self._issuer = issuer
        self._key_ring = key_ring
        self._claims = claims
        self._subjects = subjects
        self._client_keys = client_keys

    def prepare(self, request: Issue, *, alone: bool = False) -> Callable[[str | None, str | None], str]:
        """Do all that may fail before a token is stored; the function that is returned makes the ID token.

        It takes the access token and the code that are given beside it. `alone`: no access token ever is, so that the claims
        of the scopes stand in the ID token (OIDC Core section 5.4).
        """
        client, signing = request.client, self._key_ring().signing_key(algorithm_of(request.client, self._settings))
        encrypt = encryption_of(client, self._client_keys)
        openid = openid_part(request.claims)
        wants_all = alone or (client.id_token_claims or self._settings.id_token_claims) == "all"
        now = int(time.time())
        claims: dict[str, Any] = {
            **self._claims.of(request.user, request.scopes, frozenset(openid.get(ID_TOKEN, ())), by_scope=wants_all),
            "iss": self._issuer.identifier(),
            "sub": self._subjects.of(client, request.subject or ""),
            "aud": client.client_id,
            "exp": now + self._settings.id_token_lifetime,
            "iat": now,
            **sign_in_details(request.claims),
        }
        claims.update((name, openid[name]) for name in (NONCE, SID) if name in openid)
        header = {"alg": signing.algorithm, "kid": signing.kid}

        def make(access_token: str | None, code: str | None) -> str:
            for name, text in (("at_hash", access_token), ("c_hash", code)):
                if text is not None:
                    claims[name] = half_hash(text, signing.algorithm)
            return encrypt(sign(header, claims, signing.signer))

        return make

    def read_hint(self, token: str) -> Hint | None:
        """What an ID token of ours says that a client sends as a hint; it may have expired (OIDC Core section 3.1.2.1).

        `None` where its key was retired meanwhile, so that nobody can tell any more. Raises `NotOurs`.
        """
        try:
            unverified = read(token)
            header, kid = unverified.header, unverified.header.get("kid")
            if not isinstance(kid, str) or header.get("typ") not in (None, "JWT"):
                raise NotOurs  # access tokens and logout tokens say in their `typ` that they are such
            signing = self._key_ring().find(kid)
            if signing is None and self._key_ring().was_ours(kid):
                return None
            if signing is None:
                raise NotOurs
            claims = verify(unverified, (signing.key,), (signing.algorithm,)).claims
        except JwtError:
            raise NotOurs from None
        client_id, sub, sid = claims.get("aud"), claims.get("sub"), claims.get("sid")
        if claims.get("iss") != self._issuer.identifier() or "exp" not in claims or "events" in claims:
            raise NotOurs  # without `exp` it is an answer of userinfo's
        if not isinstance(client_id, str) or not isinstance(sub, str):
            raise NotOurs
        return Hint(client_id, sub, sid if isinstance(sid, str) else None)

    def sub_of_hint(self, token: str, client_id: str) -> str:
        """The `sub` of an ID token of ours that this client sends as a hint.

        Raises `InvalidRequestError` where the token isn't ours, or was made for another client. One that is encrypted was
        encrypted to the client, which has to send what was in it.
        """
        if token.count(".") == ENCRYPTED_DOTS:
            raise InvalidRequestError("The 'id_token_hint' is encrypted: send the signed ID token that is in it.")
        try:
            hint = self.read_hint(token)
        except NotOurs:
            hint = None
        if hint is None:
            raise InvalidRequestError("The 'id_token_hint' is not an ID token of this server.")
        if hint.client_id != client_id:
            raise InvalidRequestError("The 'id_token_hint' was not made for this client by this server.")
        return hint.sub


def algorithm_of(client: Client, settings: Settings) -> str:
    """The algorithm that signs this client's ID tokens: the one that it is registered for, if any."""
    return client.id_token_signed_response_alg or settings.id_token_algorithm


def encryption_of(client: Client, keys: ClientKeys) -> Callable[[str], str]:
    """What encrypts a client's signed ID tokens where it wants that (OIDC Core section 10.2). Raises `ClientKeyMissing`."""
    algorithm, method = client.id_token_encrypted_response_alg, client.id_token_encrypted_response_enc
    return str if algorithm is None else encryption_for(client, keys, algorithm, method, content_type="JWT")


def half_hash(text: str, algorithm: str) -> str:
    """The left half of a hash, by the hash of the ID token's algorithm (OIDC Core section 3.1.3.6)."""
    digest = _HASHES.get(algorithm, hashlib.sha256)(text.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
