"""Encrypts the few secrets that are needed again in plain, with a key that is derived from `SECRET_KEY`.

Where `OAUTH_KEY_ENCRYPTION_KEY` is set, it replaces `SECRET_KEY`. Older texts still open with `SECRET_KEY_FALLBACKS`.
cryptography is imported on first use: an app with only opaque tokens doesn't need it.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING

from ..config.checks import ConfigurationError
from .hashing import app_keys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cryptography.fernet import MultiFernet


class Sealing:
    """Seals and opens texts. `config` is the app's; `key` is the setting that replaces its `SECRET_KEY`."""

    def __init__(self, config: Mapping[str, Any], key: str | None) -> None:
        self._config = config
        self._key = key

    def has_key(self) -> bool:
        """Whether there is a key to encrypt with."""
        return bool(self._key or self._config.get("SECRET_KEY"))

    def seal(self, text: str) -> str:
        """Encrypt and authenticate a text. Raises `ConfigurationError` where the app has no `SECRET_KEY`."""
        return self._fernet().encrypt(text.encode()).decode()

    def unseal(self, sealed: str) -> str | None:
        """The text that was sealed; `None` where none of the app's keys opens it. Raises as `seal` does."""
        from cryptography.fernet import InvalidToken

        try:
            return self._fernet().decrypt(sealed.encode()).decode()
        except InvalidToken:
            return None

    def proofs(self, text: str) -> list[str]:
        """The proofs that this app wrote a text: one by its key and one by each fallback; none where it has no key."""
        return [
            hmac.digest(_derived(key, b"proof"), text.encode(), "sha256").hex()[:16]
            for key in app_keys(self._config, self._key)
        ]

    def _fernet(self) -> MultiFernet:
        from cryptography.fernet import Fernet, MultiFernet

        keys = app_keys(self._config, self._key)
        if not keys:
            raise ConfigurationError("SECRET_KEY", None, "a long random text: secrets are encrypted with it")
        return MultiFernet([Fernet(_derived(key, b"sealing")) for key in keys])


def _derived(key: bytes, purpose: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return urlsafe_b64encode(HKDF(SHA256(), 32, salt=None, info=b"flask-oauth-gateway " + purpose).derive(key))
