"""Encrypts a text to somebody's public key (RFC 7516). joserfc does the cryptography."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from joserfc import jwe
from joserfc.errors import JoseError

from .certificates import UnusableKey
from .jwk import is_for_encryption, load_jwks
from .key_sets import FixedKeys

if TYPE_CHECKING:
    from joserfc.jwk import Key

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


def _is_fine(key: Key, skipped: list[str] | None) -> bool:
    try:
        encrypt("", key, TRIED_WITH.get(key.key_type, "ECDH-ES"), "A128GCM")
    except (JoseError, ValueError, TypeError) as error:
        if skipped is None:
            raise UnusableKey("nothing can be encrypted to it") from error
        skipped.append("a key to which nothing can be encrypted")
        return False
    return True
