"""Reads and verifies every JWT that comes from outside, by the rules of RFC 8725. joserfc does the cryptography.

The key decides which algorithms are allowed, never the token; `none` is never allowed. Keys come from the configuration
or the registry, never from a token's header. Tokens with an unknown extension that is marked critical are refused.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from ..errors import without_secrets
from .certificates import UNREADABLE, UnusableKey, certificate_of, pem_bytes, public_key_of

MAX_TOKEN = 65536
MAX_HEADER = 16384
MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192  # with longer keys, checking a signature costs us more than inventing one costs an attacker
MIN_SECRET_BYTES = 32  # RFC 7518 section 3.2
MAX_KEYS_TRIED = 8
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})  # RFC 7518 section 6.3.2

ALGORITHMS: Mapping[str, tuple[str, ...]] = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "P-256": ("ES256",),
    "P-384": ("ES384",),
    "P-521": ("ES512",),
    "Ed25519": ("EdDSA", "Ed25519"),
    "Ed448": ("EdDSA", "Ed448"),
    "oct": ("HS256", "HS384", "HS512"),
}
EVERY_ALGORITHM = tuple(dict.fromkeys(name for names in ALGORITHMS.values() for name in names))
_KEY_TYPES: Mapping[str, type[Key]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey, "oct": OctKey}
_NATIVE: Mapping[type, type[Key]] = {
    rsa.RSAPublicKey: RSAKey,
    ec.EllipticCurvePublicKey: ECKey,
    ed25519.Ed25519PublicKey: OKPKey,
    ed448.Ed448PublicKey: OKPKey,
}
_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")


class JwtError(Exception):
    """The JWT is not valid. The message says why, for the log."""


@dataclass(frozen=True, slots=True)
class Jwt:
    """A JWT, with its signature checked (`verify`) or not (`read`). `signed` is the text that the signature covers."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def read(token: str) -> Jwt:
    """Read a JWT without verifying anything, to find out which keys are needed. Raises `JwtError`."""
    if len(token) > MAX_TOKEN:
        raise JwtError("it is longer than 64 KiB")
    parts = _COMPACT.fullmatch(token)
    if parts is None:
        raise JwtError("it is not three base64url parts")
    header, payload, signature = parts.groups()
    if len(header) > MAX_HEADER:
        raise JwtError("its header is too long")
    return Jwt(
        header={**_header(header)},
        claims=_object(payload, "payload"),
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
            if scheme.verify(jwt.signed, jwt.signature, key):
                return jwt
        except (JoseError, ValueError, TypeError):
            continue
    raise JwtError("its signature is wrong")


def sign(header: Mapping[str, Any], claims: Mapping[str, Any], key: Key) -> str:
    """A JWT with these claims, signed by the header's `alg`."""
    segments = (json.dumps(part, separators=(",", ":")).encode() for part in (header, claims))
    signed = b".".join(urlsafe_b64encode(segment).rstrip(b"=") for segment in segments)
    signature = JWSRegistry.algorithms[header["alg"]].sign(signed, key)
    return (signed + b"." + urlsafe_b64encode(signature).rstrip(b"=")).decode()


def algorithms_of(key: Key) -> tuple[str, ...]:
    """The algorithms with which a key can be used."""
    curve = key.get("crv") if key.key_type in ("EC", "OKP") else key.key_type
    return ALGORITHMS.get(str(curve), ())


def load_jwks(jwks: Any, *, symmetric: bool = False, lenient: bool = False) -> tuple[Key, ...]:
    """The signature keys of a key set (RFC 7517 section 5); a single key counts as a set. Raises `UnusableKey`.

    `symmetric`: a shared secret may be among them; never allow that where others can read the set. `lenient`: unusable
    keys are skipped, as long as one key is left.
    """
    if not isinstance(jwks, Mapping):
        raise UnusableKey("a key set is a JSON object with 'keys'")
    listed = jwks.get("keys", [jwks])
    if not isinstance(listed, list) or not all(isinstance(item, Mapping) for item in listed):
        raise UnusableKey("'keys' of a key set is a list of JSON objects")
    keys, problem = [], "it holds no key for signatures"
    for item in listed:
        if item.get("use", "sig") != "sig" or str(item.get("kty")) not in _KEY_TYPES:
            continue
        try:
            keys.append(_load_jwk(item, symmetric))
        except UnusableKey as error:
            if not lenient:
                raise
            problem = str(error)
    if not keys:
        raise UnusableKey(f"the key set can't be used: {problem}")
    return tuple(keys)


def _load_jwk(item: Mapping[str, Any], symmetric: bool) -> Key:
    if item["kty"] == "oct" and not symmetric:
        raise UnusableKey("a shared secret (kty oct) has no place among public keys")
    if item["kty"] != "oct" and PRIVATE_MEMBERS.intersection(item):
        raise UnusableKey("a private key has no place here: give its public part")
    if item["kty"] == "RSA":
        _check_rsa(int.from_bytes(_raw(item.get("n"))).bit_length())
    if item["kty"] == "oct" and len(_raw(item.get("k"))) < MIN_SECRET_BYTES:
        raise UnusableKey(f"a symmetric key has {MIN_SECRET_BYTES} bytes or more")
    try:
        key = _KEY_TYPES[item["kty"]].import_key(dict(item))
    except (JoseError, *UNREADABLE, KeyError, AttributeError) as error:
        raise UnusableKey(f"a key can't be read: {without_secrets(error)}") from error
    if not isinstance(key.get("kid", ""), str) or "verify" not in (key.get("key_ops") or ("verify",)):
        raise UnusableKey("a key is not for verifying signatures, or its kid is not a text")
    return _known(key)


def load_pem(text: str) -> Key:
    """Load a PEM public key or X.509 certificate. Raises `UnusableKey`."""
    public = public_key_of(pem_bytes(text))
    if isinstance(public, rsa.RSAPublicKey):
        _check_rsa(public.key_size)
    kind = next((kind for native, kind in _NATIVE.items() if isinstance(public, native)), None)
    if kind is None:
        raise UnusableKey("the PEM key is neither RSA, EC nor Ed25519")
    try:
        return _known(kind.import_key(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)))
    except (JoseError, *UNREADABLE, KeyError) as error:
        raise UnusableKey("the PEM key can't be used") from error


def validity_of(text: str) -> tuple[float, float] | None:
    """When a PEM certificate's validity begins and ends, in seconds since 1970; `None` for a key without a certificate."""
    if "BEGIN CERTIFICATE" not in text:
        return None
    certificate = certificate_of(text.encode())
    return certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()


def _known(key: Key) -> Key:
    """The key, if its type and curve are known. Raises `UnusableKey`."""
    if not algorithms_of(key):
        raise UnusableKey("the key's curve is not known")
    return key


def _check_rsa(bits: int) -> None:
    """Check the length of an RSA key (RFC 7518 section 3.3), as joserfc accepts a short one with only a warning."""
    if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
        raise UnusableKey(f"an RSA key has {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")


def _raw(number: Any) -> bytes:
    """The bytes of a member in base64url; empty where it isn't base64url."""
    try:
        return urlsafe_b64decode(number + "=" * (-len(number) % 4))
    except (TypeError, ValueError):
        return b""


def _fits(key: Key, algorithm: str, kid: str | None, allowed: tuple[str, ...] | None) -> bool:
    if algorithm not in algorithms_of(key) or (allowed is not None and algorithm not in allowed):
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
    return _object(segment, "header")


def _object(segment: str, what: str) -> dict[str, Any]:
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
