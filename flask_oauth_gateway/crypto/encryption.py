"""Encrypts a text to somebody's public key, and opens what is encrypted to ours (RFC 7516). joserfc does the cryptography."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from joserfc import jwe
from joserfc.errors import JoseError

from .certificates import UNREADABLE, UnusableKey
from .jose import MAX_HEADER, MAX_TOKEN, JwtError, object_in
from .jwk import is_for_encryption, load_jwks
from .key_sets import FixedKeys

if TYPE_CHECKING:
    from joserfc.jwk import Key

#: With which texts may be encrypted to this server: others are weaker, slower or rare.
TAKEN_ALGORITHMS, TAKEN_METHODS = ("RSA-OAEP-256", "ECDH-ES"), ("A256GCM",)
TRIED_WITH = {"RSA": "RSA-OAEP"}  # any other kind: ECDH-ES


def encryption_keys_in(document: Any, skipped: list[str] | None = None) -> FixedKeys:
    """The keys of a key set to which something can be encrypted (RFC 7517 section 4.2). Raises `UnusableKey`.

    Each is tried, since there are points with which no secret can be agreed on. `skipped` is that of `load_jwks`.
    """
    keys = load_jwks(document, for_encryption=True, skipped=skipped)
    return FixedKeys(tuple(key for key in keys if _is_fine(key, skipped)))


def key_for(algorithm: str, keys: Iterable[Key]) -> Key | None:
    """The key to encrypt to by an algorithm: one that names it, or that is for encryption, before any other that fits."""
    fitting = [key for key in keys if is_for_encryption(key, algorithm)]
    return min(fitting, key=lambda key: (key.get("alg") is None, key.get("use") is None), default=None)


def encrypt(text: str, key: Key, algorithm: str, method: str, *, content_type: str | None = None) -> str:
    """A JWE in its compact form: the key is agreed on by `algorithm`, the text encrypted by `method`."""
    header = {"alg": algorithm, "enc": method}
    if isinstance(key.get("kid"), str):
        header["kid"] = str(key.get("kid"))
    if content_type is not None:
        header["cty"] = content_type
    return jwe.encrypt_compact(header, text.encode(), key, algorithms=[algorithm, method])


def decrypt(text: str, keys_of: Callable[[str, str | None], Iterable[Key]]) -> str:
    """The text in a JWE, by one of the private keys for its `alg` and `kid`. Raises `JwtError`.

    Nothing in it is compressed, so that it is never longer than what came.
    """
    if len(text) > MAX_TOKEN:
        raise JwtError("it is longer than 64 KiB")
    segment = text.partition(".")[0]
    if len(segment) > MAX_HEADER:
        raise JwtError("its header is too long")
    header = object_in(segment, "header")
    algorithm, method, kid = header.get("alg"), header.get("enc"), header.get("kid")
    if algorithm not in TAKEN_ALGORITHMS or method not in TAKEN_METHODS:
        taken = f"{' or '.join(TAKEN_ALGORITHMS)} with {' or '.join(TAKEN_METHODS)}"
        raise JwtError(f"it is encrypted by other algorithms than {taken}")
    if "zip" in header or "crit" in header:
        raise JwtError("it is compressed, or asks for an extension (zip, crit)")
    registry = jwe.JWERegistry(algorithms=[algorithm, method], strict_check_header=False)
    for key in keys_of(algorithm, kid if isinstance(kid, str) else None):
        try:
            plain = jwe.decrypt_compact(text, key, registry=registry).plaintext or b""
            return plain.decode("ascii")
        except (JoseError, *UNREADABLE, KeyError, AttributeError, AssertionError):
            continue
    raise JwtError("it can't be decrypted by a key that is published here")


def _is_fine(key: Key, skipped: list[str] | None) -> bool:
    try:
        encrypt("", key, TRIED_WITH.get(key.key_type, "ECDH-ES"), "A128GCM")
    except (JoseError, ValueError, TypeError) as error:
        if skipped is None:
            raise UnusableKey("nothing can be encrypted to it") from error
        skipped.append("a key to which nothing can be encrypted")
        return False
    return True
