"""Hashes and compares secrets, none of which is stored in plain.

Tokens and generated secrets hold 256 random bits, so SHA-256 is enough: nobody can guess them from a list. A secret
that a person chose is hashed by argon2id, which is slow on purpose; once verified, the process remembers a keyed hash
of it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

SECRET_BYTES = 32
SHA256_PREFIX = "sha256$"
#: What stands before the random part of a personal access token (`checksums.py`), and how many digits say its second.
CHECKED, SECOND_DIGITS = "pat_", 8
_CHECKED_AT = slice(-61, -57)  # before 43 random characters, the second and six of checksum
SEALED = "sealed$"  # encrypted instead of hashed: the secret of a client that signs with it
#: What a hash by bcrypt begins with, in Ruby, Go and Python, and in Django, whose second form hashes by SHA-256 first.
BCRYPT = ("$2a$", "$2b$", "$2y$", "bcrypt_sha256$$2b$")
_PROCESS_KEY = secrets.token_bytes(32)
_ARGON2_MEMORY_KIB, _ARGON2_TIME, _ARGON2_LANES = 19 * 1024, 2, 1  # OWASP's recommendation of 2024
_MAX_REMEMBERED = 10_000
# A guess must not cost much more than that of a client of our own, whoever hashed the secret: with these, half a second
# and 128 MiB. The defaults of Django, Hydra, Doorkeeper and argon2-cffi are below.
_MAX_PBKDF2_ITERATIONS = 2_000_000
_MAX_BCRYPT_COST = 12
_BCRYPT_BYTES = 72  # bcrypt reads no more of a secret, and some libraries refuse a longer one
_MAX_ARGON2_MEMORY_KIB, _MAX_ARGON2_WORK_KIB, _MAX_ARGON2_LANES = 128 * 1024, 512 * 1024, 16  # work: memory, each pass
_KNOWN = tuple(
    re.compile(shape, re.ASCII)
    for shape in (
        r"sha256\$[0-9a-f]{64}",
        r"pbkdf2_sha256\$(?P<iterations>[1-9][0-9]{0,6})\$[^$]{1,128}\$[A-Za-z0-9+/]{43}=",
        r"\$pbkdf2-sha256\$i=(?P<iterations>[1-9][0-9]{0,6}),l=32\$[A-Za-z0-9+/]{2,128}\$[A-Za-z0-9+/]{43}",
        r"(?:\$2[aby]|bcrypt_sha256\$\$2b)\$(?P<rounds>\d\d)\$[./A-Za-z0-9]{53}",
        r"\$argon2(?:id|i|d)\$v=19\$m=(?P<memory>\d{1,7}),t=(?P<passes>\d{1,3}),p=(?P<lanes>\d{1,2})(?:\$[\w+/]{11,128}){2}",
        r"sealed\$[A-Za-z0-9_=-]+",
    )
)
_verified: dict[bytes, None] = {}


def new_secret(prefix: str = "") -> str:
    """256 random bits as text that fits into a URL and a command line: it doesn't begin with a dash."""
    value = secrets.token_urlsafe(SECRET_BYTES)
    return prefix + value if prefix or value[0] != "-" else new_secret()


