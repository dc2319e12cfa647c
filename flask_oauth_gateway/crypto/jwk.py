"""Loads the public keys of others, with which they sign or are written to: key sets and PEM.

An `UnusableKey` says what is wrong with one.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Collection, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from ..errors import shown, without_secrets
from .certificates import UNREADABLE, UnusableKey, pem_bytes, public_key_of

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 8192  # with longer keys, checking a signature costs us more than inventing one costs an attacker
MIN_SECRET_BYTES = 32  # RFC 7518 section 3.2
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
#: The members without which a key of a kind is none, each in base64url save the curve (RFC 7518 section 6).
_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x"), "oct": ("k",)}
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


ENCRYPTS = frozenset({"RSA", "P-256", "P-384", "P-521", "X25519", "X448"})
_AGREE_ALONE = ("X25519", "X448")
_ENCRYPTING = frozenset({"encrypt", "wrapKey", "deriveKey", "deriveBits"})  # `key_ops`, RFC 7517 section 4.3


class NoKey(UnusableKey):
    """Nothing is wrong with a key set, but it holds no key for the purpose."""


class _ForSomethingElse(Exception):
    """The key has another purpose, as encryption for one that signs: nothing is wrong with it."""


def algorithms_of(key: Key) -> tuple[str, ...]:
    """The algorithms with which a key can be used."""
    return ALGORITHMS.get(_kind_of(key), ())


def full_name(key: Key, algorithm: str) -> str:
    """The algorithm's name that says the curve too: EdDSA is Ed25519 or Ed448, by the key."""
    return str(key.get("crv")) if algorithm == "EdDSA" else algorithm


def signs_by(key: Key, algorithms: Collection[str]) -> bool:
    """Whether a key can sign by one of these algorithms, as far as it says which it is for."""
    names = algorithms_of(key) if key.get("alg") is None else (str(key.get("alg")),)
    return any(full_name(key, name) in algorithms for name in names)


def is_for_encryption(key: Key, algorithm: str) -> bool:
    """Whether something can be encrypted to a key by this algorithm (RFC 7518 section 4.1)."""
    wanted = {"RSA"} if algorithm.startswith("RSA") else ENCRYPTS - {"RSA"}
    return _kind_of(key) in wanted and key.get("alg") in (None, algorithm)


def _kind_of(key: Key) -> str:
    return str(key.get("crv") if key.key_type in ("EC", "OKP") else key.key_type)


def load_jwks(
    jwks: Any, *, symmetric: bool = False, for_encryption: bool = False, skipped: list[str] | None = None
) -> tuple[Key, ...]:
    """The signature keys of a key set (RFC 7517 section 5), or those `for_encryption`; a single key counts as a set.

    `symmetric`: a shared secret may be among them; never allow that where others can read the set. `skipped`: what can't
    be used is left out and told there, as long as one key is left; without it, only keys of unknown kinds are left out.
    Raises `UnusableKey`, and `NoKey` where there are keys, and all have another purpose.
    """
    if not isinstance(jwks, Mapping):
        raise UnusableKey("a key set is a JSON object with 'keys'")
    listed = jwks.get("keys", [jwks])
    if not isinstance(listed, list):
        raise UnusableKey("'keys' of a key set is a list of JSON objects")
    keys: list[Key] = []
    problems: list[str] = []
    for number, item in enumerate(listed, 1):
        try:
            keys.append(_load_jwk(item, symmetric, "enc" if for_encryption else "sig"))
        except _ForSomethingElse:
            continue
        except UnusableKey as error:
            problems.append(f"{_which(item, number)}: {error}" if len(listed) > 1 else str(error))
            if skipped is None and not _is_of_unknown_kind(item):
                raise UnusableKey(problems[-1]) from error
    if not keys and problems:
        raise UnusableKey(f"the key set can't be used: {'; '.join(problems[:3])}")
    if not keys:
        why = f"the key set can't be used: it holds no key for {'encryption' if for_encryption else 'signatures'}"
        raise NoKey(why) if listed else UnusableKey(why)
    if skipped is not None:
        skipped += problems
    return tuple(keys)


def _which(item: Any, number: int) -> str:
    kid = item.get("kid") if isinstance(item, Mapping) else None
    return f"key {number}" if kid is None else f"key {number} ({shown(kid, 60)})"


def _is_of_unknown_kind(item: Any) -> bool:
    return isinstance(item, Mapping) and str(item.get("kty")) not in _KEY_TYPES


