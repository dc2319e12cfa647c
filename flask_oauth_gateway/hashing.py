"""How secrets are kept and compared: none is stored as it is.

Tokens and generated secrets hold 256 random bits, so SHA-256 is enough: there is no dictionary to try. A secret that a
person chose goes through argon2id, which is slow on purpose; it is then remembered, keyed, for as long as the process lives.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from functools import lru_cache

SECRET_BYTES = 32
SHA256_PREFIX = "sha256$"
SEALED = "sealed$"  # not hashed but encrypted: the secret of a client that signs with it
_PROCESS_KEY = secrets.token_bytes(32)
_ARGON2_MEMORY_KIB, _ARGON2_TIME, _ARGON2_LANES = 19 * 1024, 2, 1  # OWASP's recommendation of 2024
_MAX_REMEMBERED = 10_000
_verified: dict[bytes, None] = {}


def new_secret(prefix: str = "") -> str:
    """256 random bits as text that fits a URL, and a command line: it begins with no dash."""
    value = secrets.token_urlsafe(SECRET_BYTES)
    return prefix + value if prefix or value[0] != "-" else new_secret()


def sha256(value: str) -> bytes:
    """The key under which a token is stored."""
    return hashlib.sha256(value.encode()).digest()


def generated_secret_digest(secret: str) -> str:
    """What is stored of a secret that `new_secret` made."""
    return SHA256_PREFIX + hashlib.sha256(secret.encode()).hexdigest()


def brought_secret_digest(secret: str) -> str:
    """What is stored of a secret that somebody chose."""
    return str(_argon2().hash(secret))


def verify_secret(secret: str, digest: str) -> bool:
    """Whether a secret is the one that was stored as `digest`, in constant time."""
    if digest.startswith(SHA256_PREFIX):
        return hmac.compare_digest(generated_secret_digest(secret), digest)
    if digest.startswith(SEALED):
        return False
    remembered = hmac.digest(_PROCESS_KEY, f"{digest}\0{secret}".encode(), "sha256")
    if remembered in _verified:
        return True
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        _argon2().verify(digest, secret)
    except (VerificationError, InvalidHashError):
        return False
    if len(_verified) >= _MAX_REMEMBERED:
        _verified.clear()
    _verified[remembered] = None
    return True


@lru_cache(maxsize=1)
def _argon2():  # type: ignore[no-untyped-def]
    """argon2-cffi, imported by the apps that need it alone."""
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=_ARGON2_TIME, memory_cost=_ARGON2_MEMORY_KIB, parallelism=_ARGON2_LANES)