def time_ordered_key() -> bytes:
    """A row's key of 16 bytes: the time in ms and 80 random bits, so that new rows are close together in the index."""
    return (time.time_ns() // 1_000_000).to_bytes(6, "big") + secrets.token_bytes(10)


def app_keys(config: Mapping[str, Any], first: str | None) -> list[bytes]:
    """The app's long-lived secrets: `first` where it is set, then `SECRET_KEY` and `SECRET_KEY_FALLBACKS`."""
    given = [first, config.get("SECRET_KEY"), *(config.get("SECRET_KEY_FALLBACKS") or ())]
    return [key if isinstance(key, bytes) else key.encode() for key in given if key]


def audit_keys(config: Mapping[str, Any], first: str | None) -> list[bytes]:
    """The keys of the audit trail's chain, first the one that writes; in an app without any secret, a key that is public."""
    return [hmac.digest(key, b"flask-oauth-gateway audit", "sha256") for key in app_keys(config, first) or [b""]]


def sha256(value: str) -> bytes:
    """The SHA-256 of a text."""
    return hashlib.sha256(value.encode()).digest()


def new_token(prefix: str, issued_at: int) -> str:
    """A new token or code: 256 random bits, and the second of its issue behind a tilde, for the key of its row."""
    return timed(new_secret(prefix), issued_at)


def timed(secret: str, issued_at: int) -> str:
    """A secret with the second of its issue, in eight hexadecimal digits."""
    return f"{secret}~{issued_at:08x}"


def token_key(token: str) -> bytes:
    """The 32 bytes by which a token or code is stored: the second in its text, and 28 bytes of its SHA-256.

    So new rows stand together, and a partition by time is found (`docs/architecture.md`). The time is trusted for nothing
    else: the hash covers it too. A token without one, as there were before, has no tilde, and is stored by its SHA-256. A
    personal access token, which is one word, has its second before the checksum.
    """
    digest = hashlib.sha256(token.encode()).digest()
    if token[-9:-8] == "~":
        try:
            issued_at = bytes.fromhex(token[-8:])  # fewer bytes where there are spaces
        except ValueError:
            return digest
        return issued_at + digest[: 32 - len(issued_at)]
    if token[_CHECKED_AT] == CHECKED:
        try:
            return bytes.fromhex(token[-14:-6]) + digest[:28]
        except ValueError:
            return digest
    return digest


def generated_secret_digest(secret: str) -> str:
    """The stored form of a secret that `new_secret` made."""
    return SHA256_PREFIX + hashlib.sha256(secret.encode()).hexdigest()


def brought_secret_digest(secret: str) -> str:
    """The stored form of a secret that a person chose."""
    return str(_argon2().hash(secret))


def is_known_digest(digest: str) -> bool:
    """Whether a digest from elsewhere is a sealed secret, or one that `verify_secret` can check at a bearable cost."""
    found = _known_shape(digest)
    return found is not None and _is_bearable(found) and (not digest.startswith(BCRYPT) or is_bcrypt_installed())


def is_too_costly(digest: str) -> bool:
    """Whether a digest is of a kind that `verify_secret` knows, and each guess at its secret would cost too much."""
    found = _known_shape(digest)
    return found is not None and not _is_bearable(found)


def _known_shape(digest: str) -> re.Match[str] | None:
    return next((match for shape in _KNOWN if (match := shape.fullmatch(digest))), None)


def _is_bearable(found: re.Match[str]) -> bool:
    cost = {name: int(number) for name, number in found.groupdict().items()}
    memory, passes = cost.get("memory", 0), cost.get("passes", 0)
    return (
        cost.get("iterations", 0) <= _MAX_PBKDF2_ITERATIONS
        and memory <= _MAX_ARGON2_MEMORY_KIB
        and memory * passes <= _MAX_ARGON2_WORK_KIB
        and cost.get("lanes", 0) <= _MAX_ARGON2_LANES
        and cost.get("rounds", 0) <= _MAX_BCRYPT_COST
    )


@lru_cache(maxsize=1)
def is_bcrypt_installed() -> bool:
    """Whether secrets that bcrypt hashed can be checked here: the library comes with the extra `bcrypt`."""
    return find_spec("bcrypt") is not None


def verify_secret(secret: str, digest: str) -> bool:
    """Whether a secret is the one that was stored as `digest`, in constant time.

    No secret is right for a digest that costs more than one may that is imported.
    """
    if digest.startswith(SHA256_PREFIX):
        return hmac.compare_digest(generated_secret_digest(secret), digest)
    if digest.startswith(SEALED):
        return False
    # Of keyed hashes this one is the quickest: OpenSSL looks for HMAC's parts anew each time.
    remembered = hashlib.blake2b(f"{digest}\0{secret}".encode(), key=_PROCESS_KEY, digest_size=32).digest()
    if remembered in _verified:
        return True
    if not is_known_digest(digest):
        return False
    if not next(fits for prefix, fits in _HASHED_ELSEWHERE if digest.startswith(prefix))(secret, digest):
        return False
    if len(_verified) >= _MAX_REMEMBERED:
        _verified.clear()
    _verified[remembered] = None
    return True


def _fits_argon2(secret: str, digest: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return bool(_argon2().verify(digest, secret))
    except (VerificationError, InvalidHashError):
        return False


def _fits_django_s_pbkdf2(secret: str, digest: str) -> bool:
    """Check a digest in Django's form, which has the iterations, the salt as text and the hash in base64."""
    _, iterations, salt, kept = digest.split("$")
    made = hashlib.pbkdf2_hmac("sha256", secret.encode(), salt.encode(), int(iterations))
    return hmac.compare_digest(b64encode(made).decode(), kept)


def _fits_pbkdf2(secret: str, digest: str) -> bool:
    """Check a digest as Hydra writes it, which has salt and hash in base64 without padding."""
    _, _, cost, salt, kept = digest.split("$")
    try:
        raw = b64decode(salt + "=" * (-len(salt) % 4))
    except ValueError:
        return False
    made = hashlib.pbkdf2_hmac("sha256", secret.encode(), raw, int(cost[2:].partition(",")[0]))
    return hmac.compare_digest(b64encode(made).decode().rstrip("="), kept)


def _fits_bcrypt(secret: str, digest: str) -> bool:
    """Check a digest of bcrypt's, or Django's of a SHA-256 in hexadecimal, which has no limit of 72 bytes."""
    import bcrypt

    raw = secret.encode()
    if digest.startswith("bcrypt_sha256$"):
        raw, digest = hashlib.sha256(raw).hexdigest().encode(), digest.removeprefix("bcrypt_sha256$")
    try:
        return bcrypt.checkpw(raw[:_BCRYPT_BYTES], digest.encode())
    except ValueError:  # of the right shape, and yet no salt
        return False


@lru_cache(maxsize=1)
def _argon2():  # type: ignore[no-untyped-def]
    """The hasher of argon2-cffi, which is imported only in apps that need it."""
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=_ARGON2_TIME, memory_cost=_ARGON2_MEMORY_KIB, parallelism=_ARGON2_LANES)


_HASHED_ELSEWHERE = (
    ("pbkdf2_sha256$", _fits_django_s_pbkdf2),
    ("$pbkdf2-sha256$", _fits_pbkdf2),
    (BCRYPT, _fits_bcrypt),
    ("$argon2", _fits_argon2),
)


def derived(token: str, salt: bytes, what: str) -> str:
    """A token's successor: 256 bits that only somebody can compute who has the token and the salt stored with it."""
    value = hmac.digest(token.encode(), salt + what.encode(), "sha256")
    return urlsafe_b64encode(value).rstrip(b"=").decode()