def _load_jwk(item: Any, symmetric: bool, use: str) -> Key:
    if not isinstance(item, Mapping):
        raise UnusableKey("it is no JSON object")
    item = {name: value for name, value in item.items() if value is not None}  # a null member is one that is left out
    if _has_another_purpose(item, use):
        raise _ForSomethingElse
    if _is_of_unknown_kind(item):
        raise UnusableKey(f"its kind is not known (kty {shown(item.get('kty'), 40)})")
    if not isinstance(item.get("kid", ""), str):
        raise UnusableKey("its kid is not a text")
    _check_public(item, symmetric)
    for name in _MEMBERS[item["kty"]]:
        _check_member(item, name)
    if item["kty"] == "RSA":
        _check_rsa(int.from_bytes(raw_bytes(item["n"])).bit_length())
    if item["kty"] == "oct" and len(raw_bytes(item["k"])) < MIN_SECRET_BYTES:
        raise UnusableKey(f"a symmetric key has {MIN_SECRET_BYTES} bytes or more")
    try:
        key = _KEY_TYPES[item["kty"]].import_key(item if use == "sig" else _without_operations(item))
    except (JoseError, *UNREADABLE, KeyError, AttributeError) as error:
        reason = without_secrets(error).strip() or type(error).__name__
        raise UnusableKey(f"a key can't be read: {reason}") from error
    if use == "sig" and "verify" not in (key.get("key_ops") or ("verify",)):
        raise UnusableKey("it is not for verifying signatures (key_ops)")
    return _known(key) if use == "sig" else key


def check_all_public(jwks: Mapping[str, Any]) -> None:
    """Check that no key of a set that was loaded is a secret, also none that has another purpose. Raises `UnusableKey`."""
    for item in jwks.get("keys", [jwks]):
        if isinstance(item, Mapping):
            _check_public({name: value for name, value in item.items() if value is not None}, symmetric=False)


def _check_public(item: Mapping[str, Any], symmetric: bool) -> None:
    if item.get("kty") == "oct" and not symmetric:
        raise UnusableKey("a shared secret (kty oct) has no place among public keys")
    if item.get("kty") != "oct" and PRIVATE_MEMBERS.intersection(item):
        raise UnusableKey("a private key has no place here: give its public part")


def _has_another_purpose(item: Mapping[str, Any], use: str) -> bool:
    """Whether a key says that it isn't for signatures ("sig") or for encryption ("enc"), or is of a kind that can't be."""
    if item.get("use", use) != use:
        return True
    kind = str(item.get("crv") if item.get("kty") in ("EC", "OKP") else item.get("kty"))
    if use == "sig":
        return kind in _AGREE_ALONE
    operations = item.get("key_ops") or list(_ENCRYPTING)
    encrypts = isinstance(operations, list) and any(str(each) in _ENCRYPTING for each in operations)
    return kind not in ENCRYPTS or not encrypts


def _without_operations(item: Mapping[str, Any]) -> dict[str, Any]:
    """A key for encryption as joserfc takes it with each algorithm; `key_ops` were looked at before."""
    return {name: value for name, value in item.items() if name != "key_ops"}


def _check_member(item: Mapping[str, Any], name: str) -> None:
    value = item.get(name)
    if value is None:
        raise UnusableKey(f"it has no {name!r}")
    if not isinstance(value, str) or (name != "crv" and not _BASE64URL.fullmatch(value)):
        raise UnusableKey(f"its {name!r} is not base64url without padding (RFC 7518 section 2)")


def raw_bytes(number: str) -> bytes:
    """The bytes of a member in base64url; empty where its length is none that base64url has."""
    try:
        return urlsafe_b64decode(number + "=" * (-len(number) % 4))
    except ValueError:
        return b""


def load_pem(text: str, kid: str | None = None) -> Key:
    """Load a PEM public key or X.509 certificate. Raises `UnusableKey`."""
    public = public_key_of(pem_bytes(text))
    if isinstance(public, rsa.RSAPublicKey):
        _check_rsa(public.key_size)
    kind = next((kind for native, kind in _NATIVE.items() if isinstance(public, native)), None)
    if kind is None:
        raise UnusableKey("the PEM key is neither RSA, EC nor Ed25519")
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    try:
        return _known(kind.import_key(pem, None if kid is None else {"kid": kid}))
    except (JoseError, *UNREADABLE, KeyError) as error:
        raise UnusableKey("the PEM key can't be used") from error


def _known(key: Key) -> Key:
    """The key, if its type and curve are known. Raises `UnusableKey`."""
    if not algorithms_of(key):
        raise UnusableKey("the key's curve is not known")
    return key


def _check_rsa(bits: int) -> None:
    """Check the length of an RSA key (RFC 7518 section 3.3), as joserfc accepts a short one with only a warning."""
    if not MIN_RSA_BITS <= bits <= MAX_RSA_BITS:
        raise UnusableKey(f"an RSA key has {MIN_RSA_BITS} to {MAX_RSA_BITS} bits")
