"""The key in a proof's header (RFC 9449 section 4.2), with which the proof itself is checked: the only key that may be there.

A client's proofs share their header, so what was found out of it is kept.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from joserfc.jwk import Key

from ..crypto.certificates import UnusableKey
from ..crypto.jose import JwtError, object_in
from ..crypto.jwk import PRIVATE_MEMBERS, load_jwks, raw_bytes

TYPE = "dpop+jwt"
MAX_RSA_BITS = 4096
MAX_KEPT = 2048  # characters; a header with a key of the longest kind has half of it
#: The members of a key's thumbprint (RFC 7638 section 3.2), and of those on a curve how many bytes each number has.
_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
_SIZES = {"P-256": 32, "P-384": 48, "P-521": 66, "Ed25519": 32}


class ProofHeader(NamedTuple):
    """A proof's header: its algorithm, the key, and the key's thumbprint (RFC 7638), to which tokens are bound."""

    algorithm: str
    key: Key
    thumbprint: str
    members: Mapping[str, Any]


def read_header(segment: str) -> ProofHeader:
    """The header of a proof, from its first part. Raises `JwtError`, which says what is wrong with it."""
    return _read_header(segment) if len(segment) > MAX_KEPT else _kept(segment)


def _read_header(segment: str) -> ProofHeader:
    header = object_in(segment, "header")
    if header.get("typ") != TYPE:
        raise JwtError(f"its typ is not {TYPE}")
    if "crit" in header:
        raise JwtError("its header asks for an extension (crit) that is not understood")
    jwk, algorithm = header.get("jwk"), header.get("alg")
    if not isinstance(jwk, dict):
        raise JwtError("its header holds no public key (jwk)")
    if not isinstance(algorithm, str):
        raise JwtError("its header has no proper alg")
    if str(jwk.get("kty")) not in _MEMBERS or "k" in jwk or PRIVATE_MEMBERS.intersection(jwk):
        raise JwtError("the key in its header (jwk) is not a public one of the kind EC, OKP or RSA")
    try:
        (key,) = load_jwks({"keys": [jwk]})
    except UnusableKey as error:
        raise JwtError(f"the key in its header (jwk) can't be used: {error}") from None
    _check_form(jwk)
    return ProofHeader(algorithm, key, key.thumbprint(), header)


def _check_form(jwk: Mapping[str, Any]) -> None:
    """Check that each number is written in the one form that it has, as the thumbprint covers what is written."""
    for name in _MEMBERS[jwk["kty"]]:
        if name in ("kty", "crv"):
            continue
        raw = raw_bytes(jwk[name])
        size = _SIZES.get(jwk["crv"]) if "crv" in jwk else len(raw.lstrip(b"\0"))
        if urlsafe_b64encode(raw).rstrip(b"=").decode() != jwk[name] or len(raw) != size:
            raise JwtError(f"{name!r} of the key in its header (jwk) is not written as RFC 7518 section 6 says")
    if jwk["kty"] == "RSA" and len(raw_bytes(jwk["n"])) > MAX_RSA_BITS // 8:
        raise JwtError(f"the RSA key in its header (jwk) has more than {MAX_RSA_BITS} bits")


_kept = lru_cache(maxsize=1024)(_read_header)
