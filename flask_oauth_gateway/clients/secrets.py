"""Makes the stored form of a client's secret: a new one, one that the caller gives, or one from another registry."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..crypto import hashing
from .members import ClientMetadataError

if TYPE_CHECKING:
    from ..crypto.sealing import Sealing

MIN_BROUGHT_SECRET = 8
MIN_HMAC_SECRET = 32
HINT_LENGTH = 4
MAX_SECONDS = 100 * 366 * 86400  # a later end is beyond what dates can name
TOO_LONG = "A secret lives for a second or more, and for a hundred years at most."


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class KnownSecret:
    """A secret that a client has in another registry: in plain, or hashed in a way that `hashing.py` knows."""

    plain: str | None = None
    digest: str | None = None
    hint: str = ""
    expires_at: int | None = None


def new_secret(
    sealing: Sealing, method: str, brought: str | None, expires_in: int | None
) -> tuple[str, dict[str, Any]]:
    """A secret in plain, and its stored form: a hash, or the sealed secret where the client signs with it."""
    if expires_in is not None and not 1 <= expires_in <= MAX_SECONDS:
        raise ClientMetadataError(TOO_LONG)
    shortest = MIN_HMAC_SECRET if method == "client_secret_jwt" else MIN_BROUGHT_SECRET
    if brought is not None and not (len(brought) >= shortest and re.fullmatch(r"[\x20-\x7e]{1,1024}", brought)):
        raise ClientMetadataError(f"A client_secret has {shortest} to 1024 printable ASCII characters.")
    plain = hashing.new_secret() if brought is None else brought
    if method == "client_secret_jwt":
        digest = hashing.SEALED + sealing.seal(plain)
    else:
        digest = hashing.generated_secret_digest(plain) if brought is None else hashing.brought_secret_digest(plain)
    return plain, {"hint": plain[-HINT_LENGTH:], "digest": digest, "expires_in": expires_in}


def known_secret(sealing: Sealing, method: str, secret: KnownSecret, now: float) -> dict[str, Any]:
    """The stored form of a secret from another registry."""
    if secret.expires_at is not None and secret.expires_at > now + MAX_SECONDS:
        raise ClientMetadataError(TOO_LONG)
    expires_in = None if secret.expires_at is None else int(secret.expires_at - now)
    if secret.digest is None and not isinstance(secret.plain, str):
        raise ClientMetadataError("Its secret is not a text.")
    if secret.digest is None:
        return new_secret(sealing, method, secret.plain, expires_in)[1]
    if not hashing.is_known_digest(secret.digest):
        raise ClientMetadataError(
            "Its secret is hashed in a way that can't be checked here, or only at too great a cost."
        )
    if (method == "client_secret_jwt") != secret.digest.startswith(hashing.SEALED):
        raise ClientMetadataError(f"Its secret is not kept as one for {method} is.")
    sealed = secret.digest.removeprefix(hashing.SEALED)
    if sealed != secret.digest and sealing.unseal(sealed) is None:
        raise ClientMetadataError("Its secret was encrypted under another key than this app's.")
    hint = secret.hint[-HINT_LENGTH:]
    if not re.fullmatch(r"[\x20-\x7e]*", hint):
        raise ClientMetadataError("The hint of a secret is its last characters, which are printable ASCII.")
    return {"hint": hint, "digest": secret.digest, "expires_in": expires_in}
