"""Reads and verifies every JWT that comes from outside, by the rules of RFC 8725. joserfc does the cryptography.

The key decides which algorithms are allowed, never the token; `none` is never allowed. Keys come from the configuration
or the registry, never from a token's header. Tokens with an unknown extension that is marked critical are refused.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from joserfc.errors import JoseError
from joserfc.jwk import Key
from joserfc.jws import JWSRegistry

from .jwk import algorithms_of, full_name

MAX_TOKEN = 65536
MAX_HEADER = 16384
MAX_KEYS_TRIED = 8

#: The hash of each algorithm, and how many bytes each of a signature's two numbers has (RFC 7518 section 3.4). joserfc's own
#: algorithms make this anew for each signature.
_ECDSA = {
    "ES256": (ECDSA(hashes.SHA256()), 32),
    "ES384": (ECDSA(hashes.SHA384()), 48),
    "ES512": (ECDSA(hashes.SHA512()), 66),
}
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")


class JwtError(Exception):
    """The JWT is not valid. The message says why, for the log."""


@dataclass(frozen=True, slots=True)
class Jwt:
    """A JWT, with its signature checked (`verify`) or not (`read`). `signed` is the text that the signature covers."""

    header: Mapping[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def read(token: str, header_of: Callable[[str], Mapping[str, Any]] | None = None) -> Jwt:
    """Read a JWT without verifying anything, to find out which keys are needed. Raises `JwtError`.

    `header_of` reads its header instead (`object_in`), where the caller may know that from before.
    """
    if len(token) > MAX_TOKEN:
        raise JwtError("it is longer than 64 KiB")
    parts = _COMPACT.fullmatch(token)
    if parts is None:
        raise JwtError("it is not three base64url parts")
    header, payload, signature = parts.groups()
    if len(header) > MAX_HEADER:
        raise JwtError("its header is too long")
    return Jwt(
        header={**_header(header)} if header_of is None else header_of(header),
        claims=object_in(payload, "payload"),
        signed=token[: parts.end(2)].encode(),
        signature=_decoded(signature, "signature"),
    )


def verify(token: str | Jwt, keys: Iterable[Key], algorithms: tuple[str, ...] | None = None) -> Jwt:
    """The JWT, if one of these keys signed it by one of these algorithms (`None`: those of the key's type).

    Raises `JwtError`. The caller has to check times, issuer and audience.
    """
    jwt = read(token) if isinstance(token, str) else token
    algorithm, kid = jwt.header.get("alg"), jwt.header.get("kid")
    if not isinstance(algorithm, str) or not isinstance(kid, (str, type(None))):
        raise JwtError("its header has no proper alg or kid")
    if "crit" in jwt.header or jwt.header.get("b64", True) is not True:
        raise JwtError("its header asks for an extension (crit, b64) that is not understood")
    fitting = [key for key in keys if _fits(key, algorithm, kid, algorithms)]
    if not fitting:
        raise JwtError(f"no key of its issuer fits alg {algorithm[:20]!r} and kid {(kid or '')[:60]!r}")
    # This uses joserfc's algorithm without its parser, so that the text that was read above is the one that is
    # verified.
    scheme = JWSRegistry.algorithms[algorithm]
    for key in fitting[:MAX_KEYS_TRIED]:
        try:
            scheme.check_key(key)
            if algorithm in _ECDSA:
                is_good = _fits_by_ecdsa(algorithm, jwt.signed, jwt.signature, key.get_op_key("verify"))
            else:
                is_good = scheme.verify(jwt.signed, jwt.signature, key)
            if is_good:
                return jwt
        except (JoseError, ValueError, TypeError):
            continue
    raise JwtError("its signature is wrong")


class Signer:
    """A private key that signs often: what joserfc asks of a key at each signature is found out once."""

    __slots__ = ("_private",)

    def __init__(self, key: Key) -> None:
        """Raises a `JoseError` where the key may not sign."""
        self._private = key.get_op_key("sign")

    def get_op_key(self, operation: str) -> Any:
        """The key, as joserfc's algorithms ask for it."""
        return self._private


def sign(header: Mapping[str, str], claims: Mapping[str, Any], key: Key | Signer) -> str:
    """A JWT with these claims, signed by the header's `alg`."""
    signed = _header_segment(tuple(header.items())) + b"." + _segment(_ENCODER.encode(claims).encode())
    algorithm = header["alg"]
    if algorithm in _ECDSA:
        signature = _sign_by_ecdsa(algorithm, signed, key.get_op_key("sign"))
    else:
        signature = JWSRegistry.algorithms[algorithm].sign(signed, key)
    return (signed + b"." + _segment(signature)).decode()


def _sign_by_ecdsa(algorithm: str, content: bytes, key: Any) -> bytes:
    """The signature by a private key of cryptography's: its two numbers, of a fixed length."""
    scheme, length = _ECDSA[algorithm]
    r, s = decode_dss_signature(key.sign(content, scheme))
    return r.to_bytes(length, "big") + s.to_bytes(length, "big")


def _fits_by_ecdsa(algorithm: str, content: bytes, signature: bytes, key: Any) -> bool:
    """Whether this signature is that of a public key of cryptography's."""
    scheme, length = _ECDSA[algorithm]
    if len(signature) != 2 * length:
        return False
    r, s = int.from_bytes(signature[:length], "big"), int.from_bytes(signature[length:], "big")
    try:
        key.verify(encode_dss_signature(r, s), content, scheme)
    except InvalidSignature:
        return False
    return True


@lru_cache(maxsize=64)
def _header_segment(header: tuple[tuple[str, str], ...]) -> bytes:
    """A header as it stands in a JWT; cached, as the tokens that a key signs share their header."""
    return _segment(_ENCODER.encode(dict(header)).encode())


def _segment(content: bytes) -> bytes:
    return urlsafe_b64encode(content).rstrip(b"=")


def _fits(key: Key, algorithm: str, kid: str | None, allowed: tuple[str, ...] | None) -> bool:
    if algorithm not in algorithms_of(key):
        return False
    if allowed is not None and algorithm not in allowed and full_name(key, algorithm) not in allowed:
        return False
    if key.get("alg") not in (None, algorithm):
        return False
    return kid is None or key.get("kid") in (None, kid)


def _decoded(segment: str, what: str) -> bytes:
    try:
        return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except ValueError:
        raise JwtError(f"its {what} is not base64url") from None


@lru_cache(maxsize=64)
def _header(segment: str) -> dict[str, Any]:
    """A JWT's header; cached, as the tokens of one key share their header."""
    return object_in(segment, "header")


def object_in(segment: str, what: str) -> dict[str, Any]:
    """The JSON object in a part of a JWT. Raises `JwtError`, which names the part by `what` it is."""
    try:
        text = _decoded(segment, what).decode()  # given bytes, the parser would accept UTF-16 and UTF-32 too
        value = _JSON.decode(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()  # raises where half a surrogate pair makes it no text
    except (ValueError, RecursionError):
        raise JwtError(f"its {what} is not a JSON object") from None
    if not isinstance(value, dict):
        raise JwtError(f"its {what} is not a JSON object")
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a member that occurs twice, of which two parsers may take different ones (RFC 8725 section 2.4)."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


_JSON = json.JSONDecoder(object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
_ENCODER = json.JSONEncoder(separators=(",", ":"))
