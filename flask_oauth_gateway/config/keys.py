"""Settings of the gateway's own keys: those that sign tokens, and the one that encrypts stored secrets."""

from __future__ import annotations

from dataclasses import dataclass

from .checks import days, one_of, secret_text
from .setting import setting

SIGNING_ALGORITHMS = ("ES256", "RS256", "PS256", "EdDSA")
#: With which a client's answers are encrypted: how a key is agreed on, and how the text is encrypted (RFC 7518 sections 4, 5).
ENCRYPTION_ALGORITHMS = (
    "RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A192KW", "ECDH-ES+A256KW",
)  # fmt: skip
ENCRYPTION_METHODS = ("A128CBC-HS256", "A192CBC-HS384", "A256CBC-HS512", "A128GCM", "A192GCM", "A256GCM")


@dataclass(frozen=True, init=False, repr=False, eq=False)
class KeySettings:
    """A group of `Settings`."""

    __slots__ = ()

    signing_algorithm: str = setting(
        "ES256",
        one_of(*SIGNING_ALGORITHMS),
        "The algorithm that new signing keys are for (RFC 7518, RFC 8037).",
    )
    key_rotation_days: int = setting(
        90,
        days,
        "After how many days a new signing key is made; the key is published an hour before it signs. With 0,"
        " keys are rotated by hand alone.",
    )
    key_encryption_key: str | None = setting(
        None,
        secret_text,
        "A long random text that encrypts what the gateway must have again in clear (the secrets of"
        " `client_secret_jwt` clients). Where it is left out, the key is derived from `SECRET_KEY`."
        " `SECRET_KEY_FALLBACKS` still open what was encrypted before.",
    )
