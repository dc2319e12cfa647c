"""DPoP's proofs (RFC 9449): a JWT in the header `DPoP`, with which a client shows that it holds a key, for one request.

`DpopProofs.check` has every check of section 4.3. Whether the proof was used before is asked last, by `Binding`: that writes.
"""

from __future__ import annotations

import hmac
import math
import time
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from ..crypto.hashing import sha256
from ..crypto.jose import JwtError, read, verify
from ..errors import clean, shown
from .errors import InvalidDpopProof, UseDpopNonce
from .proof_key import ProofHeader, read_header
from .target_uri import canonical

if TYPE_CHECKING:
    from flask import Request

    from .nonces import Nonces

HEADER = "HTTP_DPOP"
MAX_PROOF = 16384
MAX_JTI = 512  # characters
_ED25519 = frozenset({"EdDSA", "Ed25519"})  # two names of one algorithm, where the key is one of Ed25519


class Proof(NamedTuple):
    """A good proof. `key` stands for it where used ones are kept, `until` when it is no good any more by its own time.

    `new_nonce`: what the client should use from now on, where its nonce ends soon.
    """

    thumbprint: str
    key: bytes
    until: int
    new_nonce: str | None = None


class DpopProofs:
    """Checks the proofs of one app. `skew`: the seconds by which the clocks of two of its processes may differ."""

    def __init__(self, algorithms: Collection[str], lifetime: int, *, skew: int) -> None:
        self._algorithms = frozenset(algorithms) | (_ED25519 if "Ed25519" in algorithms else frozenset())
        self._lifetime = lifetime
        self._skew = skew

    def check(
        self,
        http: Request,
        *,
        access_token: str | None,
        method: str,
        uris: Collection[str],
        nonces: Nonces | None = None,
    ) -> Proof | None:
        """The proof of a request, if it is good for it (section 4.3); `None` where there is none.

        `access_token`: the one that comes with it. `uris`: those that stand for the request, as `canonical` writes them.
        `nonces`: where the proof must have one of these. Raises `InvalidDpopProof`, and `UseDpopNonce`.
        """
        text = http.environ.get(HEADER)
        if text is None:
            return None
        if "," in text:  # as WSGI joins two headers
            raise InvalidDpopProof("The request has more than one DPoP header.")
        if len(text) > MAX_PROOF:
            raise InvalidDpopProof("The proof is longer than 16 KiB.")
        found: list[ProofHeader] = []

        def header_of(segment: str) -> Mapping[str, Any]:
            found.append(read_header(segment))
            return found[0].members

        try:
            jwt = read(text, header_of)
            header = found[0]
            if header.algorithm not in self._algorithms:
                raise JwtError("its alg is not one that is taken here")
            _check_target(jwt.claims, method, uris)
            if access_token is not None:
                _check_token(jwt.claims, access_token)
            until, new_nonce = self._check_time(jwt.claims, nonces)
            jti = jwt.claims.get("jti")
            if not isinstance(jti, str) or not 1 <= len(jti) <= MAX_JTI:
                raise JwtError(f"its jti is not a text of 1 to {MAX_JTI} characters")
            verify(jwt, (header.key,), (header.algorithm,))
        except JwtError as error:
            raise InvalidDpopProof(clean(f"The proof is not good: {error}.", 400)) from None
        return Proof(header.thumbprint, sha256(f"dpop\0{header.thumbprint}\0{jti}"), until, new_nonce)

    def _check_time(self, claims: Mapping[str, Any], nonces: Nonces | None) -> tuple[int, str | None]:
        """Until when the proof is good, and the nonce to use from now on, where its own ends soon.

        With a nonce, which says when the proof was made, its `iat` counts for nothing (section 11.1).
        """
        now = time.time()
        made_at, begins, ends = _number(claims, "iat"), _number(claims, "nbf"), _number(claims, "exp")
        if made_at is None:
            raise JwtError("it has no iat")
        if begins is not None and begins > now + self._skew:
            raise JwtError("it is not valid yet (nbf)")
        if ends is not None and ends <= now - self._skew:
            raise JwtError("it has expired (exp)")
        if nonces is None:
            if abs(now - made_at) > self._lifetime:
                raise JwtError(f"its iat is more than {self._lifetime} seconds from now: is the clock right?")
            return math.ceil(made_at) + self._lifetime + self._skew, None
        nonce = claims.get("nonce")
        until = nonces.ends_at(nonce) if isinstance(nonce, str) and nonce.isascii() else None
        if until is None:
            raise UseDpopNonce(nonces.current())
        current = nonces.current()
        return until + self._skew, None if nonce == current else current


def _check_target(claims: Mapping[str, Any], method: str, uris: Collection[str]) -> None:
    """Check that a proof is for this request: `htm` and `htu`."""
    if claims.get("htm") != method:
        raise JwtError(f"its htm is {shown(claims.get('htm'), 40)}, and the method of the request {method}")
    htu = claims.get("htu")
    came = canonical(htu) if isinstance(htu, str) else None
    if came not in uris:
        given = shown(htu if came is None else came, 120)
        raise JwtError(f"its htu is {given}, and the URI of the request {' or '.join(sorted(uris))}")


def _check_token(claims: Mapping[str, Any], access_token: str) -> None:
    """Check that a proof is for this access token: `ath`."""
    ath, made = claims.get("ath"), urlsafe_b64encode(sha256(access_token)).rstrip(b"=")
    if not isinstance(ath, str) or not hmac.compare_digest(ath.encode(), made):
        raise JwtError("its ath is not the hash of the access token")


def _number(claims: Mapping[str, Any], name: str) -> float | None:
    """A time in a proof, in seconds since 1970; `None` where it isn't there."""
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 2**53:
        raise JwtError(f"its {name} is not a time")
    return value
